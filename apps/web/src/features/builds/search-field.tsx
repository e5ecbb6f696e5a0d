import { Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useEffectEvent, useId, useRef, useState } from "react";
import { TextInput } from "../../components/ui/field.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { cn } from "../../lib/cn.ts";
import { isForInputMethod } from "../../lib/ime.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import { messages } from "./messages.ts";
import { type Key, suggestionsFor } from "./query.ts";

export interface SearchFieldProps {
  /** The filters of the address, as one would type them. */
  text: string;
  /** Called when typing has paused. The answer is what the address says then, as one would type it. */
  onChange: (text: string) => string;
  label: string;
  valuesOf: (key: Key) => readonly string[];
}

const SETTLE_MS = 250;

/** One field for all filters, with what could be typed next. It follows the address when that changes by itself. */
export function SearchField({ text: known, onChange, label, valuesOf }: SearchFieldProps) {
  const t = useMessages(messages);
  const [typed, setTyped] = useState<{ text: string; of: string; sent?: string }>();
  const [at, setAt] = useState(-1);
  const [open, setOpen] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const list = useId();
  useShortcut("/", () => field.current?.focus());
  // What has been typed stands until the address is changed by something else.
  const own = typed !== undefined && (typed.of === known || typed.sent === known);
  // It has come to be what the reader typed: from now on it is changed by something else.
  if (typed !== undefined && typed.sent === known && typed.of !== known) setTyped({ ...typed, of: known });
  const text = own ? typed.text : known;
  const settle = useEffectEvent(() => {
    if (typed !== undefined && own) setTyped({ ...typed, sent: onChange(typed.text) });
  });
  useEffect(() => {
    const timer = setTimeout(() => settle(), typed?.text === "" ? 0 : SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed?.text]);
  const suggestions = open ? suggestionsFor(text, valuesOf) : [];
  const type = (next: string) => {
    setTyped({ text: next, of: known });
    setAt(-1);
    setOpen(true);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isForInputMethod(event)) return;
    const chosen = suggestions[at];
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        if (suggestions.length === 0) return;
        event.preventDefault();
        const by = event.key === "ArrowDown" ? 1 : -1;
        setAt((at + by + suggestions.length + 1) % (suggestions.length + 1));
        return;
      }
      case "Enter":
        if (chosen) type(chosen.text);
        else setOpen(false);
        return;
      case "Escape":
        if (text === "") field.current?.blur();
        else if (suggestions.length > 0) setOpen(false);
        else {
          type("");
          setOpen(false);
        }
        return;
    }
  };
  return (
    <div className="relative min-w-0 max-w-2xl flex-1">
      <Search
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 left-2.5 size-4 text-ink-3"
      />
      <TextInput
        aria-activedescendant={suggestions[at] ? `${list}-${at}` : undefined}
        aria-autocomplete="list"
        aria-controls={suggestions.length > 0 ? list : undefined}
        aria-expanded={suggestions.length > 0}
        aria-label={label}
        autoComplete="off"
        className="pl-8"
        maxLength={500}
        onBlur={() => setOpen(false)}
        onChange={(event) => type(event.target.value)}
        onFocus={() => setOpen(true)}
        onKeyDown={onKeyDown}
        placeholder={label}
        ref={field}
        role="combobox"
        type="search"
        value={text}
      />
      {suggestions.length > 0 && (
        <div
          aria-label={t.suggestions}
          className="absolute inset-x-0 top-full z-30 mt-1 overflow-hidden rounded-lg border border-line bg-raised p-1 shadow-pop"
          id={list}
          role="listbox"
        >
          {suggestions.map(({ label: name, text: next }, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
            <div
              aria-selected={i === at}
              className={cn(
                "flex cursor-pointer items-center rounded-md px-2 py-1.5 font-mono text-xs hover:bg-hover max-sm:min-h-11",
                i === at && "bg-hover",
              )}
              id={`${list}-${i}`}
              key={name}
              onClick={() => {
                type(next);
                field.current?.focus();
              }}
              // The field would lose the focus, and with it the list goes.
              onPointerDown={(event) => event.preventDefault()}
              role="option"
            >
              {name}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
