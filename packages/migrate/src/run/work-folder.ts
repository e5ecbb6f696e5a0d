import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { acquireLock, identityOf, isGone, LockedError, makeFolder } from "@stagefold/node-files";

/** Another import keeps its deferred rows in the same folder. */
export class ImportRunningError extends Error {
  constructor(pid: number) {
    super(`another import runs on this data folder (process ${pid}): wait for its end, or stop it`);
    this.name = "ImportRunningError";
  }
}

/** Makes this process the only one to import with this folder: two would lose each other's deferred rows. */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  try {
    return await acquireLock(join(folder, "lock"), { wait: false });
  } catch (error) {
    if (error instanceof LockedError) throw new ImportRunningError(error.pid);
    throw error;
  }
}

const NAME = /^stagefold-rows-([^-]+)-(\d+)-(\d+)-/;

/** A folder for the time of one run, below `parent`; those of runs that were killed go. */
export async function makeWorkFolder(parent: string): Promise<string> {
  if (existsSync(parent))
    for (const name of await readdir(parent)) {
      const [, machine, pid, birth] = NAME.exec(name) ?? [];
      if (machine === undefined || birth === undefined) continue;
      if (isGone({ machine, pid: Number(pid), birth }) === true)
        await rm(join(parent, name), { recursive: true, force: true });
    }
  const { machine = "unknown", birth = "0" } = identityOf(process.pid) ?? {};
  const folder = join(parent, `stagefold-rows-${machine}-${process.pid}-${birth}-${randomUUID()}`);
  await makeFolder(folder);
  return folder;
}
