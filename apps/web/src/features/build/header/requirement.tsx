import { useState } from "react";
import { useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { messages } from "../messages.ts";

/** Longer than this, or with more lines, a requirement is cut off until somebody wants to read it. */
const SHORT = { characters: 240, lines: 3 };

export function Requirement({ text }: { text: string }) {
  const t = useMessages(messages);
  const [open, setOpen] = useState(false);
  const long = text.length > SHORT.characters || text.split("\n").length > SHORT.lines;
  return (
    <div className="max-w-3xl text-ink-2">
      <p className={cn("whitespace-pre-wrap break-words", long && !open && "line-clamp-3")}>{text}</p>
      {long && (
        <button
          aria-expanded={open}
          className="mt-1 font-medium text-accent text-sm hover:underline"
          onClick={() => setOpen(!open)}
          type="button"
        >
          {open ? t.showLess : t.showAll}
        </button>
      )}
    </div>
  );
}
