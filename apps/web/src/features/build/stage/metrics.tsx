import type { ReactNode } from "react";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import type { Stage } from "../../../lib/api.ts";
import { formatDuration, formatExact, formatNumber } from "../../../lib/format.ts";
import { messages } from "../messages.ts";

/** The figures of a stage: what it counted itself, and its times. */
export function Metrics({ stage }: { stage: Stage }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { started_at, completed_at, duration_seconds, agent_name } = stage;
  const times = [
    ...(agent_name !== undefined ? [[t.agentName, agent_name] as const] : []),
    ...(started_at !== undefined ? [[t.started, formatExact(started_at, lang)] as const] : []),
    ...(completed_at !== undefined ? [[t.ended, formatExact(completed_at, lang)] as const] : []),
    ...(duration_seconds !== undefined ? [[t.took, formatDuration(duration_seconds, lang)] as const] : []),
    [t.weight, formatNumber(stage.weight, lang)] as const,
  ];
  const figures = Object.entries(stage.metrics).map(
    ([name, value]) => [named(name, t), shown(value, lang)] as const,
  );
  return (
    <table className="w-full max-w-xl text-sm">
      <thead className="sr-only">
        <tr>
          <th scope="col">{t.figure}</th>
          <th scope="col">{t.value}</th>
        </tr>
      </thead>
      <tbody>
        {[...figures, ...times].map(([name, value]) => (
          <Line key={name} name={name} value={value} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ name, value }: { name: string; value: ReactNode }) {
  return (
    <tr className="border-line border-b last:border-0">
      <th className="py-1.5 pr-4 text-left font-normal text-ink-2" scope="row">
        {name}
      </th>
      <td className="tabular py-1.5 text-right [overflow-wrap:anywhere]">{value}</td>
    </tr>
  );
}

/** Stages may count what they like: what has no name here goes by its own. */
function named(name: string, t: { input_tokens: string; output_tokens: string; tool_calls: string }): string {
  switch (name) {
    case "input_tokens":
    case "output_tokens":
    case "tool_calls":
      return t[name];
    default:
      return name;
  }
}

function shown(value: unknown, lang: Parameters<typeof formatNumber>[1]): string {
  return typeof value === "number" ? formatNumber(value, lang) : String(value);
}
