import type { Virtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { Row } from "./model/tree.ts";

export interface FileKeysOptions {
  rows: readonly Row[];
  /** The row that has the one stop of Tab. */
  at: number;
  onMove: (index: number) => void;
  /** Opens or closes the folder of a row. */
  onTurn: (row: Row) => void;
  virtual: Virtualizer<HTMLElement, Element>;
}

/** Arrows, Home and End go from row to row; right and left open and close folders, or go into them and out of them. */
export function useFileKeys({ rows, at, onMove, onTurn, virtual }: FileKeysOptions) {
  const wanted = useRef<number>(undefined);

  // A row that was out of sight is there only after the list has been scrolled.
  useEffect(() => {
    if (wanted.current === undefined) return;
    const button = virtual.scrollElement?.querySelector<HTMLElement>(`[data-row="${wanted.current}"]`);
    if (!button) return;
    wanted.current = undefined;
    button.focus({ preventScroll: true });
  });

  const move = (index: number) => {
    const next = Math.min(rows.length - 1, Math.max(0, index));
    wanted.current = next;
    onMove(next);
    virtual.scrollToIndex(next);
  };
  const above = (depth: number) => {
    for (let i = at - 1; i >= 0; i--) if ((rows[i]?.depth ?? 0) < depth) return i;
    return at;
  };
  const act = (key: string): (() => void) | undefined => {
    const row = rows[at];
    if (!row) return undefined;
    const folder = row.entry.kind === "folder";
    switch (key) {
      case "ArrowDown":
        return () => move(at + 1);
      case "ArrowUp":
        return () => move(at - 1);
      case "Home":
        return () => move(0);
      case "End":
        return () => move(rows.length - 1);
      case "ArrowRight":
        if (!folder) return undefined;
        return () => (row.open ? move(at + 1) : onTurn(row));
      case "ArrowLeft":
        return () => (folder && row.open ? onTurn(row) : move(above(row.depth)));
      default:
        return undefined;
    }
  };
  return (event: KeyboardEvent) => {
    const action = event.altKey || event.ctrlKey || event.metaKey ? undefined : act(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  };
}
