import type { LogLine, LogStream } from "@stagefold/core";
import type { SecretMask } from "@stagefold/node-files";
import { FrameReader } from "./frames.ts";
import { LineSplitter } from "./lines.ts";
import type { OutputName } from "./process.ts";

/** The lines of one attempt: each stream has a decoder and a line of its own. */
export class StageOutput {
  readonly #raw: Readonly<Record<"stdout" | "stderr", LineSplitter>>;
  readonly #framed: Readonly<Record<LogStream, LineSplitter>>;
  readonly #frames: FrameReader;
  readonly #framesLast: boolean;
  #framesEnded = false;
  #entries: LogLine[] = [];

  /** `framesLast`: of a command, what the runner itself says comes after what the command wrote. */
  constructor(marker: string, mask: SecretMask, framesLast: boolean) {
    this.#framesLast = framesLast;
    this.#raw = {
      stdout: new LineSplitter("stdout", mask, marker),
      stderr: new LineSplitter("stderr", mask, marker),
    };
    this.#framed = {
      stdout: new LineSplitter("stdout", mask),
      stderr: new LineSplitter("stderr", mask),
      log: new LineSplitter("log", mask),
    };
    this.#frames = new FrameReader(
      (stream, bytes) => {
        if (!this.#framesEnded)
          for (const entry of this.#framed[stream].feed(bytes)) this.#entries.push(entry);
      },
      (found) => {
        if (found !== marker || this.#framesEnded) return;
        this.#framesEnded = true;
        for (const splitter of Object.values(this.#framed)) this.#entries.push(...splitter.end());
      },
    );
  }

  /** Whether all that the stage wrote has come. */
  get ended(): boolean {
    return this.#framesEnded && this.#raw.stdout.ended && this.#raw.stderr.ended;
  }

  get hasRest(): boolean {
    return this.#all().some((splitter) => splitter.hasRest);
  }

  /** The lines that these bytes completed. Errors: frames that are none. */
  feed(from: OutputName, bytes: Buffer): LogLine[] {
    if (from === "frames") {
      this.#frames.feed(bytes);
      return this.#ofFrames();
    }
    const entries = this.#raw[from].feed(bytes);
    return this.#framesLast ? [...entries, ...this.#ofFrames()] : entries;
  }

  #ofFrames(): LogLine[] {
    if (this.#framesLast && !(this.#raw.stdout.ended && this.#raw.stderr.ended)) return [];
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  takeRest(): LogLine[] {
    return this.#all().flatMap((splitter) => splitter.takeRest());
  }

  /** What is left when nothing more will come. */
  end(): LogLine[] {
    this.#framesEnded = true;
    const raw = Object.values(this.#raw).flatMap((splitter) => splitter.end());
    return [...raw, ...this.#entries.splice(0), ...Object.values(this.#framed).flatMap((one) => one.end())];
  }

  #all(): LineSplitter[] {
    return [...Object.values(this.#raw), ...Object.values(this.#framed)];
  }
}
