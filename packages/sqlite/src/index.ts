import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ArtifactStore, ChangeFeed, LogStore, RecordStore } from "@stagefold/core";
import { SqliteChangeFeed } from "./change-feed.ts";
import { DATABASE_FILE, requireNothingHidden } from "./data-folder.ts";
import { Database, type DatabaseOptions, startError } from "./database.ts";
import { SqliteLogStore } from "./log-store.ts";
import { SqliteProjectStore, type WriteEnd } from "./project-store.ts";
import { SqliteRecordStore } from "./record-store.ts";

export { type Connection, connect } from "./driver.ts";

export interface SqliteOptions extends DatabaseOptions {
  /** Where the files of the builds are; `<folder>/files` unless given. Files without a database stop the start. */
  readonly filesFolder?: string;
  /** Called with what the change feed cannot read, and what its listeners throw. */
  readonly onFeedError?: (error: unknown) => void;
  /** Called for every write to the projects, for counters. */
  readonly onWrite?: (end: WriteEnd) => void;
}

/** The embedded stores, all in one file. */
export interface Sqlite extends Disposable {
  readonly projects: SqliteProjectStore;
  readonly logs: LogStore;
  readonly records: RecordStore;
  readonly feed: ChangeFeed;
  /** The database's file. */
  readonly path: string;
  /** The artifact store beside these logs: what removes a project from it removes its logs too. */
  artifactsBeside(files: ArtifactStore): ArtifactStore;
  /** Writes a whole copy of the database, while others write, to a file that is not there yet. */
  backup(file: string): Promise<void>;
  close(): void;
}

/**
 * Opens the database of a data folder, and makes both where they are not there. Several processes may have it open, and
 * write.
 * Errors: STORE_UNAVAILABLE, with one sentence, for a network file system, a folder or file that cannot be written, a
 * damaged or foreign file, and a folder that has files of builds but no database.
 */
export async function openSqlite(folder: string, options: SqliteOptions = {}): Promise<Sqlite> {
  const dataFolder = resolve(folder);
  const database = await open(dataFolder, options);
  const feed = new SqliteChangeFeed(database, options.onFeedError ?? reportLater);
  const close = () => {
    feed.close();
    database.close();
  };
  const logs = new SqliteLogStore(database);
  return {
    projects: new SqliteProjectStore(database, options.onWrite),
    logs,
    records: new SqliteRecordStore(database),
    feed,
    path: database.path,
    artifactsBeside: (files) => ({
      put: (ref, content, limits) => files.put(ref, content, limits),
      get: (ref, options) => files.get(ref, options),
      ...(files.link && { link: files.link.bind(files) }),
      putDocument: (projectId, name, value) => files.putDocument(projectId, name, value),
      getDocument: (projectId, name) => files.getDocument(projectId, name),
      removeDocument: (projectId, name) => files.removeDocument(projectId, name),
      markRemoved: (projectId) => files.markRemoved(projectId),
      async removeProject(projectId) {
        await files.removeProject(projectId);
        await logs.removeProject(projectId);
      },
      purgeRemoved: (existing) =>
        files.purgeRemoved(async (projectIds) => {
          const exist = await existing(projectIds);
          for (const id of projectIds) if (!exist.has(id)) await logs.removeProject(id);
          return exist;
        }),
    }),
    backup: (file) => database.backup(file),
    close,
    [Symbol.dispose]: close,
  };
}

async function open(dataFolder: string, options: SqliteOptions): Promise<Database> {
  const path = join(dataFolder, DATABASE_FILE);
  try {
    requireNothingHidden(dataFolder, options.filesFolder ?? join(dataFolder, "files"));
    return await Database.open(path, options);
  } catch (error) {
    throw startError(path, error);
  }
}

/** Whether a data folder has a database. */
export function hasDatabase(folder: string): boolean {
  return existsSync(join(folder, DATABASE_FILE));
}

/** An error outside of any call is reported too. */
function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
