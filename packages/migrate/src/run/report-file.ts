import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Origin, Reason, RowKind } from "../rows/row.ts";

/** One row that was not merged. */
export interface ReportLine extends Origin {
  /** Undefined for a line that is no row. */
  readonly kind?: RowKind;
  /** What names the row in its table. */
  readonly key?: string;
  readonly project_id?: string;
  readonly reason: Reason;
  readonly detail?: string;
}

const BUFFERED = 64 * 1024;

/** The rows that were not merged, one JSON object a line. The file is made with the first of them. */
export class ReportFile {
  readonly #path: string | undefined;
  #opened: Promise<FileHandle> | undefined;
  #waiting = "";
  /** One write after the other, however many add at once. */
  #written: Promise<void> = Promise.resolve();

  /** Without a path nothing is written. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** The file's path, once there is one. */
  get path(): string | undefined {
    return this.#opened ? this.#path : undefined;
  }

  async add(line: ReportLine): Promise<void> {
    if (this.#path === undefined) return;
    this.#waiting += `${JSON.stringify(line)}\n`;
    this.#opened ??= openFile(this.#path);
    await (this.#waiting.length < BUFFERED ? this.#opened : this.#flush(this.#opened));
  }

  async close(): Promise<void> {
    if (!this.#opened) return;
    await this.#flush(this.#opened);
    await (await this.#opened).close();
  }

  async #flush(opened: Promise<FileHandle>): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = "";
    const before = this.#written;
    this.#written = before.then(async () => (await opened).appendFile(waiting));
    await this.#written;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true });
  return await open(path, "w");
}
