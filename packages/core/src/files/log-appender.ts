import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, syncFolder } from "@stagefold/node-files";
import type { StorageKey } from "../ports/storage-key.ts";
import { mapFsErrors } from "./errors.ts";
import { madeAtOnce, makeFolders } from "./folders.ts";

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
/** A removal of the project may take the folder away between its making and the opening of a file in it. */
const TURNS = 20;
/** Folders remembered at the most. */
const FOLDERS_KNOWN = 5000;

/** The names of the files that appenders write to. */
export const LOG_FILE = /^log\.[0-9a-f]{16}\.ndjson$/;

/**
 * Appends to one file for each folder, which no other process writes to. An append is there as a whole, or what there is of it
 * is taken away again. `sync`: what is acknowledged survives a loss of power. Without it a few bytes go no further than
 * the system's memory, which takes less time than handing them to another thread does.
 */
export class LogAppender {
  readonly #root: string;
  readonly #sync: boolean;
  /** The last append to each folder, while there is one. */
  readonly #last = new Map<string, Promise<void>>();
  readonly #made = new Set<string>();
  #name = newName();

  constructor(root: string, sync: boolean) {
    this.#root = root;
    this.#sync = sync;
  }

  async append(key: StorageKey, bytes: Uint8Array): Promise<void> {
    await mapFsErrors("write a log", () =>
      this.#sync ? this.#inTurn(key, bytes) : this.#append(key, bytes),
    );
  }

  async #inTurn(key: StorageKey, bytes: Uint8Array): Promise<void> {
    const folder = join(...key);
    const before = this.#last.get(folder) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => this.#append(key, bytes));
    this.#last.set(folder, mine);
    try {
      await mine;
    } finally {
      if (this.#last.get(folder) === mine) this.#last.delete(folder);
    }
  }

  async #append(key: StorageKey, bytes: Uint8Array): Promise<void> {
    const folder = join(this.#root, ...key);
    for (let turn = 1; ; turn++) {
      if (!this.#made.has(folder)) await this.#make(key, folder);
      try {
        const path = join(folder, this.#name);
        if (this.#sync) await this.#synced(folder, path, bytes);
        else this.#atOnce(path, bytes);
        return;
      } catch (error) {
        this.#made.delete(folder);
        if (errorCode(error) !== "ENOENT" || turn === TURNS) throw error;
      }
    }
  }

  async #make(key: StorageKey, folder: string): Promise<void> {
    if (this.#sync || !madeAtOnce(this.#root, key)) await makeFolders(this.#root, key);
    if (this.#made.size >= FOLDERS_KNOWN) this.#made.clear();
    this.#made.add(folder);
  }

  #atOnce(path: string, bytes: Uint8Array): void {
    const file = openSync(path, FLAGS, 0o600);
    try {
      const { size } = fstatSync(file);
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      } catch (error) {
        try {
          ftruncateSync(file, size);
        } catch {
          this.#abandon();
        }
        throw error;
      }
    } finally {
      closeSync(file);
    }
  }

  async #synced(folder: string, path: string, bytes: Uint8Array): Promise<void> {
    await using file = await open(path, FLAGS, 0o600);
    const { size } = await file.stat();
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } catch (error) {
      await file.truncate(size).catch(() => this.#abandon());
      throw error;
    }
    if (size === 0) await syncFolder(folder);
  }

  /** Nothing can be read behind half an append: where it stays, later ones go into other files. */
  #abandon(): void {
    this.#name = newName();
  }
}

function newName(): string {
  return `log.${randomBytes(8).toString("hex")}.ndjson`;
}
