import { useState } from "react";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { isLike } from "../lib/is-like.ts";
import { forget, keep, readKept } from "../lib/storage.ts";
import { Button } from "./ui/button.tsx";

export interface KeptDraft<T> {
  readonly draft: T;
  readonly set: (changes: Partial<T>) => void;
  /** Whether it was begun before the form was opened. */
  readonly isKept: boolean;
  /** Back to what the form begins with. */
  readonly reset: () => void;
  /** It was sent. */
  readonly done: () => void;
}

/**
 * What is typed into a form, which the browser keeps under `key` until it is sent: closing the form, or the page, loses
 * nothing. It counts as long as the form begins with the same as it did then.
 */
export function useKeptDraft<T extends object>(key: string, initial: () => T): KeptDraft<T> {
  const [begun] = useState(() => {
    const start = initial();
    const base = JSON.stringify(start);
    const kept = readKept(key, (value): value is { base: string; draft: T } =>
      isLike(value, { base, draft: start }),
    );
    const found = kept?.base === base && JSON.stringify(kept.draft) !== base ? kept.draft : undefined;
    return { start, base, found };
  });
  const [draft, setDraft] = useState(begun.found ?? begun.start);
  const [isKept, setIsKept] = useState(begun.found !== undefined);
  return {
    draft,
    isKept,
    set: (changes) => {
      const next = { ...draft, ...changes };
      setDraft(next);
      keep(key, { base: begun.base, draft: next });
    },
    reset: () => {
      setDraft(begun.start);
      setIsKept(false);
      forget(key);
    },
    done: () => forget(key),
  };
}

/** Says that a form was begun before, and offers to begin again. */
export function DraftNote({ isKept, reset }: Pick<KeptDraft<object>, "isKept" | "reset">) {
  const c = useMessages(common);
  if (!isKept) return null;
  return (
    <p className="flex flex-wrap items-center gap-2 text-ink-2 text-sm">
      {c.keptDraft}
      <Button look="ghost" onClick={reset} size="small">
        {c.startOver}
      </Button>
    </p>
  );
}
