import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "./error-code.mjs";

/**
 * Makes a folder and what is missing above it, for this user alone unless `mode` says otherwise, and as lasting as the
 * files that will be in it. What is there already stays as it is, and links are followed. True when this call made it.
 * Not `mkdir(…, { recursive: true })`: where the system answers ENOENT although the parent is there (below /proc, for
 * one), that one tries for ever.
 */
export async function makeFolder(path: string, mode = 0o700): Promise<boolean> {
  return await make(path, mode, false);
}

async function make(path: string, mode: number, isSecondTry: boolean): Promise<boolean> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const code = errorCode(error);
    // With the slash anything but a folder is ENOTDIR.
    if (code === "EEXIST" && (await stat(`${path}/`)).isDirectory()) return false;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path) throw error;
    // A parent that is there was made by another call in between: once more, and then the system means what it says.
    if (!(await isFolder(parent))) await make(parent, mode, false);
    else if (isSecondTry) throw error;
    return await make(path, mode, true);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Makes what was renamed or made in the folder survive a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders, and its file system keeps a log of renames by itself.
  if (process.platform === "win32") return;
  try {
    await using folder = await open(path, "r");
    await folder.sync();
  } catch (error) {
    const code = errorCode(error);
    // Removed meanwhile, or not this user's to read; or a network file system, which writes through.
    if (!["ENOENT", "EACCES", "EINVAL", "ENOTSUP"].includes(code ?? "")) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * A folder that is there whole or not at all: `fill` writes into another one beside it, `.new-…`, which then takes the
 * name. When several processes make the same one, the first is kept. Errors: those of `fill`; nothing is left then.
 */
export async function makeWholeFolder(path: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(path));
  const fresh = join(dirname(path), `.new-${randomUUID()}`);
  try {
    await fill(fresh);
    await rename(fresh, path).catch((error: unknown) => {
      const isThere = errorCode(error) === "ENOTEMPTY" || errorCode(error) === "EEXIST";
      if (!isThere) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
