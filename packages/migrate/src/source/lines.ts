import { StringDecoder } from "node:string_decoder";
import type { SourceLine } from "./source.ts";

/** In UTF-16 units. DynamoDB's largest item is 400 KB, and several times that as DynamoDB JSON. */
const LONGEST = 16 * 1024 * 1024;

/** The lines of a text that need not fit into memory. Empty ones are counted and left out. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SourceLine> {
  const decoder = new StringDecoder("utf8");
  const open = { line: 1, text: "", tooLong: false };
  for await (const chunk of chunks) {
    const parts = decoder.write(Buffer.from(chunk)).split("\n");
    for (const [i, part] of parts.entries()) {
      if (i > 0) {
        yield* ended(open);
        Object.assign(open, { line: open.line + 1, text: "", tooLong: false });
      }
      if (open.text.length + part.length > LONGEST) Object.assign(open, { text: "", tooLong: true });
      if (!open.tooLong) open.text += part;
    }
  }
  open.text += decoder.end();
  yield* ended(open);
}

function* ended(open: { line: number; text: string; tooLong: boolean }): Generator<SourceLine> {
  const { line, tooLong } = open;
  // A byte order mark is no part of the first line.
  const text = (line === 1 ? open.text.replace(/^\uFEFF/, "") : open.text).trim();
  if (tooLong) yield { line, text: undefined };
  else if (text !== "") yield { line, text };
}
