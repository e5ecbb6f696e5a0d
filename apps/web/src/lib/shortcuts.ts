import { useEffect, useEffectEvent } from "react";
import { preference, usePreference } from "../lib/preference.ts";
import { isOneOf } from "./one-of.ts";

/** Single keys get in the way of some readers, such as those who speak to their computer: they can be switched off. */
const enabled = preference("shortcuts", isOneOf(["on", "off"]), () => "on");

export function useShortcutsEnabled(): boolean {
  return usePreference(enabled) === "on";
}

export function setShortcutsEnabled(on: boolean): void {
  enabled.set(on ? "on" : "off");
}

const SEQUENCE_MS = 1000;
let prefix: { key: string; at: number } | undefined;

/** Keys in their order, such as `g b`, `?` or `x`. Not while the reader types, and not behind a dialog or menu. */
export function useShortcut(keys: string, action: () => void, options: { disabled?: boolean } = {}): void {
  const act = useEffectEvent(action);
  const { disabled = false } = options;
  useEffect(() => {
    if (disabled) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !matches(event, keys)) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [keys, disabled]);
}

/** Remembers the first key of a sequence; once, for all that listen. */
export function usePrefixKeys(): void {
  useEffect(() => {
    const remember = (event: KeyboardEvent) => {
      if (event.key !== "Shift") prefix = { key: event.key, at: event.timeStamp };
    };
    // After all others, who still need the key before.
    window.addEventListener("keydown", remember);
    return () => window.removeEventListener("keydown", remember);
  }, []);
}

function matches(event: KeyboardEvent, keys: string): boolean {
  if (enabled.get() === "off" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event))
    return false;
  const parts = keys.split(" ");
  const last = parts.at(-1);
  if (event.key !== last) return false;
  const inSequence = prefix?.key === "g" && event.timeStamp - prefix.at < SEQUENCE_MS;
  return parts.length === 1 ? !inSequence : inSequence && parts[0] === "g";
}

/** In a field, or in what lies over the page and has keys of its own. */
const ELSEWHERE =
  "input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu]";

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest(ELSEWHERE) !== null;
}
