import { useCallback, useLayoutEffect, useRef, useState } from "react";
import { useShortcut } from "../../app/shortcuts.ts";
import { all, NOTHING, pruned, toggled, withRange } from "./selection.ts";

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
