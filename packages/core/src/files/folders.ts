import { lstatSync, mkdirSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import { errorCode, makeFolder } from "@stagefold/node-files";
import { preview, type StorageKey } from "../ports/storage-key.ts";
import { invalidInput, mapFsErrors } from "./errors.ts";

type Kind = "folder" | "file" | "none";

/** Where a walk along a place ended: at its first part that is no folder, or at its end. */
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
export async function makeFolders(root: string, key: StorageKey): Promise<string> {
  // Above the root links are the operator's choice.
  await makeFolder(root);
  let path = root;
  for (const name of key) {
    path = join(path, name);
    let kind = await kindOf(path);
    if (kind === "none") {
      try {
        await makeFolder(path);
      } catch (error) {
        // Another call has put a file there meanwhile.
        if (errorCode(error) === "ENOTDIR") throw inTheWay(path);
        throw error;
      }
      kind = await kindOf(path);
    }
    if (kind === "file") throw inTheWay(path);
  }
  return path;
}

/**
 * Makes the folders of a place without waiting for the disk. False when there is anything unusual about it, such as a
 * file or a link on the way, or no root: `makeFolders` knows what to do or to say then.
 */
export function madeAtOnce(root: string, key: StorageKey): boolean {
  let path = root;
  for (const name of key) {
    path = join(path, name);
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if (errorCode(error) !== "EEXIST" || lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
        return false;
    }
  }
  return true;
}

export function inTheWay(path: string): Error {
  return invalidInput(
    `expected a folder, found a file named ${nameIn(path)}: a path cannot continue below a file`,
  );
}

async function kindOf(path: string): Promise<Kind> {
  const found = await mapFsErrors("look up a file", async () => {
    try {
      return await lstat(path);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  });
  if (found?.isSymbolicLink())
    throw invalidInput(`expected a file or folder, found a symbolic link named ${nameIn(path)}`);
  if (found === undefined) return "none";
  return found.isDirectory() ? "folder" : "file";
}

function nameIn(path: string): string {
  return preview(basename(path));
}
