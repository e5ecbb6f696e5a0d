import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { AttemptRef, LogPage, LogStore } from "../ports/artifact-store.ts";
import { checkedAttempt, checkedCount, preview, projectKey } from "../ports/storage-key.ts";
import { type AtomicFiles, openFile } from "./atomic-files.ts";
import { invalidInput, mapFsErrors } from "./errors.ts";
import { LOG_FILE, type LogAppender } from "./log-appender.ts";
import { BEGINNING, formatCursor, type LogCursor, parseCursor } from "./log-cursor.ts";
import { encodeFrame, type Frame, FrameIndex } from "./log-frames.ts";
import { encodeLines, storedLines } from "./log-lines.ts";

/** A page of very long lines ends early, in UTF-16 units: its lines are held in memory together. */
const PAGE_LENGTH = 4 * 1024 * 1024;
/** Files whose contents are remembered: those of a few dozen logs with readers that follow. */
const INDEXES_KNOWN = 200;

interface Found {
  readonly frame: Frame;
  readonly handle: FileHandle;
}

/**
 * Logs as frames in one file for each project and process that writes to it. A file for each of a build's short logs, or
 * for each write, would cost far more than what is in it.
 */
export class FileLogStore implements LogStore {
  readonly #files: AtomicFiles;
  readonly #appender: LogAppender;
  readonly #indexes = new Map<string, FrameIndex>();

  constructor(files: AtomicFiles, appender: LogAppender) {
    this.#files = files;
    this.#appender = appender;
  }

  async append(ref: AttemptRef, seq: number, lines: readonly string[]): Promise<void> {
    const key = projectKey(ref.project_id);
    const frame = encodeFrame(checkedAttempt(ref), checkedCount(seq, "seq"), Date.now(), encodeLines(lines));
    await this.#appender.append(key, frame);
  }

  async read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const { limit, upTo } = options;
    if (!Number.isInteger(limit) || limit < 1)
      throw invalidInput(`limit: expected a number from 1, found ${preview(limit)}`);
    if (Number.isNaN(upTo)) throw invalidInput("upTo: expected a number, found NaN");
    const from = options.cursor === undefined ? BEGINNING : parseCursor(options.cursor);
    const open: FileHandle[] = [];
    try {
      const found = await this.#frames(ref, open);
      const wanted = found.filter(({ frame }) => frame.seq >= from.seq && frame.seq <= upTo);
      return await page(wanted, from, limit);
    } finally {
      await mapFsErrors("read a log", () => Promise.all(open.map((handle) => handle.close())));
    }
  }

  /** In order of their writes. The files stay open, each in `open`. */
  async #frames(ref: AttemptRef, open: FileHandle[]): Promise<Found[]> {
    const owner = checkedAttempt(ref);
    const key = projectKey(ref.project_id);
    const folder = (await this.#files.folder(key)) ?? "";
    const newest = new Map<number, Found>();
    for (const name of (await this.#files.names(key)).filter((one) => LOG_FILE.test(one))) {
      const path = join(folder, name);
      const file = await openFile(path);
      // Removed with its project since it was listed.
      if (!file) continue;
      open.push(file.handle);
      const index = this.#index(path);
      await index.update(file.handle);
      for (const [seq, frame] of index.of(owner)) {
        // A write that was repeated through another process: what was said last counts.
        const other = newest.get(seq);
        if (!other || other.frame.at <= frame.at) newest.set(seq, { frame, handle: file.handle });
      }
    }
    return [...newest.values()].sort((a, b) => a.frame.seq - b.frame.seq);
  }

  /** The one used last stands last, the first goes when there are too many. */
  #index(path: string): FrameIndex {
    const index = this.#indexes.get(path) ?? new FrameIndex();
    this.#indexes.delete(path);
    this.#indexes.set(path, index);
    if (this.#indexes.size > INDEXES_KNOWN) this.#indexes.delete(this.#indexes.keys().next().value ?? "");
    return index;
  }
}

async function page(frames: readonly Found[], from: LogCursor, limit: number): Promise<LogPage> {
  const lines: string[] = [];
  let length = 0;
  let cursor = from;
  for (const { frame, handle } of frames) {
    const { seq } = frame;
    const start = seq === from.seq ? Math.min(from.byte, frame.bytes) : 0;
    for await (const line of storedLines(handle, frame, start)) {
      // One line more than the page takes: it is not the end.
      if (lines.length === limit || length >= PAGE_LENGTH)
        return { lines, cursor: formatCursor(cursor), end: false };
      lines.push(line.text);
      length += line.text.length;
      cursor = { seq, byte: line.end };
    }
    cursor = { seq: seq + 1, byte: 0 };
  }
  return { lines, cursor: formatCursor(cursor), end: true };
}
