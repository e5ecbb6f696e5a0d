import pc from "picocolors";
import type { Frame } from "./view/stage-lines.ts";
import type { Paint } from "./view/status.ts";

/** A stream of a process, which may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Where answers go, and how they may look. Answers go to stdout, everything else to stderr. */
export class Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly paint: Paint;
  /** Where notes go while something is drawn in place: above it. */
  noteAbove: ((text: string) => void) | undefined;

  readonly hasColours: boolean;
  readonly #isDumb: boolean;

  /** `isDumb`: the terminal obeys no commands, neither colours nor moves. */
  constructor(
    stdout: Output,
    stderr: Output,
    { colours, isDumb }: { readonly colours: boolean; readonly isDumb: boolean },
  ) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.#isDumb = isDumb;
    this.hasColours = colours && !isDumb && stdout.isTTY === true;
    this.paint = pc.createColors(this.hasColours);
  }

  /** Whether a person looks at it, so that lines can be redrawn. A terminal of no size cannot be drawn on. */
  get isLive(): boolean {
    return this.stdout.isTTY === true && !this.#isDumb && this.#width > 0 && (this.stdout.rows ?? 0) > 0;
  }

  get #width(): number {
    return this.stdout.columns ?? 0;
  }

  /** Undefined when the output goes to a file or a program: nothing is cut there. */
  get columns(): number | undefined {
    return this.isLive ? Math.max(40, this.#width) : undefined;
  }

  frame(): Frame {
    return { paint: this.paint, columns: this.columns, nowMs: Date.now() };
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.stdout.write(`${lines.join("\n")}\n`);
  }

  /** One JSON value, on one line. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** Something beside the answer. */
  note(text: string): void {
    if (this.noteAbove) this.noteAbove(text);
    else this.stderr.write(`${text}\n`);
  }
}
