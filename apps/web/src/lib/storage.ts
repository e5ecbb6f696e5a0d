const PREFIX = "stagefold.";

/**
 * What this browser keeps for the page, if it is what `known` knows. A browser may keep nothing, or something that an
 * older page wrote: both read as undefined, and nothing depends on what is kept.
 */
export function readKept<T>(key: string, known: (value: unknown) => value is T): T | undefined {
  const text = ask(() => localStorage.getItem(PREFIX + key));
  if (text === undefined || text === null) return undefined;
  const value = parsed(text);
  return known(value) ? value : undefined;
}

/** A single word is kept as it is, anything else as JSON. */
export function keep(key: string, value: unknown): void {
  ask(() => localStorage.setItem(PREFIX + key, typeof value === "string" ? value : JSON.stringify(value)));
}

export function forget(key: string): void {
  ask(() => localStorage.removeItem(PREFIX + key));
}

/** What a reader has typed, and the views they named; how they like the page to look stays. */
export function forgetTexts(): void {
  const isText = (key: string) => /^(draft|talk\.|recent-requirements|builds\.views)/.test(key);
  const keys = ask(() => Object.keys(localStorage)) ?? [];
  for (const key of keys)
    if (key.startsWith(PREFIX) && isText(key.slice(PREFIX.length))) forget(key.slice(PREFIX.length));
}

/** Tells of changes that other tabs make. */
export function onKeptElsewhere(key: string, listener: () => void): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key === PREFIX + key || event.key === null) listener();
  };
  window.addEventListener("storage", onStorage);
  return () => window.removeEventListener("storage", onStorage);
}

function ask<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch (error) {
    // Storage is switched off, or full: the page works without.
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** JSON, or the text itself. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
