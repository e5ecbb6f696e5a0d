import { Fragment } from "react";
import { STATUS_LOOK } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import type { Lang } from "../../../i18n/define-messages.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatDuration, formatExact } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import type { Bar } from "./bars.ts";
import { barsIn, type Span, shareOf, type Tick } from "./scale.ts";

const LOOK: Readonly<Record<Bar["kind"], string>> = {
  queue: "h-2 rounded-sm border border-line-strong border-dashed",
  wait: "h-0 border-line-strong border-t border-dashed",
  attempt: "h-4 rounded-sm",
  part: "h-2.5 rounded-sm",
  gate: "size-2.5 -translate-x-1/2 rotate-45 rounded-[1px] ring-2 ring-surface",
};

export interface BarsProps {
  bars: readonly Bar[];
  span: Span;
  /** Called with the bar that is clicked; without it bars are no buttons. */
  onOpen?: (bar: Bar) => void;
}

/** What happened in one row, at its place on the scale. The same is said, and opened, in words beside it. */
export function Bars({ bars, span, onOpen }: BarsProps) {
  const describe = useDescription();
  return (
    <div aria-hidden className="relative h-full">
      {barsIn(span, bars).map((bar) => {
        const from = shareOf(span, bar.fromMs);
        const solid = bar.kind === "attempt" || bar.kind === "part" || bar.kind === "gate";
        const width = bar.kind === "gate" ? undefined : `${(shareOf(span, bar.toMs) - from) * 100}%`;
        const Tag = onOpen ? "button" : "span";
        return (
          <Fragment key={`${bar.kind} ${bar.fromMs}`}>
            {bar.usualMs !== undefined && (
              <span
                className="-translate-y-1/2 pointer-events-none absolute top-1/2 h-6 rounded-sm border border-line-strong border-dotted"
                data-usual
                style={{
                  left: `${from * 100}%`,
                  width: `${(shareOf(span, bar.fromMs + bar.usualMs) - from) * 100}%`,
                }}
              />
            )}
            <Tag
              className={cn(
                "-translate-y-1/2 absolute top-1/2 min-w-[3px] hover:brightness-110",
                LOOK[bar.kind],
                solid && STATUS_LOOK[bar.status].bar,
                solid && bar.open && bar.progress === undefined && "animate-pulse",
                bar.progress !== undefined && "overflow-hidden",
              )}
              data-bar={bar.kind}
              style={{ left: `${from * 100}%`, ...(width !== undefined && { width }) }}
              title={describe(bar)}
              {...(onOpen && { type: "button", tabIndex: -1, onClick: () => onOpen(bar) })}
            >
              {/* What is not done yet by its own account is paler. */}
              {bar.progress !== undefined && (
                <span
                  className="absolute inset-y-0 right-0 bg-surface/60"
                  data-left={100 - bar.progress}
                  style={{ width: `${100 - bar.progress}%` }}
                />
              )}
            </Tag>
          </Fragment>
        );
      })}
    </div>
  );
}

/** "Attempt 2 · Failed · 3.2s · 12:00:05", for those who point at it. */
function useDescription(): (bar: Bar) => string {
  const t = useMessages(messages);
  const lang = useLang();
  return ({ kind, status, attempt, fromMs, toMs, progress, usualMs }) => {
    const what = {
      queue: [t.queue],
      wait: [t.wait],
      attempt: [
        t.attempt(attempt ?? 1),
        statusNames[lang][status],
        ...(progress === undefined ? [] : [`${Math.floor(progress)}%`]),
      ],
      part: [statusNames[lang][status]],
      gate: [t.gateBar, statusNames[lang][status]],
    } satisfies Record<Bar["kind"], string[]>;
    const seconds = formatDuration((toMs - fromMs) / 1000, lang);
    const usual = usualMs === undefined ? [] : [t.usually(formatDuration(usualMs / 1000, lang))];
    return [...what[kind], seconds, ...usual, formatExact(new Date(fromMs).toISOString(), lang)].join(" · ");
  };
}

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
