import { stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import internals, { type Store } from "dynalite/db/index.js";
import { type Repaired, repair, settleTables } from "./dynalite-repair.ts";
import { codeOf } from "./errors.ts";

/** LevelDB's folder inside the engine's own. */
export const levelDir = (dir: string): string => join(dir, "level");
/** There only between a clean stop and the next start: no mark, no trust in the indexes. */
const cleanMark = (dir: string): string => join(dir, "clean");

const LOCKED_PATIENCE_MS = 10_000;

/**
 * Makes the data fit to be served: repairs it unless the last stop was clean, and takes the mark of that away.
 * @returns what was repaired, or undefined after a clean stop
 */
export async function makeReady(
  dir: string,
  onProgress: (items: number) => void,
): Promise<(Repaired & { duration_ms: number }) | undefined> {
  const clean = await exists(cleanMark(dir));
  // In a new folder there is nothing to repair, and nothing to report.
  const fresh = !(await exists(join(levelDir(dir), "CURRENT")));
  const started = performance.now();
  const db = await openLevel(dir);
  try {
    if (clean || fresh) {
      await settleTables(db);
      return undefined;
    }
    const repaired = await repair(db, onProgress);
    return { ...repaired, duration_ms: Math.round(performance.now() - started) };
  } finally {
    await db.close();
    if (clean) await unlink(cleanMark(dir));
  }
}

/** To be called when the data has been closed with nothing in flight. */
export async function markClean(dir: string): Promise<void> {
  await writeFile(cleanMark(dir), `${new Date().toISOString()}\n`);
}

/** The host of a killed owner may still be closing the data: it is waited for. */
async function openLevel(dir: string): Promise<Store["db"]> {
  const until = performance.now() + LOCKED_PATIENCE_MS;
  for (;;) {
    const { db } = internals.create({ path: levelDir(dir) });
    try {
      await db.open();
      return db;
    } catch (error) {
      const locked = error instanceof Error && codeOf(error.cause) === "LEVEL_LOCKED";
      if (!locked || performance.now() > until) throw error instanceof Error ? (error.cause ?? error) : error;
      await sleep(50);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}
