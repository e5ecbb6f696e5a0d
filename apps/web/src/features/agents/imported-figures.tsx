import type { ReactNode } from "react";
import { RelativeTime } from "../../components/relative-time.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { Agent } from "../../lib/api.ts";
import { formatDuration, formatNumber } from "../../lib/format.ts";
import { Card } from "./card.tsx";
import { messages } from "./messages.ts";

/** What an older platform counted of the agent. */
export function ImportedFigures({ agent: { imported, aliases } }: { agent: Agent }) {
  const t = useMessages(messages);
  const lang = useLang();
  if (!imported) return null;
  const { calls, failed, avg_duration_ms, last_called_at } = imported;
  const rows: [name: string, value: ReactNode][] = [
    [t.importedCalls, formatNumber(calls, lang)],
    ...(failed === undefined ? [] : [[t.importedFailed, formatNumber(failed, lang)] as [string, ReactNode]]),
    ...(avg_duration_ms === undefined
      ? []
      : [[t.importedMean, formatDuration(avg_duration_ms / 1000, lang)] as [string, ReactNode]]),
    ...(last_called_at === undefined
      ? []
      : [[t.importedLast, <RelativeTime at={last_called_at} key="last" />] as [string, ReactNode]]),
    ...aliases.map((alias): [string, ReactNode] => [
      t.importedId,
      <span className="font-mono text-xs [overflow-wrap:anywhere]" key={alias}>
        {alias}
      </span>,
    ]),
  ];
  return (
    <Card title={t.imported}>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
        {rows.map(([name, value]) => (
          <div className="contents" key={name}>
            <dt className="text-ink-3">{name}</dt>
            <dd className="tabular text-right">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-2 text-ink-3 text-xs">{t.importedText}</p>
    </Card>
  );
}
