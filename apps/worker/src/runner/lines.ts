import { StringDecoder } from "node:string_decoder";
import { type LogLine, type LogStream, trimReturns } from "@stagefold/core";
import type { SecretMask } from "@stagefold/node-files";

/** Characters of one entry: a longer line is several, each but the last with an empty `end`. */
export const MAX_LINE = 64 * 1024;

/**
 * Makes the lines of one stream of bytes as they come. Line ends are `\n` and `\r\n`; NUL is left out. Of a line that
 * rewrites itself with `\r` the last state counts. Text that ends in the marker ends the lines: what comes after it is
 * dropped.
 */
export class LineSplitter {
  readonly #stream: LogStream;
  readonly #mask: SecretMask;
  readonly #marker: string | undefined;
  readonly #decoder = new StringDecoder("utf8");
  /** What has no end yet and no entry has. */
  #rest = "";
  /** When the rest began. */
  #at: string | undefined;
  /** How the last entry ended, where its line continues. */
  #continues: "" | "\r" | undefined;
  #ended = false;

  constructor(stream: LogStream, mask: SecretMask, marker?: string) {
    this.#stream = stream;
    this.#mask = mask;
    this.#marker = marker;
  }

  /** Whether the marker was seen. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether there is something that no entry has. */
  get hasRest(): boolean {
    return this.#rest !== "";
  }

  /** The lines that these bytes completed, and pieces of one that is too long to wait for its end. */
  feed(bytes: Uint8Array): LogLine[] {
    if (this.#ended) return [];
    const entries: LogLine[] = [];
    const at = new Date().toISOString();
    if (this.#rest === "") this.#at = at;
    this.#rest += clean(this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    let from = 0;
    for (let end = this.#rest.indexOf("\n"); end >= 0; end = this.#rest.indexOf("\n", from)) {
      const line = this.#rest.slice(from, end);
      from = end + 1;
      if (this.#marker !== undefined && line.endsWith(this.#marker)) {
        this.#ended = true;
        const last = line.slice(0, -this.#marker.length);
        this.#rest = "";
        if (last !== "" || this.#continues !== undefined) this.#add(entries, last);
        return entries;
      }
      this.#add(entries, line);
      this.#at = at;
    }
    this.#rest = this.#rest.slice(from);
    this.#cut(entries);
    return entries;
  }

  /** What has no end of line yet, as an entry to be continued. What may begin the marker or a secret stays. */
  takeRest(): LogLine[] {
    const held = this.#heldFrom(this.#rest);
    const shown = this.#rest.slice(0, held);
    // Behind a `\r` there may be the end of the line.
    if (this.#ended || trimReturns(shown) === "") return [];
    const entries: LogLine[] = [];
    this.#rest = this.#rest.slice(held);
    this.#addOpen(entries, shown);
    return entries;
  }

  /** What is left when nothing more will come. */
  end(): LogLine[] {
    if (this.#ended) return [];
    this.#ended = true;
    const entries: LogLine[] = [];
    const rest = this.#rest + clean(this.#decoder.end());
    this.#rest = "";
    if (rest !== "" || this.#continues !== undefined) this.#add(entries, rest);
    return entries;
  }

  /** Where what may be the beginning of the marker or of a secret starts, or the length of the text. */
  #heldFrom(text: string): number {
    const secret = this.#mask.heldFrom(text);
    const mark = this.#marker === undefined ? -1 : text.lastIndexOf("\u0001");
    return mark >= 0 && this.#marker?.startsWith(text.slice(mark)) ? Math.min(mark, secret) : secret;
  }

  /** A line without an end must not grow for ever. */
  #cut(entries: LogLine[]): void {
    const held = this.#heldFrom(this.#rest);
    if (held <= MAX_LINE) return;
    const open = this.#rest.slice(0, held);
    this.#rest = this.#rest.slice(held);
    this.#addOpen(entries, open);
  }

  /** A complete line. */
  #add(entries: LogLine[], raw: string): void {
    const text = this.#lastState(entries, trimReturns(raw));
    const pieces = piecesOf(text);
    for (const piece of pieces.slice(0, -1)) this.#push(entries, piece, "");
    this.#push(entries, pieces.at(-1) ?? "", undefined);
  }

  /** A line that has no end yet. */
  #addOpen(entries: LogLine[], raw: string): void {
    const pieces = piecesOf(this.#lastState(entries, trimReturns(raw)));
    for (const piece of pieces.slice(0, -1)) this.#push(entries, piece, "");
    this.#push(entries, pieces.at(-1) ?? "", raw.endsWith("\r") ? "\r" : "");
  }

  /** The text behind the last `\r`. Where an entry has the beginning of the line already, another says that it goes. */
  #lastState(entries: LogLine[], text: string): string {
    const from = text.lastIndexOf("\r") + 1;
    if (from > 0 && this.#continues === "") this.#push(entries, "", "\r");
    return this.#mask.text(text.slice(from));
  }

  #push(entries: LogLine[], text: string, end: "" | "\r" | undefined): void {
    this.#continues = end;
    const at = this.#at ?? new Date().toISOString();
    entries.push({ text, at, stream: this.#stream, ...(end !== undefined && { end }) });
  }
}

function clean(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

function piecesOf(text: string): string[] {
  if (text.length <= MAX_LINE) return [text];
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    const end = wholeEnd(text, Math.min(text.length, from + MAX_LINE));
    pieces.push(text.slice(from, end));
    from = end;
  }
  return pieces;
}

/** `end`, or one before it where it would stand between the two halves of a character. */
function wholeEnd(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
