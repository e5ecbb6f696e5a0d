import type { Lang } from "../../../i18n/define-messages.ts";
import { useLang } from "../../../i18n/lang.ts";
import { formatDuration } from "../../../lib/format.ts";
import type { Tick } from "./scale.ts";

/** The time since the period began, at round marks. */
export function Axis({ ticks }: { ticks: readonly Tick[] }) {
  const lang = useLang();
  return (
    <div aria-hidden className="relative h-5 text-[0.6875rem] text-ink-3">
      {ticks.map(({ at, offsetMs }) => (
        <span
          className="tabular absolute top-0 whitespace-nowrap pl-1"
          key={offsetMs}
          style={{ left: `${at * 100}%` }}
        >
          {at < 0.93 && tickLabel(offsetMs, lang)}
        </span>
      ))}
    </div>
  );
}

/** Lines through all rows at the marks. */
export function Grid({ ticks }: { ticks: readonly Tick[] }) {
  return (
    <div aria-hidden className="pointer-events-none absolute inset-0">
      {ticks.map(({ at, offsetMs }) => (
        <span className="absolute inset-y-0 w-px bg-line" key={offsetMs} style={{ left: `${at * 100}%` }} />
      ))}
    </div>
  );
}

/** Marks are round: `10s`, `1m`, and below a second `200ms`. */
function tickLabel(offsetMs: number, lang: Lang): string {
  if (offsetMs === 0) return "0";
  if (offsetMs < 1000) return `${offsetMs}ms`;
  return formatDuration(offsetMs / 1000, lang)
    .replace(".0", "")
    .replace(/(?<=\D) ?0\D+$/, "");
}
