import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import { useMessages } from "../../../i18n/lang.ts";
import { messages } from "../messages.ts";
import type { Language } from "../model/preview.ts";
import { highlight, type Token } from "./highlight.ts";

const ROW = 20;
/** Characters that are coloured; a longer text is shown in one colour. */
const COLOURED = 300_000;
const SHOWN_OF_A_LINE = 5000;

/** A text with line numbers, in the colours of its language. */
export function Code({ text, language }: { text: string; language: Language | undefined }) {
  const t = useMessages(messages);
  const lines = useMemo(() => linesOf(text, language), [text, language]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  const widest = useMemo(() => Math.min(SHOWN_OF_A_LINE, widestOf(text)), [text]);
  if (text === "") return <p className="p-6 text-ink-2">{t.empty}</p>;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a region that scrolls
    <div
      aria-label={t.content}
      className="max-h-[70dvh] overflow-auto py-2 font-mono text-xs leading-5 focus-visible:outline-offset-[-2px]"
      data-testid="code"
      ref={scroller}
      role="region"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
    >
      <div
        className="relative min-w-full"
        style={{ height: virtual.getTotalSize(), width: `calc(${widest + 2}ch + 4.5rem)` }}
      >
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div
            className="absolute top-0 left-0 flex h-5 w-full"
            key={index}
            style={{ transform: `translateY(${start}px)` }}
          >
            <span aria-hidden className="tabular w-14 shrink-0 select-none pr-4 text-right text-ink-3">
              {index + 1}
            </span>
            <span className="whitespace-pre [tab-size:4]">
              {lines[index]?.map((token, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line stay in their order
                <span className={lookOf(token.name)} key={i}>
                  {token.text.slice(0, SHOWN_OF_A_LINE)}
                </span>
              ))}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

function linesOf(text: string, language: Language | undefined): Token[][] {
  const body = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (language !== undefined && text.length <= COLOURED) return highlight(body, language);
  return body.split("\n").map((line) => (line === "" ? [] : [{ text: line }]));
}

function widestOf(text: string): number {
  return text.split("\n").reduce((widest, line) => Math.max(widest, line.length), 0);
}

/** Classes by what a piece of code is; several kinds share a colour. */
const LOOKS = new Map<string, string>([
  ...look("text-accent", ["keyword", "literal", "selector-tag", "tag", "name", "section", "doctag"]),
  ...look("text-good", ["string", "regexp", "addition", "char", "code"]),
  ...look("text-warn", ["number", "symbol", "bullet", "template-variable", "variable"]),
  ...look("text-info", [
    "attr",
    "attribute",
    "title",
    "property",
    "built_in",
    "type",
    "function",
    "class",
    "link",
  ]),
  ...look("text-ink-3 italic", ["comment", "quote", "meta"]),
  ...look("text-bad", ["deletion"]),
  ...look("font-semibold", ["strong"]),
  ...look("italic", ["emphasis"]),
]);

function lookOf(name: string | undefined): string | undefined {
  return name === undefined ? undefined : LOOKS.get(name);
}

function look(classes: string, names: readonly string[]): [string, string][] {
  return names.map((name) => [name, classes]);
}
