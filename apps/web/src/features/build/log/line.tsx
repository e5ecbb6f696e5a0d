import { type CSSProperties, memo } from "react";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatNumber } from "../../../lib/format.ts";
import { type LogSpan, spansOf } from "./ansi.ts";
import { type MarkedSpan, marked } from "./mark.ts";
import { logMessages } from "./messages.ts";

/** Characters of a line that are shown: a line of a megabyte would stop the page. */
export const SHOWN = 4000;

export interface LineProps {
  /** As the stage wrote it: also what tells a line that has not ended from what it was before. */
  raw: string;
  carried: string;
  wanted: string;
  /** Whether the search stands at this line. */
  here: boolean;
}

/** One line, as text in its colours. */
export const Line = memo(function Line({ raw, carried, wanted, here }: LineProps) {
  const spans = spansOf(raw.length > SHOWN ? raw.slice(0, SHOWN) : raw, carried);
  return (
    <span dir="auto">
      {(wanted === "" ? spans : marked(spans, wanted)).map((span, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line stay in their order
        <Piece here={here} key={i} span={span} />
      ))}
      {raw.length > SHOWN && <Cut rest={raw.length - SHOWN} />}
    </span>
  );
});

function Piece({ span, here }: { span: MarkedSpan; here: boolean }) {
  const { bold, italic, underline, strike } = span;
  const plain = !bold && !italic && !underline && !strike;
  const look = plain
    ? undefined
    : cn(bold && "font-semibold", italic && "italic", underline && "underline", strike && "line-through");
  if (span.marked)
    return (
      <mark className={cn("rounded-xs text-black", here ? "bg-log-mark-here" : "bg-log-mark", look)}>
        {span.text}
      </mark>
    );
  return (
    <span className={look} style={styleOf(span)}>
      {span.text}
    </span>
  );
}

function styleOf({ colour, background }: LogSpan): CSSProperties | undefined {
  if (colour === undefined && background === undefined) return undefined;
  return { ...(colour !== undefined && { color: colour }), ...(background !== undefined && { background }) };
}

function Cut({ rest }: { rest: number }) {
  const t = useMessages(logMessages);
  const lang = useLang();
  return <span className="text-log-ink-3 italic">{t.cut(formatNumber(rest, lang))}</span>;
}
