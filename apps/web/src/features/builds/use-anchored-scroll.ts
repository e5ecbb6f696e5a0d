import { type RefObject, useLayoutEffect, useRef } from "react";
import type { ProjectSummary } from "../../lib/api.ts";

/**
 * Keeps what is being read where it is: when lines come or go above it, the list scrolls by as much. A reader who is
 * at the very top sees what is new.
 */
export function useAnchoredScroll(
  scroller: RefObject<HTMLElement | null>,
  builds: readonly ProjectSummary[],
  rowHeight: number,
): void {
  const before = useRef(builds);
  useLayoutEffect(() => {
    const element = scroller.current;
    const shift = shiftOf(before.current, builds, Math.floor((element?.scrollTop ?? 0) / rowHeight));
    before.current = builds;
    if (element && element.scrollTop > 0 && shift !== 0) element.scrollTop += shift * rowHeight;
  }, [scroller, builds, rowHeight]);
}

/** By how many lines what was first to be seen, or else the next line that is still there, has moved. */
export function shiftOf(
  before: readonly { readonly project_id: string }[],
  after: readonly { readonly project_id: string }[],
  first: number,
): number {
  if (before === after) return 0;
  for (let i = first; i < Math.min(before.length, first + 50); i++) {
    const id = before[i]?.project_id;
    const at = after.findIndex(({ project_id }) => project_id === id);
    if (at >= 0) return at - i;
  }
  return 0;
}
