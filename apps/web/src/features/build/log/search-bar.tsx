import { ChevronDown, ChevronUp, Search } from "lucide-react";
import type { RefObject } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import { logMessages } from "./messages.ts";

export interface SearchBarProps {
  text: string;
  onText: (text: string) => void;
  /** Lines that have it, and which of them the search stands at, from 0. */
  matches: number;
  at: number;
  onStep: (by: 1 | -1) => void;
  field: RefObject<HTMLInputElement | null>;
}

/** Enter goes to the next match, with Shift to the one before; Escape ends the search. */
export function SearchBar({ text, onText, matches, at, onStep, field }: SearchBarProps) {
  const t = useMessages(logMessages);
  return (
    <div className="flex min-w-0 flex-1 items-center gap-1 max-sm:basis-full">
      <div className="relative min-w-28 flex-1 sm:max-w-64">
        <Search
          aria-hidden
          className="-translate-y-1/2 pointer-events-none absolute top-1/2 left-2 size-3.5 text-ink-3"
        />
        <input
          aria-label={t.search}
          className="h-7 max-sm:h-11 w-full rounded-md border border-line-strong bg-surface pr-2 pl-7 text-sm placeholder:text-ink-3"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
            if (event.key === "Escape") onText("");
          }}
          placeholder={t.search}
          ref={field}
          type="search"
          value={text}
        />
      </div>
      <span className="whitespace-nowrap text-ink-2 text-xs tabular sm:min-w-14" role="status">
        {text !== "" && (matches === 0 ? t.noMatch : t.match(at + 1, matches))}
      </span>
      {text !== "" && matches > 0 && (
        <>
          <Button aria-label={t.previous} look="ghost" onClick={() => onStep(-1)} size="inside">
            <ChevronUp aria-hidden className="size-4" />
          </Button>
          <Button aria-label={t.next} look="ghost" onClick={() => onStep(1)} size="inside">
            <ChevronDown aria-hidden className="size-4" />
          </Button>
        </>
      )}
    </div>
  );
}
