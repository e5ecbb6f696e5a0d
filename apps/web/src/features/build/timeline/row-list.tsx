import { defaultRangeExtractor, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { useMedia } from "../../../lib/use-media.ts";
import type { Row } from "./bars.ts";
import { type View, zoomed } from "./scale.ts";

/** How much one step of the wheel changes. */
const STEP = 1.2;
/** Pixels of a row, beside its bars and above them; each is measured once it is there. */
const HEIGHT = { stage: 32, part: 28 } as const satisfies Record<Row["kind"], number>;
const HEIGHT_PHONE = { stage: 52, part: 36 } as const satisfies Record<Row["kind"], number>;
/** Rows beyond those that are seen, so that Tab finds the next one. */
const BEYOND = 6;

export interface RowListProps {
  id: string;
  rows: readonly Row[];
  /** The stage that is brought into sight. */
  shown: string | undefined;
  view: View;
  onView: (view: View) => void;
  /** What lies behind all rows. */
  behind: ReactNode;
  children: (row: Row) => ReactNode;
}

/**
 * The rows; of thousands only what can be seen is there, since all of them change with each second of a running build.
 * A wheel with Ctrl, or a pinch, zooms where it is; arrow keys go from row to row and from bar to bar.
 */
export function RowList({ id, rows, shown, view, onView, behind, children }: RowListProps) {
  const list = useRef<HTMLDivElement>(null);
  const heights = useMedia("(width < 40rem)") ? HEIGHT_PHONE : HEIGHT;
  // With another function every time, all rows would be measured again at each step.
  const keyAt = useCallback((index: number) => rows[index]?.id ?? index, [rows]);
  const [focused, setFocused] = useState<string>();
  const at = rows.findIndex((row) => row.id === focused);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => list.current,
    estimateSize: (index) => heights[rows[index]?.kind ?? "stage"],
    overscan: BEYOND,
    getItemKey: keyAt,
    // What has the focus keeps it wherever the list is scrolled to.
    rangeExtractor: (range) => {
      const seen = defaultRangeExtractor(range);
      return at < 0 || seen.includes(at) ? seen : [...seen, at].sort((a, b) => a - b);
    },
  });
  const stepTo = useStep(virtual);
  const show = useEffectEvent(() => {
    const index = rows.findIndex(({ kind, stage }) => kind === "stage" && stage === shown);
    if (index >= 0) virtual.scrollToIndex(index);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another stage is the occasion
  useLayoutEffect(() => show(), [shown]);
  const zoom = useEffectEvent((event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const track = list.current?.querySelector("[data-track]")?.getBoundingClientRect();
    if (!track) return;
    const place = Math.min(1, Math.max(0, (event.clientX - track.left) / track.width));
    onView(zoomed(view, event.deltaY > 0 ? STEP : 1 / STEP, place));
  });
  useEffect(() => {
    const element = list.current;
    // React's own listeners for the wheel may not stop the page from zooming.
    element?.addEventListener("wheel", zoom, { passive: false });
    return () => element?.removeEventListener("wheel", zoom);
  }, []);

  /** Up and down: the row before and after; right and left: the bars of a row, and its name. */
  const press = (event: KeyboardEvent) => {
    const { target, key } = event;
    if (!(target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key];
    if (by === undefined) return;
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const stops = stopsIn(target.closest("li"));
      const stop = stops[stops.indexOf(target) + by];
      if (!stop) return;
      event.preventDefault();
      stop.focus();
      return;
    }
    let next = at + by;
    // A part that has not begun has nothing to stop at.
    while (rows[next]?.kind === "part" && rows[next]?.bars.length === 0) next += by;
    if (rows[next] === undefined) return;
    event.preventDefault();
    stepTo(next);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the buttons in it
    <div className="max-h-[60dvh] overflow-y-auto" id={id} onKeyDown={press} ref={list}>
      <div className="relative" style={{ height: virtual.getTotalSize() }}>
        {behind}
        <ol>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            return (
              row && (
                <li
                  aria-posinset={index + 1}
                  aria-setsize={rows.length}
                  className="absolute inset-x-0 top-0"
                  data-index={index}
                  key={row.id}
                  onFocus={() => setFocused(row.id)}
                  ref={virtual.measureElement}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  {children(row)}
                </li>
              )
            );
          })}
        </ol>
      </div>
    </div>
  );
}

/** Gives the focus to a row, once it is there. */
function useStep(virtual: Virtualizer<HTMLDivElement, Element>): (index: number) => void {
  const wanted = useRef<number>(undefined);
  const focus = () => {
    const row = virtual.scrollElement?.querySelector(`li[data-index="${wanted.current}"]`);
    if (!row) return;
    wanted.current = undefined;
    stopsIn(row)[0]?.focus({ preventScroll: true });
  };
  useEffect(() => {
    if (wanted.current !== undefined) focus();
  });
  return (index) => {
    wanted.current = index;
    virtual.scrollToIndex(index);
    focus();
  };
}

function stopsIn(row: Element | null): HTMLElement[] {
  return [...(row?.querySelectorAll<HTMLElement>("[data-row], [data-bar]") ?? [])];
}
