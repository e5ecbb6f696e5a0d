import { randomUUID } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, disk } from "./errors.ts";
import { makeFolders } from "./folders.ts";

/** Of one file system with the rest, so that a rename out of it is one step. No project has this name. */
const NAME = ".tmp";
const DAY_MS = 24 * 60 * 60 * 1000;

/** Where files are until they are whole, and projects while they are removed. Shared by processes and hosts. */
export class TempFolder {
  readonly #root: string;
  #swept: Promise<void> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** A path that nothing has yet. The first call removes what killed processes left behind. */
  async newPath(): Promise<string> {
    const folder = await disk("make its folders", () => makeFolders(this.#root, [NAME]));
    this.#swept ??= disk("remove old temporary files", () => sweep(folder));
    try {
      await this.#swept;
    } catch (error) {
      this.#swept = undefined;
      throw error;
    }
    return join(folder, randomUUID());
  }
}

/** A write that has not moved for a day has no writer any more. */
async function sweep(folder: string): Promise<void> {
  const before = Date.now() - DAY_MS;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    try {
      if ((await lstat(path)).mtimeMs < before) await rm(path, { recursive: true, force: true });
    } catch (error) {
      // Another process was quicker, or it is for another user to remove: neither is in the way of a new file.
      const code = codeOf(error);
      if (code !== "ENOENT" && code !== "EACCES" && code !== "EPERM" && code !== "ENOTEMPTY") throw error;
    }
  }
}
