import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Origin, Reason, RowKind } from "../rows/row.ts";

/** One row that was not merged. */
export interface ReportLine extends Origin {
  /** Undefined for a line that is no row. */
  readonly kind?: RowKind;
  /** What names the row in its table. */
  readonly key?: string;
  readonly project_id?: string;
  readonly agent_id?: string;
  readonly session_id?: string;
  readonly reason: Reason;
  readonly detail?: string;
}

const BUFFERED = 64 * 1024;

/** The file that is to name the rows that were not merged cannot be written. */
export class ReportError extends Error {
  constructor(path: string, cause: unknown) {
    super(`cannot write the report ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = "ReportError";
  }
}

/** The rows that were not merged, one JSON object a line. A file that would have none is removed. */
export class ReportFile {
  readonly #path: string | undefined;
  readonly #file: FileHandle | undefined;
  #any = false;
  #waiting = "";
  /** One write after the other, however many add at once. */
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string | undefined, file: FileHandle | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /** Before anything else is written, so that no row goes unnamed. Without a path none is. Errors: ReportError. */
  static async open(path: string | undefined): Promise<ReportFile> {
    if (path === undefined) return new ReportFile(undefined, undefined);
    try {
      await mkdir(dirname(path), { recursive: true });
      return new ReportFile(path, await open(path, "w"));
    } catch (error) {
      throw new ReportError(path, error);
    }
  }

  /** The file's path, once it names a row. */
  get path(): string | undefined {
    return this.#any ? this.#path : undefined;
  }

  async add(line: ReportLine): Promise<void> {
    if (!this.#file) return;
    this.#any = true;
    this.#waiting += `${JSON.stringify(line)}\n`;
    if (this.#waiting.length >= BUFFERED) await this.#flush(this.#file);
  }

  async close(): Promise<void> {
    if (!this.#file || this.#path === undefined) return;
    try {
      await this.#flush(this.#file);
    } finally {
      await this.#file.close();
    }
    if (!this.#any) await rm(this.#path);
  }

  async #flush(file: FileHandle): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = "";
    this.#written = this.#written.then(() => file.appendFile(waiting));
    try {
      await this.#written;
    } catch (error) {
      throw new ReportError(this.#path ?? "", error);
    }
  }
}
