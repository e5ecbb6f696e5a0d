import { Tooltip } from "@base-ui/react/tooltip";
import { STATUS_LOOK } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import type { Lang } from "../../../i18n/define-messages.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatDuration } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import { useBarTip } from "./bar-tip.tsx";
import type { Bar, Row } from "./bars.ts";
import { type Break, barsIn, placeIn, type Scale, shareAt, type Tick, type View } from "./scale.ts";

const LOOK: Readonly<Record<Bar["kind"], string>> = {
  wait: "h-4 before:absolute before:inset-x-0 before:top-1/2 before:border-line-strong before:border-t before:border-dashed",
  ask: "h-4 before:absolute before:inset-x-0 before:top-1/2 before:border-warn before:border-t-2 before:border-dotted",
  attempt: "h-4 rounded-sm",
  part: "h-2.5 rounded-sm",
  gate: "size-2.5 -translate-x-1/2 rotate-45 rounded-[1px] ring-2 ring-surface",
};

export interface BarsProps {
  row: Row;
  scale: Scale;
  view: View;
  /** Called with the bar that is clicked. */
  onOpen: (bar: Bar) => void;
}

/** What happened in one row, at its place on the scale. Each bar is a button that the arrow keys lead to. */
export function Bars({ row, scale, view, onOpen }: BarsProps) {
  const handle = useBarTip();
  const nameOf = useBarName();
  return (
    <div className="relative h-full overflow-clip [overflow-clip-margin:8px]">
      {barsIn(scale, view, row.bars).map(({ bar, from, to }) => {
        const solid = bar.kind === "attempt" || bar.kind === "part" || bar.kind === "gate";
        const usualMs = bar.usualMs === undefined ? undefined : bar.fromMs + bar.usualMs;
        return (
          <span className="contents" key={`${bar.kind} ${bar.fromMs}`}>
            {usualMs !== undefined && (
              <span
                className="-translate-y-1/2 pointer-events-none absolute top-1/2 h-6 rounded-sm border border-line-strong border-dotted"
                data-usual
                style={{
                  left: `${from * 100}%`,
                  width: `${(placeIn(view, shareAt(scale, usualMs)) - from) * 100}%`,
                }}
              />
            )}
            <Tooltip.Trigger
              aria-label={nameOf(bar)}
              className={cn(
                "-translate-y-1/2 absolute top-1/2 min-w-[3px] hover:brightness-110",
                LOOK[bar.kind],
                solid && STATUS_LOOK[bar.status].bar,
                solid && bar.open && bar.progress === undefined && "animate-pulse",
                bar.progress !== undefined && "overflow-hidden",
              )}
              data-bar={bar.kind}
              delay={100}
              handle={handle}
              onClick={() => onOpen(bar)}
              payload={{ row, bar }}
              style={{
                left: `${from * 100}%`,
                ...(bar.kind !== "gate" && { width: `${(to - from) * 100}%` }),
              }}
              tabIndex={-1}
            >
              {/* What is not done yet by its own account is paler. */}
              {bar.progress !== undefined && (
                <span
                  className="absolute inset-y-0 right-0 bg-surface/60"
                  data-left={100 - bar.progress}
                  style={{ width: `${100 - bar.progress}%` }}
                />
              )}
            </Tooltip.Trigger>
          </span>
        );
      })}
    </div>
  );
}

/** "Attempt 2, Failed": what a bar is called. */
export function useBarName(): (bar: Bar) => string {
  const t = useMessages(messages);
  const lang = useLang();
  return ({ kind, status, attempt }) => {
    const state = statusNames[lang][status];
    const name = {
      wait: t.wait,
      attempt: `${t.attempt(attempt)}, ${state}`,
      part: state,
      ask: t.asked,
      gate: `${t.gateBar}, ${state}`,
    } satisfies Record<Bar["kind"], string>;
    return name[kind];
  };
}

/** A mark this close to a cut, or to the edge, has no room for its label. */
const NEAR = 0.07;
const EDGE = 0.13;

/** The time since the build began, at round marks; what is cut out says how long it was. */
export function Axis({ ticks, breaks }: { ticks: readonly Tick[]; breaks: readonly Break[] }) {
  const lang = useLang();
  const isFree = (at: number) =>
    at < 1 - EDGE && !breaks.some(({ from, to }) => at > from - NEAR && at < to + NEAR / 2);
  return (
    <div aria-hidden className="relative h-5 overflow-x-clip text-[0.6875rem] text-ink-3">
      {ticks.map(
        ({ at, offsetMs }) =>
          isFree(at) && (
            <span
              className="tabular absolute top-0 whitespace-nowrap pl-1"
              key={offsetMs}
              style={{ left: `${at * 100}%` }}
            >
              {tickLabel(offsetMs, lang)}
            </span>
          ),
      )}
      {breaks.map(({ from, to, seconds }) => (
        <span
          className={cn(
            "tabular absolute top-0 whitespace-nowrap text-ink-2",
            from > 0 && to < 1 && "-translate-x-1/2",
          )}
          key={from}
          style={to >= 1 ? { right: 0 } : { left: from <= 0 ? 0 : `${((from + to) / 2) * 100}%` }}
        >
          {formatDuration(seconds, lang, true)}
        </span>
      ))}
    </div>
  );
}

/** Lines through all rows at the marks, and bands where time is cut out. */
export function Grid({ ticks, breaks }: { ticks: readonly Tick[]; breaks: readonly Break[] }) {
  return (
    <div aria-hidden className="pointer-events-none absolute inset-0">
      {ticks.map(({ at, offsetMs }) => (
        <span className="absolute inset-y-0 w-px bg-line" key={offsetMs} style={{ left: `${at * 100}%` }} />
      ))}
      {breaks.map(({ from, to }) => (
        <span
          className="absolute inset-y-0 bg-[repeating-linear-gradient(135deg,var(--line)_0_1px,var(--surface)_1px_6px)]"
          data-break
          key={from}
          style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
        />
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
