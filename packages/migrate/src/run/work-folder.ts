import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isRunning } from "./process.ts";

const NAME = /^stagefold-rows-(\d+)-/;

/** A folder for the time of one run, below `parent`; those of runs that were killed go. */
export async function makeWorkFolder(parent: string): Promise<string> {
  if (existsSync(parent))
    for (const name of await readdir(parent)) {
      const pid = NAME.exec(name)?.[1];
      if (pid !== undefined && !isRunning(Number(pid)))
        await rm(join(parent, name), { recursive: true, force: true });
    }
  const folder = join(parent, `stagefold-rows-${process.pid}-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  return folder;
}
