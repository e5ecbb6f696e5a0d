import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useEffectEvent } from "react";
import { type View, zoomed } from "./scale.ts";

/** How much one step of the wheel changes. */
const STEP = 1.2;

export interface ZoomableProps {
  id: string;
  list: RefObject<HTMLDivElement | null>;
  view: View;
  onView: (view: View) => void;
  children: ReactNode;
}

/** The rows: a wheel with Ctrl, or a pinch, zooms where it is; arrow keys go from row to row and from bar to bar. */
export function Zoomable({ id, list, view, onView, children }: ZoomableProps) {
  const zoom = useEffectEvent((event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const track = list.current?.querySelector("[data-track]")?.getBoundingClientRect();
    if (!track) return;
    const at = Math.min(1, Math.max(0, (event.clientX - track.left) / track.width));
    onView(zoomed(view, event.deltaY > 0 ? STEP : 1 / STEP, at));
  });
  useEffect(() => {
    const element = list.current;
    // React's own listeners for the wheel may not stop the page from zooming.
    element?.addEventListener("wheel", zoom, { passive: false });
    return () => element?.removeEventListener("wheel", zoom);
  }, [list]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the buttons in it
    <div className="relative max-h-[60dvh] overflow-y-auto" id={id} onKeyDown={stepThrough} ref={list}>
      {children}
    </div>
  );
}

/** Up and down: the row before and after; right and left: the bars of a row, and its name. */
function stepThrough(event: KeyboardEvent<HTMLElement>): void {
  if (!(event.target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = nextStop(event.target, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
}

const AHEAD: readonly string[] = ["ArrowRight", "ArrowDown"];

function nextStop(here: HTMLElement, key: string): HTMLElement | undefined {
  const row = here.closest("li");
  const by = AHEAD.includes(key) ? 1 : -1;
  if (key === "ArrowRight" || key === "ArrowLeft") {
    const stops = stopsIn(row);
    return stops[stops.indexOf(here) + by];
  }
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const rows = [...(row?.parentElement?.children ?? [])].filter((one) => stopsIn(one).length > 0);
  const other = rows.find((_, i) => rows[i - by] === row);
  return stopsIn(other)[0];
}

function stopsIn(row: Element | null | undefined): HTMLElement[] {
  return [...(row?.querySelectorAll<HTMLElement>("[data-row], [data-bar]") ?? [])];
}
