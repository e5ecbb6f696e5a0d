import { z } from "zod";
import { storableTextSchema } from "./storable.ts";
import { givenTimeSchema, timeSchema } from "./time.ts";

/** Where a line came from: a process's own outputs, or what a stage or a program gave as a log line. */
export const LOG_STREAMS = ["stdout", "stderr", "log"] as const;
export type LogStream = (typeof LOG_STREAMS)[number];

/**
 * One line of a log, or a piece of one. Without `end` the line is complete. With an empty `end` the next entry of the
 * same stream continues it; with `\r` the next one takes its place, as a progress bar does. `LogLines` of the
 * client puts lines together again.
 */
export const logLineSchema = z.object({
  text: z.string(),
  /** When it was written, as far as the worker knows. Lines of older logs have none. */
  at: timeSchema.optional(),
  stream: z.enum(LOG_STREAMS).optional(),
  end: z.enum(["", "\r"]).optional(),
});
export type LogLine = z.output<typeof logLineSchema>;

/** A line as a report gives it: a bare text is a complete line of the stream `log`. */
export const reportedLineSchema = z.union([
  storableTextSchema,
  logLineSchema.extend({ text: storableTextSchema, at: givenTimeSchema.optional() }),
]);
export type ReportedLine = z.output<typeof reportedLineSchema>;

/** A reported line as the log keeps it: with a time, storable. */
export function toLogLine(line: ReportedLine, at: string): LogLine {
  if (typeof line === "string") return { text: line, at, stream: "log" };
  return { ...line, at: line.at ?? at, stream: line.stream ?? "log" };
}

/** The bare texts. */
export function textsOf(lines: readonly ReportedLine[]): string[] {
  return lines.map((line) => (typeof line === "string" ? line : line.text));
}

/** A line as a log store keeps it: as short as it can be said. */
type StoredLine = string | [text: string, at: number | null, stream: number | null, end?: string];

/** A JSON value. A bare text, as logs before 0.3 have it, is a line without time and stream. */
export function packLine(line: ReportedLine): StoredLine {
  if (typeof line === "string") return line;
  const { text, at, stream, end } = line;
  if (at === undefined && stream === undefined && end === undefined) return text;
  const time = at === undefined ? null : Date.parse(at);
  const from = stream === undefined ? null : LOG_STREAMS.indexOf(stream);
  return end === undefined ? [text, time, from] : [text, time, from, end];
}

/** Undefined for what is no stored line. */
export function unpackLine(value: unknown): LogLine | undefined {
  if (typeof value === "string") return { text: value };
  if (!Array.isArray(value)) return undefined;
  const [text, time, from, end]: unknown[] = value;
  if (typeof text !== "string") return undefined;
  const stream = typeof from === "number" ? LOG_STREAMS[from] : undefined;
  return {
    text,
    ...(typeof time === "number" && Number.isFinite(time) && { at: new Date(time).toISOString() }),
    ...(stream !== undefined && { stream }),
    ...((end === "" || end === "\r") && { end }),
  };
}

/** What a line that is to be rewritten ends with where it stands as a bare text, such as in the item's tail. */
const REWRITTEN = "\r";

/** The text without the carriage returns at its end. No pattern: `/\r+$/` takes the square of their number in time. */
export function trimReturns(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "\r") end -= 1;
  return text.slice(0, end);
}

/**
 * Lines as bare texts in the order in which they ended, those that have no end yet last. `before` is what an earlier
 * call answered: a line that rewrites itself is there once.
 */
export function wholeTexts(before: readonly string[], lines: readonly ReportedLine[]): string[] {
  const texts = [...before];
  let rewritten = texts.at(-1)?.endsWith(REWRITTEN) ? texts.pop() : undefined;
  const open = new Map<LogStream, string>();
  for (const line of lines) {
    const { text, stream = "log", end }: LogLine = typeof line === "string" ? { text: line } : line;
    const begun = open.get(stream) ?? rewritten ?? "";
    rewritten = undefined;
    open.delete(stream);
    const whole = begun.endsWith(REWRITTEN) ? text || begun.slice(0, -1) : begun + text;
    if (end === undefined) texts.push(trimReturns(whole));
    else open.set(stream, whole + end);
  }
  return [...texts, ...open.values()];
}
