import { allNeedsOf, needsOf, type OrderedStage } from "@stagefold/core";

/** A place in a drawing: columns from the left; rows from the top, halves where a column is shorter than the longest. */
export interface Place {
  readonly column: number;
  readonly row: number;
}

/** Stages as a graph: each stands to the right of all that must be finished before it. */
export interface Graph {
  readonly columns: number;
  readonly rows: number;
  /** In the order of the stages. */
  readonly places: readonly Place[];
  /** Of each stage, the positions of those that it waits for, without those that they wait for themselves. */
  readonly after: readonly (readonly number[])[];
  /** From stage to stage; where a line crosses a column it has a place there, so that it passes no stage. */
  readonly lines: readonly (readonly Place[])[];
}

/** What has a row in a column: a stage, or a line on its way to one. */
interface Slot {
  /** The slots of the column before that lead to it. */
  readonly from: readonly Slot[];
  row: number;
}

export function graphOf(stages: readonly OrderedStage[]): Graph {
  const all = stages.map((_, i) => allNeedsOf(stages, i));
  const after = stages.map((_, i) => {
    const needs = needsOf(stages, i);
    return needs.filter((need) => !needs.some((other) => all[other]?.has(need)));
  });
  // A stage has more before it than any that it waits for.
  const inOrder = [...stages.keys()].sort((a, b) => (all[a]?.size ?? 0) - (all[b]?.size ?? 0) || a - b);
  const columnOf = new Map<number, number>();
  const slotOf = new Map<number, Slot>();
  const columns: Slot[][] = [];
  const ways: { from: number; to: number; over: readonly Slot[] }[] = [];
  const put = (column: number, from: readonly Slot[]): Slot => {
    const slot = { from, row: 0 };
    columns[column] = [...(columns[column] ?? []), slot];
    return slot;
  };
  for (const i of inOrder) {
    const needs = after[i] ?? [];
    const column = 1 + Math.max(-1, ...needs.map((need) => columnOf.get(need) ?? 0));
    const last = needs.flatMap((need): Slot[] => {
      const over: Slot[] = [];
      let end = slotOf.get(need);
      for (let at = (columnOf.get(need) ?? 0) + 1; end && at < column; at++) {
        end = put(at, [end]);
        over.push(end);
      }
      ways.push({ from: need, to: i, over });
      return end ? [end] : [];
    });
    columnOf.set(i, column);
    slotOf.set(i, put(column, last));
  }
  const rows = Math.max(0, ...columns.map((slots) => slots.length));
  // Each beside those that lead to it, so that few lines cross.
  for (const slots of columns)
    for (const [n, slot] of slots.toSorted((a, b) => middle(a) - middle(b)).entries())
      slot.row = n + (rows - slots.length) / 2;
  const placeOf = (i: number): Place => ({ column: columnOf.get(i) ?? 0, row: slotOf.get(i)?.row ?? 0 });
  return {
    columns: columns.length,
    rows,
    after,
    places: stages.map((_, i) => placeOf(i)),
    lines: ways.map(({ from, to, over }) => {
      const start = placeOf(from);
      const between = over.map(({ row }, n) => ({ column: start.column + 1 + n, row }));
      return [start, ...between, placeOf(to)];
    }),
  };
}

function middle({ from }: Slot): number {
  return from.length === 0 ? 0 : from.reduce((sum, { row }) => sum + row, 0) / from.length;
}
