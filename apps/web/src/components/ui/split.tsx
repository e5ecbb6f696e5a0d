import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { keep, readKept } from "../../lib/storage.ts";

/** Per cent of the width. */
const LEAST = 30;
const MOST = 65;
const STEP = 2;

const isShare = (value: unknown): value is number =>
  typeof value === "number" && value >= LEAST && value <= MOST;

export interface SplitProps {
  /** Under which the browser keeps the width. */
  name: string;
  /** Of the left part at first. */
  share: number;
  /** What the handle is called. */
  label: string;
  left: ReactNode;
  right: ReactNode;
}

/** Two parts side by side, each of which scrolls by itself; the line between them is dragged, or moved by the arrow keys. */
export function Split({ name, share: initial, label, left, right }: SplitProps) {
  const key = `split.${name}`;
  const [share, setShare] = useState(() => readKept(key, isShare) ?? initial);
  const whole = useRef<HTMLDivElement>(null);
  const move = (next: number) => setShare(Math.round(Math.min(MOST, Math.max(LEAST, next)) * 10) / 10);
  const drag = (event: PointerEvent) => {
    const box = whole.current?.getBoundingClientRect();
    if (box && event.currentTarget.hasPointerCapture(event.pointerId))
      move(((event.clientX - box.left) / box.width) * 100);
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = Math.min(MOST, Math.max(LEAST, share + by));
    move(next);
    keep(key, next);
  };
  return (
    <div className="flex min-h-0 flex-1" ref={whole}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <div className="min-w-0 overflow-y-auto" style={{ width: `${share}%` }} tabIndex={0}>
        {left}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: one that is moved */}
      <div
        aria-label={label}
        aria-orientation="vertical"
        aria-valuemax={MOST}
        aria-valuemin={LEAST}
        aria-valuenow={Math.round(share)}
        className="-mx-1 z-10 w-2 shrink-0 cursor-col-resize touch-none bg-clip-content px-[3.5px] transition-colors bg-line hover:bg-accent focus-visible:bg-accent"
        onKeyDown={press}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onPointerUp={() => keep(key, share)}
        role="separator"
        tabIndex={0}
      />
      <div className="flex min-w-0 flex-1 flex-col">{right}</div>
    </div>
  );
}
