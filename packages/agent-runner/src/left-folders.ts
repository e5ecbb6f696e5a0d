import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "@stagefold/node-files";

/** Older than that no turn is: a folder of one was left by a process that was killed. Milliseconds. */
const OLD_MS = 24 * 60 * 60 * 1000;

/** Removes the folders below `root` of this prefix that nothing can use any more. Errors: the system's. */
export async function removeLeft(root: string, prefix: string): Promise<void> {
  const names = await readdir(root).catch(ifAbsent);
  for (const name of names ?? []) {
    if (!name.startsWith(prefix)) continue;
    const path = join(root, name);
    const found = await stat(path).catch(ifAbsent);
    if (found && found.mtimeMs < Date.now() - OLD_MS) await rm(path, { recursive: true, force: true });
  }
}

function ifAbsent(error: unknown): undefined {
  if (errorCode(error) !== "ENOENT") throw error;
}
