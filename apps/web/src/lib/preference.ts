import { useSyncExternalStore } from "react";
import { keep, onKeptElsewhere, readKept } from "./storage.ts";

/** One choice of the reader, kept by the browser and shared by its tabs. */
export interface Preference<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

/** `known` tells what was chosen from what an older page kept; `initial` is asked while nothing has been chosen. */
export function preference<T>(
  key: string,
  known: (value: unknown) => value is T,
  initial: () => T,
): Preference<T> {
  const listeners = new Set<() => void>();
  let value: T | undefined;
  const notify = () => {
    for (const listener of listeners) listener();
  };
  return {
    get: () => {
      value ??= readKept(key, known) ?? initial();
      return value;
    },
    set: (next) => {
      value = next;
      keep(key, next);
      notify();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      const unlisten = onKeptElsewhere(key, () => {
        value = undefined;
        notify();
      });
      return () => {
        listeners.delete(listener);
        unlisten();
      };
    },
  };
}

export function usePreference<T>({ subscribe, get }: Preference<T>): T {
  return useSyncExternalStore(subscribe, get);
}
