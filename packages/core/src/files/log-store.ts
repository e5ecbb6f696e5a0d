import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { AttemptRef, LogPage, LogStore } from "../ports/artifact-store.ts";
import { checkedAttempt, checkedCount, projectKey } from "../ports/storage-key.ts";
import type { ReportedLine } from "../snapshot/log-line.ts";
import { type AtomicFiles, openFile } from "./atomic-files.ts";
import { mapFsErrors } from "./errors.ts";
import { LOG_FILE, type LogAppender } from "./log-appender.ts";
import { encodeFrame, FrameIndex } from "./log-frames.ts";
import { encodeLines, fileSource } from "./log-lines.ts";
import { checkedQuery, type PlacedFrame, readPage } from "./log-page.ts";

/** Files whose contents are remembered: those of a few dozen logs with readers that follow. */
const INDEXES_KNOWN = 200;

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

  async append(ref: AttemptRef, seq: number, lines: readonly ReportedLine[]): Promise<void> {
    const key = projectKey(ref.project_id);
    const frame = encodeFrame(checkedAttempt(ref), checkedCount(seq, "seq"), Date.now(), encodeLines(lines));
    await this.#appender.append(key, frame);
  }

  async read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const wanted = checkedQuery(options);
    const open: FileHandle[] = [];
    try {
      return await readPage(await this.#frames(ref, open), wanted);
    } finally {
      await mapFsErrors("read a log", () => Promise.all(open.map((handle) => handle.close())));
    }
  }

  /** The files stay open, each in `open`. */
  async #frames(ref: AttemptRef, open: FileHandle[]): Promise<PlacedFrame[]> {
    const owner = checkedAttempt(ref);
    const key = projectKey(ref.project_id);
    const folder = (await this.#files.folder(key)) ?? "";
    const found: PlacedFrame[] = [];
    for (const name of (await this.#files.names(key)).filter((one) => LOG_FILE.test(one))) {
      const path = join(folder, name);
      const file = await openFile(path);
      // Removed with its project since it was listed.
      if (!file) continue;
      open.push(file.handle);
      const index = this.#index(path);
      await index.update(file.handle);
      const source = fileSource(file.handle);
      for (const frame of index.of(owner).values()) found.push({ frame, source });
    }
    return found;
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
