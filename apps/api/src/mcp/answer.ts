import type { CallToolResult } from "@modelcontextprotocol/server";
import { errorShapeOf } from "../errors.ts";

/** Bytes of an answer's text. More would fill what a model can read at once. */
export const MAX_ANSWER_BYTES = 48 * 1024;

/** An answer as text; an object that is small enough also as data. What is cut says so. */
export function toolAnswer(value: unknown): CallToolResult {
  const text = JSON.stringify(value);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (Buffer.byteLength(text) <= MAX_ANSWER_BYTES)
    return {
      content: [{ type: "text", text }],
      ...(isObject && { structuredContent: { ...value } }),
    };
  return { content: [{ type: "text", text: cut(text) }] };
}

/** A refusal is an answer that a model can read and act on. */
export function toolRefusal(error: unknown): CallToolResult {
  const { message, data } = errorShapeOf(error);
  return {
    isError: true,
    content: [{ type: "text", text: `${data.stagefold.code}: ${message}` }],
    structuredContent: { ...data.stagefold, message },
  };
}

/** The beginning of a text that is too long, and what to do about it. */
export function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_ANSWER_BYTES) return text;
  // Half a character at the end is left out.
  const beginning = bytes
    .subarray(0, MAX_ANSWER_BYTES)
    .toString("utf8")
    .replace(/\uFFFD$/, "");
  return (
    `${beginning}\n… cut after ${MAX_ANSWER_BYTES} of ${bytes.length} bytes: ` +
    "ask for less, with limit and cursor, one stage, or one artifact."
  );
}
