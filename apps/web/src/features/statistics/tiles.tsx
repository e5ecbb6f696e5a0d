import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Minus, TrendingDown, TrendingUp } from "lucide-react";
import type { ReactNode } from "react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { overviewQuery, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { formatCompact, formatCost, formatDuration, formatNumber, formatPercent } from "../../lib/format.ts";
import { changeOf, type Figures } from "./figures.ts";
import { messages } from "./messages.ts";

export interface TilesProps {
  all: Figures;
  /** The same over the time before. */
  before: Figures | undefined;
  /** Leads to the builds that are counted. */
  search: BuildsSearch;
}

/** The figures of the whole time at a glance, against the time before; each leads to the builds that it is of. */
export function Tiles({ all, before, search }: TilesProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const count = (value: number) => formatNumber(value, lang);
  const ended = all.completed + all.failed + all.cancelled;
  const tokensOf = (figures: Figures | undefined) => figures && figures.input_tokens + figures.output_tokens;
  const seconds = (value: number | undefined) => (value === undefined ? "–" : formatDuration(value, lang));
  const completed: BuildsSearch = { ...search, status: "completed" };
  const tiles: readonly TileProps[] = [
    {
      name: t.builds,
      note: <Now />,
      search,
      value: count(all.total),
      change: changeOf(all.total, before?.total),
    },
    {
      name: t.successRate,
      note: t.ofEnded(count(all.completed + all.failed)),
      search: { ...search, status: "failed" },
      value: all.success_rate === null ? "–" : formatPercent(all.success_rate, lang),
      change: changeOf(all.success_rate, before?.success_rate),
      better: "more",
    },
    {
      name: t.median,
      note: t.ofCompleted(count(all.completed)),
      search: { ...completed, sort: "-duration" },
      value: seconds(all.duration_seconds?.median),
      change: changeOf(all.duration_seconds?.median, before?.duration_seconds?.median),
      better: "less",
    },
    {
      name: t.p95,
      note: t.p95Text,
      search: { ...completed, sort: "-duration" },
      value: seconds(all.duration_seconds?.p95),
      change: changeOf(all.duration_seconds?.p95, before?.duration_seconds?.p95),
      better: "less",
    },
    {
      name: t.queueTime,
      note: t.queueP95(seconds(all.queue_seconds?.p95)),
      search,
      value: seconds(all.queue_seconds?.median),
      change: changeOf(all.queue_seconds?.median, before?.queue_seconds?.median),
      better: "less",
    },
    {
      name: t.tokens,
      note: t.inOut(formatCompact(all.input_tokens, lang), formatCompact(all.output_tokens, lang)),
      search: { ...search, sort: "-tokens" },
      value: formatCompact(tokensOf(all) ?? 0, lang),
      change: changeOf(tokensOf(all), tokensOf(before)),
    },
    {
      name: t.cost,
      note: ended > 0 && t.perBuild(formatCost(all.cost_usd / ended, lang)),
      search: { ...search, sort: "-cost" },
      value: formatCost(all.cost_usd, lang),
      change: changeOf(all.cost_usd, before?.cost_usd),
      better: "less",
    },
    {
      name: t.toolCalls,
      note: ended > 0 && t.perBuild(count(all.tool_calls / ended)),
      search,
      value: formatCompact(all.tool_calls, lang),
      change: changeOf(all.tool_calls, before?.tool_calls),
    },
  ];
  return (
    <dl className="grid grid-cols-2 gap-3 md:grid-cols-4">
      {tiles.map((tile) => (
        <Tile key={tile.name} {...tile} />
      ))}
    </dl>
  );
}

interface TileProps {
  name: string;
  value: string;
  note: ReactNode;
  search: BuildsSearch;
  /** Against the time before, as a share. */
  change: number | undefined;
  /** Which change is good news. */
  better?: "more" | "less";
}

function Tile({ name, value, note, search, change, better }: TileProps) {
  return (
    <div className="relative rounded-xl border border-line bg-surface px-4 py-3 hover:border-line-strong">
      <dt className="text-ink-2 text-sm">{name}</dt>
      <dd>
        <span className="flex flex-wrap items-baseline gap-x-2">
          {/* The link covers the tile, so that all of it can be clicked. */}
          <Link
            className="tabular font-semibold text-xl after:absolute after:inset-0 after:rounded-xl hover:text-accent"
            search={search}
            to="/"
          >
            {value}
          </Link>
          <Change better={better} change={change} />
        </span>
        <span className="block min-h-4.5 text-ink-3 text-xs">{note}</span>
      </dd>
    </div>
  );
}

/** A change that rounds to nothing is none. */
const LEAST = 0.005;

function Change({ change, better }: Pick<TileProps, "change"> & { better: TileProps["better"] | undefined }) {
  const t = useMessages(messages);
  const lang = useLang();
  if (change === undefined) return null;
  const isSame = Math.abs(change) < LEAST;
  const more = change > 0;
  const Icon = isSame ? Minus : more ? TrendingUp : TrendingDown;
  const good = better !== undefined && !isSame && (better === "more") === more;
  const share = formatPercent(Math.round(Math.abs(change) * 100) / 100, lang);
  return (
    <span
      className={cn(
        "tabular inline-flex items-center gap-1 text-xs",
        better === undefined || isSame ? "text-ink-2" : good ? "text-good" : "text-bad",
      )}
      title={t.againstBefore}
    >
      <Icon aria-hidden className="size-3.5" />
      {isSame ? t.asBefore : more ? `+${share}` : `−${share}`}
      <span className="sr-only"> {t.againstBefore}</span>
    </span>
  );
}

/** What the table holds at this moment, whenever it began. */
function Now() {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const { data } = useQuery(overviewQuery(api));
  if (!data) return null;
  const { building, queued } = data.by_status;
  return t.nowCounts(formatNumber(building, lang), formatNumber(queued, lang));
}
