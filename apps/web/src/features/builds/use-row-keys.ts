import type { Virtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type RefObject, useEffect, useRef } from "react";
import { useShortcut } from "../../app/shortcuts.ts";
import type { ProjectSummary } from "../../lib/trpc.ts";

export interface RowKeysOptions {
  builds: readonly ProjectSummary[];
  rows: Virtualizer<HTMLDivElement, Element>;
  scroller: RefObject<HTMLElement | null>;
  onSelect: (projectId: string, range: boolean) => void;
}

/** `j` and `k`, or the arrows inside the table, go from build to build; `x` selects; Enter follows the link by itself. */
export function useRowKeys({ builds, rows, scroller, onSelect }: RowKeysOptions) {
  /** The build that was focused last: it may have been scrolled away, and its line be gone. */
  const last = useRef<string>(undefined);
  const wanted = useRef<string>(undefined);

  const focusedId = () =>
    document.activeElement?.closest<HTMLElement>("[data-build]")?.dataset.build ?? last.current;

  const focus = (projectId: string) =>
    scroller.current
      ?.querySelector<HTMLElement>(`[data-build="${projectId}"] a`)
      ?.focus({ preventScroll: true });

  const move = (by: 1 | -1) => {
    const at = builds.findIndex(({ project_id }) => project_id === focusedId());
    const next = at < 0 ? 0 : Math.min(builds.length - 1, Math.max(0, at + by));
    const id = builds[next]?.project_id;
    if (id === undefined) return;
    last.current = id;
    wanted.current = id;
    rows.scrollToIndex(next);
    focus(id);
  };

  // A line that was out of sight is there only after the list has been scrolled.
  useEffect(() => {
    if (wanted.current === undefined) return;
    focus(wanted.current);
    if (focusedId() === wanted.current) wanted.current = undefined;
  });

  useShortcut("j", () => move(1));
  useShortcut("k", () => move(-1));
  useShortcut("x", () => {
    const id = focusedId();
    if (id !== undefined) onSelect(id, false);
  });
  return (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  };
}
