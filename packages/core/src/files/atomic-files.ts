import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isUint8Array } from "node:util/types";
import { errorCode, openRegularFile, syncFolder } from "@stagefold/node-files";
import { StagefoldError } from "../errors.ts";
import type { StoredArtifact } from "../ports/artifact-store.ts";
import type { StorageKey } from "../ports/storage-key.ts";
import { invalidInput, mapFsErrors, unavailable } from "./errors.ts";
import { inTheWay, look, makeFolders } from "./folders.ts";

/** Taken one by one, so that what is large is never in memory as a whole. */
type Blocks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

interface WriteOptions {
  /** Bytes. */
  readonly limit?: number | undefined;
}

/** A removal of the project may take the folders away between their making and the rename into them. */
const MAX_TRIES = 20;
/** Holds files until they are whole, and projects while they are removed. No project has this name. */
const TEMP = ".tmp";
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Files below a root that are there as a whole or not at all, also for other processes and after a kill. Only this user
 * can read them.
 */
export class AtomicFiles {
  readonly #root: string;
  #swept: Promise<void> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Writes in place of what is there. `limit` in bytes; what `blocks` throws is thrown on. */
  async write(key: StorageKey, blocks: Blocks, options: WriteOptions = {}): Promise<StoredArtifact> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    await this.#requireFree(key);
    const temp = await this.#newTemp();
    try {
      const stored = await fill(temp, blocks, limit);
      await mapFsErrors("put a file in its place", () => this.#publish(temp, key));
      return stored;
    } catch (error) {
      await rm(temp, { force: true }).catch((second: unknown) => {
        const both = new AggregateError([error, second]);
        throw unavailable("The store cannot write a file, nor remove what it has of it.", both);
      });
      throw error;
    }
  }

  /** Opens a file to be read; undefined when there is none. Its bytes never change: a write brings a new file. */
  async open(key: StorageKey): Promise<{ readonly handle: FileHandle; readonly size: number } | undefined> {
    const { kind, path, last } = await look(this.#root, key);
    if (kind !== "file" || !last) return undefined;
    return await openFile(path);
  }

  /** The path of a folder that is there. */
  async folder(key: StorageKey): Promise<string | undefined> {
    const { kind, path } = await look(this.#root, key);
    return kind === "folder" ? path : undefined;
  }

  /** Names in a folder; none when there is no folder. */
  async names(key: StorageKey): Promise<string[]> {
    const folder = await this.folder(key);
    return folder === undefined ? [] : await mapFsErrors("list a folder", () => namesIn(folder));
  }

  /** Removes one file; nothing there is no error. */
  async removeFile(key: StorageKey): Promise<void> {
    const { kind, path, last } = await look(this.#root, key);
    if (kind === "file" && last) await mapFsErrors("remove a file", () => rm(path, { force: true }));
  }

  /** How long ago a file was written, by the clock of its disk and of this process; no time at all when it is gone. */
  async ageMs(key: StorageKey): Promise<number> {
    const { kind, path, last } = await look(this.#root, key);
    if (kind !== "file" || !last) return 0;
    return Date.now() - (await mapFsErrors("look up a file", () => lstat(path))).mtimeMs;
  }

  /** Takes a whole folder away in one step, then removes what was in it. False when there is none. */
  async removeFolder(key: StorageKey): Promise<boolean> {
    const { kind, path } = await look(this.#root, key);
    if (kind === "none") return false;
    const temp = await this.#newTemp();
    return await mapFsErrors("remove a folder", async () => {
      if (!(await renameIfThere(path, temp))) return false;
      await syncFolder(this.#root);
      await removeAll(temp);
      return true;
    });
  }

  /** A path that nothing has yet. The first call removes what killed processes left behind. */
  async #newTemp(): Promise<string> {
    const folder = await mapFsErrors("make its folders", () => makeFolders(this.#root, [TEMP]));
    this.#swept ??= mapFsErrors("remove old temporary files", () => sweepTemp(folder));
    try {
      await this.#swept;
    } catch (error) {
      this.#swept = undefined;
      throw error;
    }
    return join(folder, randomUUID());
  }

  /** Before a byte is taken: whether the place could be written at all. */
  async #requireFree(key: StorageKey): Promise<void> {
    const { kind, path, last } = await look(this.#root, key);
    if (kind === "file" && !last) throw inTheWay(path);
    if (kind === "folder") throw folderInTheWay();
  }

  async #publish(temp: string, key: StorageKey): Promise<void> {
    const name = key.at(-1) ?? "";
    for (let tries = 1; ; tries++) {
      try {
        const folder = await makeFolders(this.#root, key.slice(0, -1));
        await rename(temp, join(folder, name));
        await syncFolder(folder);
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code === "EISDIR" || code === "ENOTEMPTY" || code === "EEXIST") throw folderInTheWay(error);
        if (code !== "ENOENT" || tries === MAX_TRIES) throw error;
        await pause(tries);
      }
    }
  }
}

/** Undefined when there is none. */
export async function openFile(path: string): Promise<{ handle: FileHandle; size: number } | undefined> {
  const file = await mapFsErrors("open a file", () => openRegularFile(path));
  if (file === "missing") return undefined;
  if (typeof file === "string") throw invalidInput(`expected a file, found one that is none (${file})`);
  return file;
}

async function fill(path: string, blocks: Blocks, limit: number): Promise<StoredArtifact> {
  const file = await mapFsErrors("make a file", () => open(path, "wx", 0o600));
  try {
    const hash = createHash("sha256");
    let size = 0;
    for await (const block of blocks) {
      if (!isUint8Array(block)) throw invalidInput(`expected bytes, found a ${typeof block}`);
      size += block.length;
      if (size > limit)
        throw new StagefoldError("PAYLOAD_TOO_LARGE", `Expected at most ${limit} bytes, found more.`, {
          limit,
        });
      hash.update(block);
      await mapFsErrors("write a file", () => file.writeFile(block));
    }
    await mapFsErrors("write a file", () => file.sync());
    return { size, sha256: hash.digest("hex") };
  } finally {
    await mapFsErrors("write a file", () => file.close());
  }
}

/** A write that has not moved for a day has no writer any more. */
async function sweepTemp(folder: string): Promise<void> {
  const before = Date.now() - DAY_MS;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    try {
      if ((await lstat(path)).mtimeMs < before) await rm(path, { recursive: true, force: true });
    } catch (error) {
      // Another process was quicker, or it is for another user to remove: neither is in the way of a new file.
      if (!["ENOENT", "EACCES", "EPERM", "ENOTEMPTY"].includes(errorCode(error) ?? "")) throw error;
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function removeAll(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch (error) {
    const code = errorCode(error);
    // NFS keeps a file that a reader still has open. No reader finds it any more; the sweep of a later start removes it.
    if (code !== "ENOTEMPTY" && code !== "EBUSY") throw error;
  }
}

function folderInTheWay(cause?: unknown): Error {
  return invalidInput(
    "expected a file or nothing at this path, found a folder: other paths continue below it",
    cause,
  );
}
