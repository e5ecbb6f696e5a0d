import type { Virtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type RefObject, useEffect, useRef } from "react";
import type { ProjectSummary } from "../../lib/api.ts";
import { useShortcut } from "../../lib/shortcuts.ts";

export interface RowKeysOptions {
  builds: readonly ProjectSummary[];
  rows: Virtualizer<HTMLDivElement, Element>;
  scroller: RefObject<HTMLElement | null>;
  onSelect: (projectId: string, range: boolean) => void;
  /** How many are selected: what can be done to them has the focus, and is gone when none is. */
  selected: number;
}

/** The build that was in focus last, and its place: it may have been scrolled away, or deleted. */
export interface LastFocused {
  readonly focused: string | undefined;
  readonly index: number;
}

export interface RowKeys {
  onKeyDown: (event: KeyboardEvent) => void;
  /** To be called when something in the row of a build gets the focus, or is clicked. */
  onFocus: (event: { target: EventTarget }) => void;
  last: () => LastFocused;
  /** Gives the focus to a build, or to the one in its place. */
  restore: (projectId: string | undefined, index: number) => void;
}

/** `j` and `k`, or the arrows inside the table, go from build to build; `x` selects, `X` a range; Enter follows the link by itself. */
export function useRowKeys({ builds, rows, scroller, onSelect, selected }: RowKeysOptions): RowKeys {
  const last = useRef<LastFocused>({ focused: undefined, index: 0 });
  const wanted = useRef<string>(undefined);
  const indexOf = (projectId: string | undefined) =>
    builds.findIndex(({ project_id }) => project_id === projectId);

  const focus = (projectId: string) =>
    scroller.current
      ?.querySelector<HTMLElement>(`[data-build="${projectId}"] a`)
      ?.focus({ preventScroll: true });

  const go = (index: number, scrolls: boolean) => {
    const at = Math.min(builds.length - 1, Math.max(0, index));
    const focused = builds[at]?.project_id;
    if (focused === undefined) return;
    last.current = { focused, index: at };
    if (scrolls) rows.scrollToIndex(at);
    focus(focused);
    wanted.current = buildAt(document.activeElement) === focused ? undefined : focused;
  };

  const move = (by: 1 | -1) => {
    const { focused, index } = last.current;
    const at = indexOf(focused);
    // The build after one that is gone has its place.
    if (at >= 0) go(at + by, true);
    else go(focused === undefined ? 0 : index, true);
  };

  // A line that was out of sight is there only after the list has been scrolled.
  useEffect(() => {
    if (wanted.current === undefined) return;
    // A reader who is in a field or a dialog by now stays there.
    if (document.activeElement?.matches("input:not([type=checkbox]), select, [role*=dialog] *"))
      wanted.current = undefined;
    else focus(wanted.current);
    if (buildAt(document.activeElement) === wanted.current) wanted.current = undefined;
  });

  // What had the focus is gone with the builds it was about: the list has it again.
  const hadSelected = useRef(selected);
  useEffect(() => {
    const { focused, index } = last.current;
    const at = indexOf(focused);
    const lost = focused !== undefined && (at < 0 || (hadSelected.current > 0 && selected === 0));
    hadSelected.current = selected;
    if (lost && isNowhere(document.activeElement)) go(at < 0 ? index : at, false);
  });

  useShortcut("j", () => move(1));
  useShortcut("k", () => move(-1));
  const select = (range: boolean) => {
    const { focused } = last.current;
    if (focused !== undefined && indexOf(focused) >= 0) onSelect(focused, range);
  };
  useShortcut("x", () => select(false));
  useShortcut("X", () => select(true));
  return {
    onKeyDown: (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    },
    onFocus: ({ target }) => {
      const focused = buildAt(target);
      if (focused !== undefined) last.current = { focused, index: indexOf(focused) };
    },
    last: () => last.current,
    restore: (projectId, index) => {
      if (projectId === undefined) return;
      const at = indexOf(projectId);
      go(at < 0 ? index : at, false);
    },
  };
}

/** The build that an element is in the row of. */
export function buildAt(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest<HTMLElement>("[data-build]")?.dataset.build : undefined;
}

function isNowhere(active: Element | null): boolean {
  return active === null || active === document.body;
}
