import { StringDecoder } from "node:string_decoder";

/** Characters; a longer line goes on as a line of its own. */
export const MAX_LINE = 64 * 1024;

/**
 * Makes lines of bytes as they come. Line ends are `\n` and `\r\n`; NUL is left out. Text that ends in the marker
 * ends the lines: what comes after it is dropped.
 */
export class LineSplitter {
  readonly #marker: string;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #ended = false;

  constructor(marker: string) {
    this.#marker = marker;
  }

  /** Whether the marker was seen. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether a line has begun that has no end yet. */
  get hasRest(): boolean {
    return this.#rest !== "";
  }

  /** Whether that line has begun anew with `\r`. */
  get isRewriting(): boolean {
    return this.#rest.includes("\r");
  }

  /** The lines that these bytes completed. */
  feed(bytes: Uint8Array): string[] {
    if (this.#ended) return [];
    this.#rest += this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const lines: string[] = [];
    let from = 0;
    for (let end = this.#rest.indexOf("\n"); end >= 0; end = this.#rest.indexOf("\n", from)) {
      const line = this.#rest.slice(from, end);
      from = end + 1;
      if (line.endsWith(this.#marker)) {
        this.#ended = true;
        if (line.length > this.#marker.length) addLine(lines, line.slice(0, -this.#marker.length));
        this.#rest = "";
        return lines;
      }
      addLine(lines, line);
    }
    this.#rest = this.#cut(this.#rest.slice(from), lines);
    return lines;
  }

  /**
   * What has no end of line yet, as a line of its own: the last state of one that rewrites itself with `\r`. What may
   * be the beginning of the marker stays.
   */
  takeRest(): string[] {
    const rest = this.#rest;
    const mark = rest.lastIndexOf("\u0001");
    const held = mark >= 0 && this.#marker.startsWith(rest.slice(mark)) ? rest.slice(mark) : "";
    const shown = rest.slice(0, rest.length - held.length);
    if (shown === "") return [];
    this.#rest = held;
    const lines: string[] = [];
    addLine(lines, shown.replace(/\r+$/, "").split("\r").at(-1) ?? "");
    return lines;
  }

  /** What is left when nothing more will come. */
  end(): string[] {
    if (this.#ended) return [];
    this.#ended = true;
    const lines: string[] = [];
    const rest = this.#rest + this.#decoder.end();
    if (rest !== "") addLine(lines, rest);
    return lines;
  }

  /** A line without an end must not grow for ever; a piece as long as the marker stays, which may be its beginning. */
  #cut(rest: string, lines: string[]): string {
    if (rest.length <= MAX_LINE + this.#marker.length) return rest;
    const end = wholeEnd(rest, rest.length - this.#marker.length);
    addLine(lines, rest.slice(0, end));
    return rest.slice(end);
  }
}

function addLine(lines: string[], raw: string): void {
  const line = (raw.endsWith("\r") ? raw.slice(0, -1) : raw).replaceAll("\0", "").toWellFormed();
  if (line === "") lines.push(line);
  for (let from = 0; from < line.length; ) {
    const end = wholeEnd(line, Math.min(line.length, from + MAX_LINE));
    lines.push(line.slice(from, end));
    from = end;
  }
}

/** `end`, or one before it where it would stand between the two halves of a character. */
function wholeEnd(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
