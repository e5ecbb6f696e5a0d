import { lstat, mkdir, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, disk, refused } from "./errors.ts";
import { type Place, shown } from "./places.ts";

type Kind = "folder" | "file" | "none";

/** Where a walk along a place ended: at its first part that is no folder, or at its end. */
export interface Found {
  readonly kind: Kind;
  readonly path: string;
  /** Whether every part of the place is there. */
  readonly whole: boolean;
}

/**
 * What is at a place. A symbolic link on the way is refused, wherever it leads: the store makes none, and one
 * could lead out of it.
 */
export async function look(root: string, place: Place): Promise<Found> {
  let path = root;
  let kind: Kind = "folder";
  for (const [i, name] of place.entries()) {
    path = join(path, name);
    kind = await kindOf(path, name);
    if (kind !== "folder") return { kind, path, whole: kind === "file" && i === place.length - 1 };
  }
  return { kind, path, whole: true };
}

/** Makes the folders of a place below the root, as lasting as the files in them. Errors of the system come as they are. */
export async function makeFolders(root: string, place: Place): Promise<string> {
  await makeRoot(root);
  let path = root;
  for (const name of place) {
    const parent = path;
    path = join(parent, name);
    let kind = await kindOf(path, name);
    if (kind === "none") kind = (await makeFolder(path)) ? await syncFolder(parent, "folder") : await kindOf(path, name);
    if (kind === "file") throw inTheWay(name);
  }
  return path;
}

export function inTheWay(name: string): Error {
  return refused(`expected a folder, found a file named ${shown(name)}; a path cannot go through a file`);
}

/** Makes a rename in the folder survive a loss of power. Answers with `then`. */
export async function syncFolder<T>(path: string, then: T): Promise<T> {
  // Windows opens no folders, and its file system logs renames by itself.
  if (process.platform === "win32") return then;
  try {
    await using folder = await open(path, "r");
    await folder.sync();
  } catch (error) {
    const code = codeOf(error);
    // Removed meanwhile, or on a network file system that knows no such request and writes through.
    if (code !== "ENOENT" && code !== "EINVAL" && code !== "ENOTSUP") throw error;
  }
  return then;
}

async function kindOf(path: string, name: string): Promise<Kind> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) throw refused(`expected a file or folder, found a symbolic link named ${shown(name)}`);
    return found.isDirectory() ? "folder" : "file";
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "none";
    return disk("look up a file", () => Promise.reject(error));
  }
}

/**
 * The root and what is missing above it; here links are the operator's choice. Not `mkdir(…, { recursive: true })`:
 * where the system answers ENOENT although the parent is there (below /proc, for one), that one tries for ever.
 */
async function makeRoot(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeRoot(parent);
  if (await makeFolder(path)) await syncFolder(parent, undefined);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
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
