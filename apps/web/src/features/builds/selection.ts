import { useCallback, useLayoutEffect, useRef, useState } from "react";
import { useShortcut } from "../../lib/shortcuts.ts";

/** Which builds are selected, and from where a range would begin. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly anchor: string | undefined;
}

export const NOTHING: Selection = { ids: new Set(), anchor: undefined };

export function toggled({ ids }: Selection, id: string): Selection {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { ids: next, anchor: id };
}

/** Adds all from the anchor to `id`, in the order of the list; without an anchor in the list, toggles. */
export function withRange(selection: Selection, list: readonly string[], id: string): Selection {
  const from = selection.anchor === undefined ? -1 : list.indexOf(selection.anchor);
  const to = list.indexOf(id);
  if (from < 0 || to < 0) return toggled(selection, id);
  const range = list.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { ids: new Set([...selection.ids, ...range]), anchor: id };
}

export function all(list: readonly string[]): Selection {
  return { ids: new Set(list), anchor: undefined };
}

/** Without what is no longer in the list. The same object when nothing changes. */
export function pruned(selection: Selection, list: readonly string[]): Selection {
  if (selection.ids.size === 0) return selection;
  const there = new Set(list);
  const ids = new Set([...selection.ids].filter((id) => there.has(id)));
  return ids.size === selection.ids.size ? selection : { ...selection, ids };
}

/** Which builds of the list are selected; what leaves the list is selected no longer. Escape clears it. */
export function useSelection(ids: readonly string[]) {
  const [kept, setKept] = useState(NOTHING);
  const selection = pruned(kept, ids);
  const order = useRef(ids);
  useLayoutEffect(() => {
    order.current = ids;
    setKept((now) => pruned(now, ids));
  }, [ids]);
  const clear = useCallback(() => setKept(NOTHING), []);
  // The same function as long as the page is there: thousands of rows have it.
  const select = useCallback((id: string, range: boolean) => {
    setKept((now) => (range ? withRange(now, order.current, id) : toggled(now, id)));
  }, []);
  const selectAll = useCallback(() => setKept(all(order.current)), []);
  useShortcut("Escape", clear, { disabled: selection.ids.size === 0 });
  return { selection, select, selectAll, clear };
}
