import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { overviewQuery, useApi } from "../../lib/api.ts";
import { formatCompact, formatDuration, formatNumber, localeOf } from "../../lib/format.ts";
import type { Figures } from "./figures.ts";
import { messages } from "./messages.ts";

/** The figures of the whole time at a glance. */
export function Tiles({ all }: { all: Figures }) {
  const t = useMessages(messages);
  const lang = useLang();
  const count = (value: number) => formatNumber(value, lang);
  const ended = all.completed + all.failed + all.cancelled;
  const percent = new Intl.NumberFormat(localeOf(lang), { style: "percent", maximumFractionDigits: 1 });
  const tokens = all.input_tokens + all.output_tokens;
  const seconds = (value: number | undefined) => (value === undefined ? "–" : formatDuration(value, lang));
  return (
    <dl className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-6">
      <Tile name={t.builds} note={<Now />} value={count(all.total)} />
      <Tile
        name={t.successRate}
        note={t.ofEnded(count(all.completed + all.failed))}
        value={all.success_rate === null ? "–" : percent.format(all.success_rate)}
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

function Tile({ name, value, note }: { name: string; value: string; note: ReactNode }) {
  return (
    <div className="rounded-xl border border-line bg-surface px-4 py-3">
      <dt className="text-ink-2 text-sm">{name}</dt>
      <dd>
        <span className="tabular block font-semibold text-xl">{value}</span>
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
