import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite, type Sqlite, type SqliteOptions } from "../src/index.ts";

/** A folder for one test. */
export async function aFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "stagefold-sqlite-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The stores in a folder of their own. */
export async function aDatabase(
  options?: SqliteOptions,
): Promise<AsyncDisposable & { readonly sqlite: Sqlite; readonly folder: string }> {
  const folder = await aFolder();
  const sqlite = await openSqlite(folder.path, options);
  return {
    sqlite,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      sqlite.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
