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
