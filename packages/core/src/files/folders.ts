import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { lstat, mkdir, open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { preview, type StorageKey } from "../ports/storage-key.ts";
import { codeOf, disk, refused } from "./errors.ts";

type Kind = "folder" | "file" | "none";

/** Where a walk along a key ended: at its first part that is no folder, or at its end. */
export interface Found {
  readonly kind: Kind;
  readonly path: string;
  /** Whether the walk came to the last part. */
  readonly last: boolean;
}

/**
 * What is at a key. A symbolic link on the way is refused, wherever it leads: the store makes none, and one
 * could lead out of it.
 */
export async function look(root: string, key: StorageKey): Promise<Found> {
  let path = root;
  for (const [i, name] of key.entries()) {
    path = join(path, name);
    const kind = await kindOf(path);
    if (kind !== "folder") return { kind, path, last: i === key.length - 1 };
  }
  return { kind: "folder", path, last: true };
}

/** Makes the folders of a key, as lasting as the files in them, and answers with the path of the last. */
export async function makeFolders(root: string, key: StorageKey, sync = true): Promise<string> {
  await makeRoot(root);
  let path = root;
  for (const name of key) {
    const parent = path;
    path = join(parent, name);
    let kind = await kindOf(path);
    if (kind === "none") {
      if ((await makeFolder(path)) && sync) await syncFolder(parent);
      kind = await kindOf(path);
    }
    if (kind === "file") throw inTheWay(path);
  }
  return path;
}

/**
 * Makes the folders of a key without waiting for the disk. False when there is anything unusual about it, such as a
 * file or a link on the way, or no root: `makeFolders` knows what to do or to say then.
 */
export function madeAtOnce(root: string, key: StorageKey): boolean {
  let path = root;
  for (const name of key) {
    path = join(path, name);
    try {
      mkdirSync(path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
        return false;
    }
  }
  return true;
}

export function inTheWay(path: string): Error {
  return refused(`expected a folder, found a file named ${nameIn(path)}: a path cannot go on below a file`);
}

/** Makes what was renamed or made in the folder survive a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders, and its file system keeps a log of renames by itself.
  if (process.platform === "win32") return;
  try {
    await using folder = await open(path, "r");
    await folder.sync();
  } catch (error) {
    const code = codeOf(error);
    // Removed meanwhile; or a network file system that knows no such request, because it writes through.
    if (code !== "ENOENT" && code !== "EINVAL" && code !== "ENOTSUP") throw error;
  }
}

async function kindOf(path: string): Promise<Kind> {
  const found = await disk("look up a file", () => unlessMissing(lstat(path)));
  if (found?.isSymbolicLink())
    throw refused(`expected a file or folder, found a symbolic link named ${nameIn(path)}`);
  if (found === undefined) return "none";
  return found.isDirectory() ? "folder" : "file";
}

/**
 * The root and what is missing above it; here links are the operator's choice. Not `mkdir(…, { recursive: true })`:
 * where the system answers ENOENT although the parent is there (below /proc, for one), that one tries for ever.
 */
async function makeRoot(path: string): Promise<void> {
  if (await unlessMissing(stat(path))) return;
  const parent = dirname(path);
  if (parent !== path) await makeRoot(parent);
  if (await makeFolder(path)) await syncFolder(parent);
}

/** False when another was quicker. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function unlessMissing(stats: Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await stats;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function nameIn(path: string): string {
  return preview(basename(path));
}
