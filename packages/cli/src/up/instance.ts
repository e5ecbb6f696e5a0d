import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  acquireLock,
  errorCode,
  fsReason,
  LockedError,
  makeFolder,
  writeFileAtomic,
} from "@stagefold/node-files";
import { CliError, EXIT } from "../exit.ts";

/** The `up` that already runs on this data folder. */
export interface OtherInstance {
  readonly pid: number;
  /** Undefined while it is still starting. */
  readonly url: string | undefined;
}

/** This `up` as the only one on its data folder. */
export interface Instance extends AsyncDisposable {
  /** Writes down where it serves, for the next `up` to find. */
  announce(url: string): Promise<void>;
}

/**
 * Makes this process the only `up` on the data folder, or answers with the other. An API or worker started by itself
 * may share the folder: it is `up` that two of would be a mistake. Errors: CliError when the folder cannot be used.
 */
export async function claimDataFolder(folder: string): Promise<Instance | { readonly other: OtherInstance }> {
  const file = join(folder, "up.url");
  try {
    await makeFolder(resolve(folder));
    const lock = await acquireLock(join(folder, "up.lock"), { wait: false });
    return {
      announce: (url) => writeFileAtomic(file, url),
      async [Symbol.asyncDispose]() {
        await rm(file, { force: true });
        lock.release();
      },
    };
  } catch (error) {
    if (error instanceof LockedError) return { other: { pid: error.pid, url: await urlIn(file) } };
    const reason = fsReason(error);
    if (reason === undefined) throw error;
    throw new CliError(
      `the data folder ${folder} cannot be used: ${reason}; choose another with STAGEFOLD_DATA_DIR`,
      EXIT.failed,
      { cause: error },
    );
  }
}

async function urlIn(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
