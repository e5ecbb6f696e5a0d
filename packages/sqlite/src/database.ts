import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StagefoldError } from "@stagefold/core";
import { fsReason, makeFolder } from "@stagefold/node-files";
import { type Connection, connect, type Statement } from "./driver.ts";
import { asStoreError, isBusy, unavailable } from "./errors.ts";
import { makePrivateFile, networkFileSystem } from "./file-system.ts";
import { makeNotes } from "./notes.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from "./schema.ts";

export interface DatabaseOptions {
  /** `full` survives a loss of power, at about twice the cost of a write; `normal` the end of any process. */
  readonly synchronous?: "normal" | "full";
  /** Makes and changes nothing. The file must be there. */
  readonly readOnly?: boolean;
}

/** SQLite itself waits this long for another writer, in milliseconds; its own longer waits are too coarse. */
const BUSY_TIMEOUT_MS = 5;
/** Pauses between two tries of a write: short, since a write takes a fraction of a millisecond. */
const MAX_PAUSE_MS = 4;
const GIVE_UP_MS = 10_000;
/** The size that the file keeps after its first page is written: a smaller one was emptied. */
const MIN_BYTES = 512;

/**
 * One connection to the file. Everything is synchronous but the wait for other writers: a transaction never spans an
 * `await`.
 */
export class Database {
  readonly path: string;
  readonly #connection: Connection;
  readonly #statements = new Map<string, Statement>();
  readonly #inode: number;
  readonly #readOnly: boolean;
  readonly #listeners = new Set<() => void>();

  private constructor(path: string, connection: Connection, readOnly: boolean) {
    this.path = path;
    this.#connection = connection;
    this.#readOnly = readOnly;
    this.#inode = inodeOf(path) ?? 0;
  }

  /** Opens the file, makes it where it is not there. See `startError` for what it throws. */
  static async open(path: string, options: DatabaseOptions = {}): Promise<Database> {
    if (options.readOnly !== true) {
      await makeFolder(dirname(path));
      refuseNetwork(path);
      makePrivateFile(path);
    }
    const readOnly = options.readOnly === true;
    const connection = await patiently(() => connect(path, { readOnly }));
    const database = new Database(path, connection, readOnly);
    try {
      await database.#prepare(options);
      return database;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** The statement for a text, prepared once. */
  sql(text: string): Statement {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.#connection.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  /** Reads; what SQLite throws becomes STORE_UNAVAILABLE. */
  read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.requireFile();
      throw asStoreError(error);
    }
  }

  /** One short transaction; `work` must not wait. It alone writes meanwhile. `keep` false takes its changes back. */
  async write<T extends { readonly keep: boolean }>(work: () => T): Promise<T> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    for (;;) {
      const done = this.#tryWrite(work, giveUpAt);
      if (done !== "busy") return done;
      await sleep(1 + Math.random() * (MAX_PAUSE_MS - 1));
    }
  }

  #tryWrite<T extends { readonly keep: boolean }>(work: () => T, giveUpAt: number): T | "busy" {
    try {
      this.sql("BEGIN IMMEDIATE").run();
    } catch (error) {
      if (isBusy(error) && performance.now() < giveUpAt) return "busy";
      this.requireFile();
      throw asStoreError(error);
    }
    try {
      const done = work();
      this.sql(done.keep ? "COMMIT" : "ROLLBACK").run();
      // A file that is not in its folder any more takes writes, and loses them with the last process that has it open.
      this.requireFile();
      if (done.keep) for (const listener of this.#listeners) listener();
      return done;
    } catch (error) {
      if (this.#connection.isTransaction) this.sql("ROLLBACK").run();
      throw asStoreError(error);
    }
  }

  /** Called after each commit of this process. Returns the way to stop. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A number that changes when another process has committed. */
  version(): number {
    return Number(column(this.sql("PRAGMA data_version").get(), "data_version"));
  }

  /** Errors: STORE_UNAVAILABLE when the file was removed, replaced or emptied while it was open. */
  requireFile(): void {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    if (stats === undefined)
      throw unavailable(
        "The database file was removed while it was in use. Stop all processes and restore it.",
      );
    if (stats.ino !== this.#inode || stats.size < MIN_BYTES)
      throw unavailable(
        "The database file was replaced or emptied while it was in use. Stop all processes, restore it if need be, and start again.",
      );
  }

  /** A whole copy of the database in one file, made while others write. The file must not be there yet. */
  async backup(file: string): Promise<void> {
    if (existsSync(file))
      throw new StagefoldError("INVALID_INPUT", `A backup needs a file that is not there yet; ${file} is.`, {
        issues: ["file"],
      });
    await makeFolder(dirname(file));
    this.read(() => {
      makePrivateFile(file);
      this.sql("VACUUM INTO ?").run(file);
    });
  }

  exec(text: string): void {
    this.#connection.exec(text);
  }

  close(): void {
    if (!this.#connection.isOpen) return;
    this.#listeners.clear();
    try {
      // So that the file alone is the whole database once every process has stopped; another one may be reading.
      if (!this.#readOnly) this.sql("PRAGMA wal_checkpoint(TRUNCATE)").all();
    } catch (error) {
      if (asStoreError(error) === error) throw error;
    }
    this.#statements.clear();
    this.#connection.close();
  }

  async #prepare({ synchronous = "normal", readOnly = false }: DatabaseOptions): Promise<void> {
    await patiently(() =>
      this.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA trusted_schema = OFF;`),
    );
    // As one read: another process may make its tables in between.
    await patiently(() => {
      this.exec("BEGIN");
      try {
        this.#checkFormat();
      } finally {
        this.exec("COMMIT");
      }
    });
    if (readOnly) return;
    await patiently(() => {
      const mode = column(this.sql("PRAGMA journal_mode = WAL").get(), "journal_mode");
      if (mode !== "wal")
        throw unavailable(`The database ${this.path} cannot use a write-ahead log on this file system.`);
    });
    // These read the schema, which another process that opens a new database has locked for a moment.
    await patiently(() =>
      this.exec(
        `PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 33554432;`,
      ),
    );
    await this.write(() => {
      if (this.#userVersion() === 0) this.exec(SCHEMA);
      makeNotes(this);
      return { keep: true };
    });
  }

  #userVersion(): number {
    return Number(column(this.sql("PRAGMA user_version").get(), "user_version"));
  }

  #checkFormat(): void {
    const version = this.#userVersion();
    const application = Number(column(this.sql("PRAGMA application_id").get(), "application_id"));
    const tables = Number(column(this.sql("SELECT count(*) AS tables FROM sqlite_schema").get(), "tables"));
    if (tables > 0 && application !== APPLICATION_ID)
      throw unavailable(`${this.path} is a database of another program.`);
    if (version > SCHEMA_VERSION)
      throw unavailable(
        `${this.path} was written by a later version of Stagefold (schema ${version}; this one knows ${SCHEMA_VERSION}).`,
      );
  }
}

/** Other processes may be opening the same file, which locks it as a whole for a moment. */
async function patiently<T>(work: () => T): Promise<T> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
      await sleep(1 + Math.random() * MAX_PAUSE_MS);
    }
  }
}

/** A column of a row as SQLite gave it. */
export function column(row: unknown, name: string): unknown {
  return typeof row === "object" && row !== null ? Reflect.get(row, name) : undefined;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function refuseNetwork(path: string): void {
  const name = networkFileSystem(dirname(path));
  if (name !== undefined)
    throw unavailable(
      `${dirname(path)} is on a network file system (${name}), where SQLite loses data. Use a local disk, or DynamoDB (STAGEFOLD_STORE=dynamodb).`,
    );
}

/**
 * Why a database cannot be opened, as STORE_UNAVAILABLE. At the start the path belongs into the sentence: the operator
 * reads it, no caller does.
 */
export function startError(path: string, error: unknown): unknown {
  if (error instanceof StagefoldError) return error;
  const known = asStoreError(error);
  if (known instanceof StagefoldError) return unavailable(`${path}: ${known.message}`, error);
  const reason = fsReason(error);
  return reason === undefined
    ? error
    : unavailable(`The database ${path} cannot be opened: ${reason}.`, error);
}
