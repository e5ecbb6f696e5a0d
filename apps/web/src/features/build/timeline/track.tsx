import { STATUS_LOOK } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatExact } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import type { Bar } from "./bars.ts";
import { shortDuration } from "./duration.ts";
import { barsIn, type Span, shareOf } from "./scale.ts";

const LOOK: Readonly<Record<Bar["kind"], string>> = {
  queue: "h-2 rounded-sm border border-line-strong border-dashed",
  wait: "h-0 border-line-strong border-t border-dashed",
  attempt: "h-4 rounded-sm",
  part: "h-2.5 rounded-sm",
};

/** What happened in one row, at its place on the scale. The same is said in words beside it. */
export function Bars({ bars, span }: { bars: readonly Bar[]; span: Span }) {
  const describe = useDescription();
  return (
    <div aria-hidden className="relative h-full">
      {barsIn(span, bars).map((bar) => {
        const from = shareOf(span, bar.fromMs);
        const solid = bar.kind === "attempt" || bar.kind === "part";
        return (
          <span
            className={cn(
              "-translate-y-1/2 absolute top-1/2 min-w-[3px] hover:brightness-110",
              LOOK[bar.kind],
              solid && STATUS_LOOK[bar.status].bar,
              solid && bar.open && "animate-pulse",
            )}
            data-bar={bar.kind}
            key={`${bar.kind} ${bar.fromMs}`}
            style={{ left: `${from * 100}%`, width: `${(shareOf(span, bar.toMs) - from) * 100}%` }}
            title={describe(bar)}
          />
        );
      })}
    </div>
  );
}

/** "Attempt 2 · Failed · 3.2s · 12:00:05", for those who point at it. */
function useDescription(): (bar: Bar) => string {
  const t = useMessages(messages);
  const lang = useLang();
  return ({ kind, status, attempt, fromMs, toMs }) => {
    const what = {
      queue: [t.queue],
      wait: [t.wait],
      attempt: [t.attempt(attempt ?? 1), statusNames[lang][status]],
      part: [statusNames[lang][status]],
    } satisfies Record<Bar["kind"], string[]>;
    const seconds = shortDuration((toMs - fromMs) / 1000, lang);
    return [...what[kind], seconds, formatExact(new Date(fromMs).toISOString(), lang)].join(" · ");
  };
}
