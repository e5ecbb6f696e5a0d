import { carriedAfter, plainText } from "./ansi.ts";
import { tellsOfError } from "./lines.ts";

const EVEN = /^[ -~]*$/;

/** A line as the API gives it: bare lines of older logs have neither time nor stream. */
export interface BufferedLine {
  readonly text: string;
  readonly at?: string | undefined;
  readonly stream?: string | undefined;
}

/**
 * The lines of one attempt's log, as many as have come; it only grows, but for the last lines, which may not have ended
 * yet. Readers subscribe to its changes.
 */
export class LogBuffer {
  readonly #raw: string[] = [];
  readonly #plain: string[] = [];
  /** Times of the lines that have one; streams of those that were not written as usual. */
  readonly #at: (string | undefined)[] = [];
  readonly #stderr = new Set<number>();
  #timed = false;
  readonly #columns: number[] = [];
  readonly #errors: number[] = [];
  /** Styles that the line before left switched on, for the lines where there are any. */
  readonly #carried = new Map<number, string>();
  readonly #listeners = new Set<() => void>();
  #style = "";
  #widest = 0;
  /** Lines at the end that have not ended, and the style before them. */
  #unended = { count: 0, style: "" };

  get length(): number {
    return this.#raw.length;
  }

  /** Of the widest line, in columns. */
  get columns(): number {
    return this.#widest;
  }

  /** The numbers, from 0, of the lines that tell of an error. */
  get errors(): readonly number[] {
    return this.#errors;
  }

  columnsAt(index: number): number {
    return this.#columns[index] ?? 0;
  }

  /** Whether every character of a line takes one column for certain, in any font of fixed width. */
  isEven(index: number): boolean {
    return EVEN.test(this.plain(index));
  }

  /** `unended` are lines that the next call replaces. */
  append(lines: readonly (string | BufferedLine)[], unended: readonly (string | BufferedLine)[] = []): void {
    if (lines.length === 0 && unended.length === 0 && this.#unended.count === 0) return;
    this.#dropUnended();
    for (const line of lines) this.#push(line);
    this.#unended = { count: unended.length, style: this.#style };
    for (const line of unended) this.#push(line);
    for (const listener of this.#listeners) listener();
  }

  #dropUnended(): void {
    const { count, style } = this.#unended;
    if (count === 0) return;
    const length = this.#raw.length - count;
    for (const all of [this.#raw, this.#plain, this.#columns, this.#at]) all.length = length;
    for (let i = length; i < length + count; i++) {
      this.#carried.delete(i);
      this.#stderr.delete(i);
    }
    while ((this.#errors.at(-1) ?? -1) >= length) this.#errors.pop();
    this.#style = style;
  }

  #push(given: string | BufferedLine): void {
    const { text: line, at, stream }: BufferedLine = typeof given === "string" ? { text: given } : given;
    this.#at.push(at);
    if (at !== undefined) this.#timed = true;
    if (stream === "stderr") this.#stderr.add(this.#raw.length);
    if (this.#style !== "") this.#carried.set(this.#raw.length, this.#style);
    const plain = plainText(line);
    if (tellsOfError(plain)) this.#errors.push(this.#raw.length);
    this.#raw.push(line);
    this.#plain.push(plain);
    const columns = columnsOf(plain);
    this.#columns.push(columns);
    this.#widest = Math.max(this.#widest, columns);
    this.#style = carriedAfter(this.#style, line);
  }

  /** As the stage wrote it. */
  raw(index: number): string {
    return this.#raw[index] ?? "";
  }

  /** When a line was written, where that is known. */
  timeAt(index: number): string | undefined {
    return this.#at[index];
  }

  /** Whether any line says when it was written. */
  get hasTimes(): boolean {
    return this.#timed;
  }

  /** Whether a line was written to the stream for errors. */
  isStderr(index: number): boolean {
    return this.#stderr.has(index);
  }

  carried(index: number): string {
    return this.#carried.get(index) ?? "";
  }

  /** Without styles and control characters. */
  plain(index: number): string {
    return this.#plain[index] ?? "";
  }

  /** The numbers of the lines, from `from` on, that have the text, in whatever case. */
  find(text: string, from = 0): number[] {
    const wanted = text.toLowerCase();
    const found: number[] = [];
    if (wanted === "") return found;
    for (let i = from; i < this.#plain.length; i++)
      if (this.plain(i).toLowerCase().includes(wanted)) found.push(i);
    return found;
  }

  /** The whole log as a file's parts, without copying it line by line. */
  parts(): string[] {
    return this.#raw.map((line) => `${line}\n`);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

const TAB = 8;

/** Columns that a text takes in a fixed-width font: wide characters take two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 9) columns += TAB - (columns % TAB);
    else columns += isWide(code) ? 2 : 1;
  }
  return columns;
}

/** Chinese, Japanese, Korean and full-width forms. Halves of a pair (emoji and the like) count one each. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6)
  );
}
