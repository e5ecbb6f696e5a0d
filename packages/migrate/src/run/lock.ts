import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isRunning } from "./process.ts";

/** Another import keeps its waiting rows in the same folder. */
export class ImportRunningError extends Error {
  constructor(pid: number, path: string) {
    super(
      `another import runs on this data folder (process ${pid}): wait for its end, or stop it. If there is none, remove ${path}`,
    );
    this.name = "ImportRunningError";
  }
}

/** Locks that this process holds. */
const HELD = new Set<string>();
const TRIES = 5;

/**
 * Makes this process the only one to import with this folder: two would lose each other's waiting rows. The lock of
 * a process that is gone is taken over. Errors: ImportRunningError.
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, "lock");
  if (HELD.has(path)) throw new ImportRunningError(process.pid, path);
  HELD.add(path);
  try {
    await mkdir(folder, { recursive: true });
    await take(path);
  } catch (error) {
    HELD.delete(path);
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
      HELD.delete(path);
    },
  };
}

async function take(path: string): Promise<void> {
  const mine = `${path}.${process.pid}.${randomUUID()}.part`;
  await writeFile(mine, `${process.pid}\n`);
  let owner = 0;
  try {
    for (let left = TRIES; left > 0; left--) {
      // A link comes to be with its content, and for one of several alone.
      if (await made(() => link(mine, path), "EEXIST")) return;
      owner = await ownerOf(path);
      if (isRunning(owner)) throw new ImportRunningError(owner, path);
      if (owner >= 0) await removeStale(path, owner);
    }
  } finally {
    await rm(mine, { force: true });
  }
  throw new ImportRunningError(owner, path);
}

/** Set aside first: another may have taken the lock over since it was read, and then it goes back. */
async function removeStale(path: string, owner: number): Promise<void> {
  const aside = `${path}.${process.pid}.${randomUUID()}.part`;
  if (!(await made(() => rename(path, aside), "ENOENT"))) return;
  if ((await ownerOf(aside)) !== owner) await made(() => link(aside, path), "EEXIST");
  await rm(aside, { force: true });
}

/** The process that a lock names; -1 when there is no such lock. */
async function ownerOf(path: string): Promise<number> {
  try {
    return Number.parseInt(await readFile(path, "utf8"), 10) || 0;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return -1;
    throw error;
  }
}

/** Whether it was done; false when it failed for this reason. */
async function made(work: () => Promise<void>, unless: string): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (codeOf(error) === unless) return false;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
