import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { AttemptRef, LogPage, LogStore } from "../ports/artifact-store.ts";
import { checkedCount, logPlace, type Place, projectPlace, shown } from "../ports/places.ts";
import { codeOf, disk, refused } from "./errors.ts";
import { chunkLines, encodeChunk } from "./log-chunk.ts";
import { BEGINNING, formatCursor, type LogCursor, parseCursor } from "./log-cursor.ts";
import { openFile, type WholeFiles } from "./whole-files.ts";

/**
 * Writes of one folder: a follower at the end of a long log lists one such folder, not the whole log. All attempts
 * share it, since making a folder for each costs more than their few lines.
 */
const WRITES_PER_FOLDER = 1000;
/** A chunk up to this is written in one go. */
const SMALL_LENGTH = 32 * 1024;
/** A page of very long lines ends early, in UTF-16 units: its lines are held in memory together. */
const PAGE_LENGTH = 4 * 1024 * 1024;

/** Logs as files, one for each chunk. */
export class FileLogStore implements LogStore {
  readonly #files: WholeFiles;
  readonly #sync: boolean;

  /** `sync`: what is acknowledged survives a loss of power. */
  constructor(files: WholeFiles, sync: boolean) {
    this.#files = files;
    this.#sync = sync;
  }

  async append(ref: AttemptRef, seq: number, lines: readonly string[]): Promise<void> {
    const [, , stage, attempt] = logPlace(ref);
    const name = `${stage}.${attempt}.${checkedCount(seq, "seq")}.ndjson`;
    const place = [...folderOf(ref.project_id, bucketOf(seq)), name];
    const sync = this.#sync;
    if (lines.length < 1000 && lines.reduce((sum, line) => sum + line.length, 0) < SMALL_LENGTH)
      await this.#files.writeSmall(place, Buffer.concat([...encodeChunk(lines)]), { sync });
    else await this.#files.write(place, encodeChunk(lines), { sync });
  }

  async read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const { limit, upTo } = options;
    if (!Number.isInteger(limit) || limit < 1)
      throw refused(`limit: expected a number from 1, found ${shown(limit)}`);
    if (Number.isNaN(upTo)) throw refused("upTo: expected a number, found NaN");
    const from = options.cursor === undefined ? BEGINNING : parseCursor(options.cursor);
    return await this.#page(ref, from, limit, upTo);
  }

  async #page(ref: AttemptRef, from: LogCursor, limit: number, upTo: number): Promise<LogPage> {
    const lines: string[] = [];
    let length = 0;
    let cursor = from;
    for await (const { seq, path } of this.#chunks(ref, from.seq, upTo)) {
      for await (const line of linesOf(path, seq === from.seq ? from.byte : 0)) {
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

  /** In order of their writes, listed folder by folder as far as the reader gets. */
  async *#chunks(
    ref: AttemptRef,
    first: number,
    upTo: number,
  ): AsyncGenerator<{ seq: number; path: string }> {
    const [, , stage, attempt] = logPlace(ref);
    const chunk = new RegExp(`^${stage}\\.${attempt}\\.(\\d+)\\.ndjson$`);
    const top = await this.#files.folder([...projectPlace(ref.project_id), "logs"]);
    if (top === undefined) return;
    for (const bucket of await numbersIn(top, /^(\d+)$/)) {
      if (bucket < bucketOf(first) || bucket * WRITES_PER_FOLDER > upTo) continue;
      const folder = await this.#files.folder(folderOf(ref.project_id, bucket));
      if (folder === undefined) continue;
      for (const seq of await numbersIn(folder, chunk))
        if (seq >= first && seq <= upTo)
          yield { seq, path: join(folder, `${stage}.${attempt}.${seq}.ndjson`) };
    }
  }
}

function bucketOf(seq: number): number {
  return Math.floor(seq / WRITES_PER_FOLDER);
}

function folderOf(projectId: string, bucket: number): Place {
  return [...projectPlace(projectId), "logs", String(bucket)];
}

async function* linesOf(path: string, from: number) {
  const file = await openFile(path);
  // Removed with its project since it was listed.
  if (!file) return;
  try {
    yield* chunkLines(file.handle, Math.min(from, file.size));
  } finally {
    await disk("read a log", () => file.handle.close());
  }
}

async function numbersIn(folder: string, pattern: RegExp): Promise<number[]> {
  const names = await disk("list a log", () => namesIn(folder));
  return names
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
