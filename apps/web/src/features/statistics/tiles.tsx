import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { overviewQuery, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { formatCompact, formatDuration, formatNumber, formatPercent } from "../../lib/format.ts";
import type { Figures } from "./figures.ts";
import { messages } from "./messages.ts";

/** The figures of the whole time at a glance. */
export function Tiles({ all, since }: { all: Figures; since: string | undefined }) {
  const t = useMessages(messages);
  const lang = useLang();
  const count = (value: number) => formatNumber(value, lang);
  const ended = all.completed + all.failed + all.cancelled;
  const tokens = all.input_tokens + all.output_tokens;
  const seconds = (value: number | undefined) => (value === undefined ? "–" : formatDuration(value, lang));
  return (
    <dl className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-6">
      <Tile
        name={t.builds}
        note={<Now />}
        search={{ ...(since !== undefined && { since }) }}
        value={count(all.total)}
      />
      <Tile
        name={t.successRate}
        note={t.ofEnded(count(all.completed + all.failed))}
        search={{ status: "completed", ...(since !== undefined && { since }) }}
        value={all.success_rate === null ? "–" : formatPercent(all.success_rate, lang)}
      />
      <Tile
        name={t.median}
        note={t.ofCompleted(count(all.completed))}
        value={seconds(all.duration_seconds?.median)}
      />
      <Tile name={t.p95} note={t.p95Text} value={seconds(all.duration_seconds?.p95)} />
      <Tile
        name={t.tokens}
        note={t.inOut(formatCompact(all.input_tokens, lang), formatCompact(all.output_tokens, lang))}
        value={formatCompact(tokens, lang)}
      />
      <Tile
        name={t.toolCalls}
        note={ended > 0 && t.perBuild(count(all.tool_calls / ended))}
        value={formatCompact(all.tool_calls, lang)}
      />
    </dl>
  );
}

interface TileProps {
  name: string;
  value: string;
  note: ReactNode;
  /** Leads to the builds that it is about. */
  search?: BuildsSearch;
}

function Tile({ name, value, note, search }: TileProps) {
  const figure = <span className="tabular block font-semibold text-xl">{value}</span>;
  return (
    <div className="rounded-xl border border-line bg-surface px-4 py-3">
      <dt className="text-ink-2 text-sm">{name}</dt>
      <dd>
        {search ? (
          <Link className="hover:text-accent hover:underline" search={search} to="/">
            {figure}
          </Link>
        ) : (
          figure
        )}
        <span className="block min-h-4.5 text-ink-3 text-xs">{note}</span>
      </dd>
    </div>
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
