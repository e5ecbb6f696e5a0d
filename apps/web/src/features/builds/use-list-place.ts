import { type RefObject, useLayoutEffect, useRef } from "react";
import type { ProjectSummary } from "../../lib/api.ts";
import { type BuildsSearch, keepListPlace, takeListPlace } from "../../lib/builds-list.ts";
import type { RowKeys } from "./use-row-keys.ts";

export interface ListPlaceOptions {
  scroller: RefObject<HTMLElement | null>;
  builds: readonly ProjectSummary[];
  rowHeight: number;
  search: BuildsSearch;
  keys: RowKeys;
}

/** A reader who comes back finds the list where it was left, also when builds came and went above meanwhile. */
export function useListPlace({ scroller, builds, rowHeight, search, keys }: ListPlaceOptions): void {
  const now = useRef({ builds, keys });
  useLayoutEffect(() => {
    now.current = { builds, keys };
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the list is opened, and once when it is left
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const kept = takeListPlace(search);
    if (kept) {
      const top = builds.findIndex(({ project_id }) => project_id === kept.top);
      element.scrollTop = Math.max(0, top) * rowHeight + kept.offset;
      keys.restore(kept.focused, kept.index);
    }
    return () => {
      const first = Math.floor(element.scrollTop / rowHeight);
      keepListPlace({
        top: now.current.builds[first]?.project_id,
        offset: element.scrollTop - first * rowHeight,
        ...now.current.keys.last(),
      });
    };
  }, []);
}
