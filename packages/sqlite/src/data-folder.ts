import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { unavailable } from "./errors.ts";

/** The database's file in a data folder. */
export const DATABASE_FILE = "stagefold.db";

/**
 * Errors: STORE_UNAVAILABLE where a new database would hide what is there: the builds of version 0.2, or files of
 * builds whose database is missing or empty.
 */
export function requireNothingHidden(dataFolder: string, filesFolder: string): void {
  const path = join(dataFolder, DATABASE_FILE);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  if (existsSync(join(dataFolder, "dynamodb")))
    throw unavailable(
      `${dataFolder} has the builds of Stagefold 0.2 (its folder dynamodb), which this version does not read and leaves as they are. ` +
        "To keep them, run `stagefold export` of version 0.2 on that folder and `stagefold import` of this version on what it wrote. " +
        "To begin anew, move the folder away or name another one in STAGEFOLD_DATA_DIR.",
    );
  const builds = buildsIn(filesFolder);
  if (builds === 0) return;
  const state = existsSync(path) ? "is empty" : "is missing";
  throw unavailable(
    `The database ${path} ${state}, but ${filesFolder} has files of ${builds} ${builds === 1 ? "build" : "builds"}. ` +
      "Put the database back from a backup, or move those files away to begin anew.",
  );
}

function buildsIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).filter((name) => name.startsWith("proj_")).length;
}
