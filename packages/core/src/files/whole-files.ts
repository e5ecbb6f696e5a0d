import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isUint8Array } from "node:util/types";
import { StagefoldError } from "../errors.ts";
import type { StoredArtifact } from "../ports/artifact-store.ts";
import type { StorageKey } from "../ports/storage-key.ts";
import { codeOf, disk, refused, unavailable } from "./errors.ts";
import { inTheWay, look, makeFolders, syncFolder } from "./folders.ts";
import { TempFolder } from "./temp-folder.ts";

/** Taken one by one, so that what is large is never in memory as a whole. */
type Blocks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

interface WriteOptions {
  /** Bytes. */
  readonly limit?: number | undefined;
}

/** A removal of the project may take the folders away between their making and the rename into them. */
const TURNS = 20;

/** Files below a root that are there as a whole or not at all, also for other processes and after a kill. */
export class WholeFiles {
  readonly #root: string;
  readonly #temp: TempFolder;

  constructor(root: string) {
    this.#root = root;
    this.#temp = new TempFolder(root);
  }

  /** Writes in place of what is there. `limit` in bytes; what `blocks` throws is thrown on. */
  async write(key: StorageKey, blocks: Blocks, options: WriteOptions = {}): Promise<StoredArtifact> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    await this.#requireFree(key);
    const temp = await this.#temp.newPath();
    try {
      const stored = await fill(temp, blocks, limit);
      await disk("put a file in its place", () => this.#publish(temp, key));
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

  /** Takes a whole folder away in one step, then removes what was in it. */
  async removeFolder(key: StorageKey): Promise<void> {
    const { kind, path } = await look(this.#root, key);
    if (kind === "none") return;
    const temp = await this.#temp.newPath();
    await disk("remove a folder", async () => {
      if (!(await renameIfThere(path, temp))) return;
      await syncFolder(this.#root);
      await removeAll(temp);
    });
  }

  /** Before a byte is taken: whether the key could be written at all. */
  async #requireFree(key: StorageKey): Promise<void> {
    const { kind, path, last } = await look(this.#root, key);
    if (kind === "file" && !last) throw inTheWay(path);
    if (kind === "folder") throw folderInTheWay();
  }

  async #publish(temp: string, key: StorageKey): Promise<void> {
    const name = key.at(-1) ?? "";
    for (let turn = 1; ; turn++) {
      try {
        const folder = await makeFolders(this.#root, key.slice(0, -1));
        await rename(temp, join(folder, name));
        await syncFolder(folder);
        return;
      } catch (error) {
        const code = codeOf(error);
        if (code === "EISDIR" || code === "ENOTEMPTY" || code === "EEXIST") throw folderInTheWay(error);
        if (code !== "ENOENT" || turn === TURNS) throw error;
        await pause(turn);
      }
    }
  }
}

/** Undefined when there is none. */
export async function openFile(path: string): Promise<{ handle: FileHandle; size: number } | undefined> {
  const handle = await disk("open a file", () => openIfThere(path));
  if (!handle) return undefined;
  try {
    return { handle, size: (await disk("open a file", () => handle.stat())).size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function fill(path: string, blocks: Blocks, limit: number): Promise<StoredArtifact> {
  const file = await disk("make a file", () => open(path, "wx"));
  try {
    const hash = createHash("sha256");
    let size = 0;
    for await (const block of blocks) {
      if (!isUint8Array(block)) throw refused(`expected bytes, found a ${typeof block}`);
      size += block.length;
      if (size > limit)
        throw new StagefoldError("PAYLOAD_TOO_LARGE", `Expected at most ${limit} bytes, found more.`, {
          limit,
        });
      hash.update(block);
      await disk("write a file", () => file.writeFile(block));
    }
    await disk("write a file", () => file.sync());
    return { size, sha256: hash.digest("hex") };
  } finally {
    await disk("write a file", () => file.close());
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function removeAll(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch (error) {
    const code = codeOf(error);
    // NFS keeps a file that a reader still has open. Nobody finds it any more; the sweep of a later start removes it.
    if (code !== "ENOTEMPTY" && code !== "EBUSY") throw error;
  }
}

function folderInTheWay(cause?: unknown): Error {
  return refused(
    "expected a file or nothing at this path, found a folder: other paths go on below it",
    cause,
  );
}
