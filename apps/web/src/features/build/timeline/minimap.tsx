import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { STATUS_LOOK } from "../../../components/status.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { messages } from "../messages.ts";
import type { Row } from "./bars.ts";
import { barsIn, type Scale, type View, viewAround, WHOLE, zoomed } from "./scale.ts";

/** Less than this share is a click. */
const CLICK = 0.01;
/** How much one key or click changes. */
export const ZOOM = 0.5;
const PAN = 0.2;

export interface MinimapProps {
  rows: readonly Row[];
  scale: Scale;
  view: View;
  onView: (view: View) => void;
  /** The id of what it moves. */
  controls: string;
}

/** The whole build in a strip. Dragging over it shows that part alone, dragging the shown part moves it. */
export function Minimap({ rows, scale, view, onView, controls }: MinimapProps) {
  const t = useMessages(messages);
  const strip = useRef<HTMLDivElement>(null);
  /** Where a drag began, and the view then if it moves that. */
  const drag = useRef<{ at: number; moves: View | undefined }>(undefined);
  const isWhole = view.from <= 0 && view.to >= 1;
  const width = view.to - view.from;
  const shareOf = (event: PointerEvent) => {
    const box = strip.current?.getBoundingClientRect();
    return box ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : 0;
  };
  const start = (event: PointerEvent) => {
    const at = shareOf(event);
    const inside = !isWhole && at > view.from && at < view.to;
    drag.current = { at, moves: inside ? view : undefined };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    const at = shareOf(event);
    const { at: from, moves } = drag.current;
    if (moves) onView(viewAround((moves.from + moves.to) / 2 + at - from, width));
    else if (Math.abs(at - from) >= CLICK) onView(viewAround((at + from) / 2, Math.abs(at - from)));
  };
  const press = (event: KeyboardEvent) => {
    const next = {
      ArrowLeft: viewAround((view.from + view.to) / 2 - width * PAN, width),
      ArrowRight: viewAround((view.from + view.to) / 2 + width * PAN, width),
      Home: viewAround(0, width),
      End: viewAround(1, width),
      "+": zoomed(view, ZOOM, 0.5),
      "-": zoomed(view, 1 / ZOOM, 0.5),
      "0": WHOLE,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    onView(next);
  };
  return (
    <div
      aria-controls={controls}
      aria-label={t.minimap}
      aria-orientation="horizontal"
      aria-valuemax={100}
      aria-valuemin={0}
      aria-valuenow={isWhole ? 0 : Math.round((view.from / (1 - width)) * 100)}
      className="relative h-7 touch-pan-y overflow-hidden rounded bg-sunken max-sm:h-11"
      data-testid="minimap"
      onDoubleClick={() => onView(WHOLE)}
      onKeyDown={press}
      onPointerDown={start}
      onPointerMove={move}
      onPointerUp={() => {
        drag.current = undefined;
      }}
      ref={strip}
      role="scrollbar"
      tabIndex={0}
      title={t.minimapHint}
    >
      {rows.map((row, i) =>
        barsIn(scale, WHOLE, row.bars).map(({ bar, from, to }) => (
          <span
            className={cn(
              "absolute h-0.5 min-w-0.5",
              bar.kind === "wait" ? "bg-line-strong" : STATUS_LOOK[bar.status].bar,
              (bar.kind === "wait" || bar.kind === "ask") && "opacity-40",
            )}
            key={`${row.id} ${bar.kind} ${bar.fromMs}`}
            style={{
              left: `${from * 100}%`,
              width: `${(to - from) * 100}%`,
              top: `${12 + ((i + 0.5) / rows.length) * 76}%`,
            }}
          />
        )),
      )}
      {!isWhole && (
        <span
          className="absolute inset-y-0 cursor-grab rounded border-2 border-accent-strong bg-accent-strong/10"
          data-testid="minimap-view"
          style={{ left: `${view.from * 100}%`, width: `${width * 100}%` }}
        />
      )}
    </div>
  );
}
