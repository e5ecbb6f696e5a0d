import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, isNewEnough, versionOf } from "../src/driver.ts";
import { asStoreError } from "../src/errors.ts";
import { networkFileSystem } from "../src/file-system.ts";
import { openSqlite } from "../src/index.ts";
import { aDatabase, aFolder } from "./folder.ts";
import { createNewProject } from "./projects.ts";

const refusal = (sentence: string) =>
  expect.objectContaining({ code: "STORE_UNAVAILABLE", message: expect.stringContaining(sentence) });
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("the database's file", () => {
  it("A9: file, write-ahead log and folder are their owner's alone, whatever the umask", async () => {
    await using parent = await aFolder();
    const before = process.umask(0);
    try {
      const folder = join(parent.path, "a", "data");
      using sqlite = await openSqlite(folder);
      await createNewProject(sqlite.projects);
      expect(modeOf(folder)).toBe("700");
      expect(modeOf(dirname(folder))).toBe("700");
      const files = readdirSync(folder);
      expect(files.sort()).toEqual(["stagefold.db", "stagefold.db-shm", "stagefold.db-wal"]);
      expect(files.map((name) => modeOf(join(folder, name)))).toEqual(["600", "600", "600"]);
      await sqlite.backup(join(parent.path, "copies", "copy.db"));
      expect(modeOf(join(parent.path, "copies", "copy.db"))).toBe("600");
    } finally {
      process.umask(before);
    }
  });

  it("is refused when it is damaged, of another program, of a later version, or no file", async () => {
    const cases: [string, (path: string) => void][] = [
      ["damaged or no SQLite database", (path) => writeFileSync(path, "no database at all ".repeat(500))],
      ["of another program", (path) => makeForeign(path)],
      ["a later version", (path) => makeLater(path)],
      ["there is a folder of this name", (path) => mkdirSync(path)],
    ];
    for (const [sentence, make] of cases) {
      await using folder = await aFolder();
      const path = join(folder.path, "stagefold.db");
      make(path);
      await expect(openSqlite(folder.path)).rejects.toEqual(refusal(sentence));
      await expect(openSqlite(folder.path)).rejects.toEqual(refusal(path));
    }
  });

  it("is refused where a file is in the place of the folder", async () => {
    await using folder = await aFolder();
    writeFileSync(join(folder.path, "data"), "");
    await expect(openSqlite(join(folder.path, "data"))).rejects.toEqual(
      refusal("there is a file where a folder is needed"),
    );
    await expect(openSqlite(join(folder.path, "data", "below"))).rejects.toEqual(
      refusal("there is a file where a folder is needed"),
    );
  });

  it("is refused where no folder can be made", async () => {
    await expect(openSqlite("/proc/nowhere")).rejects.toEqual(refusal("cannot be opened"));
  });

  it("is refused on network file systems by their type", () => {
    expect(networkFileSystem("/", () => 0x6969)).toBe("NFS");
    expect(networkFileSystem("/", () => 0xff534d42)).toBe("CIFS");
    expect(networkFileSystem("/", () => 0x01021997)).toBe("9P");
    expect(networkFileSystem("/")).toBeUndefined();
    // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS.
    for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1])
      expect(networkFileSystem("/", () => type)).toBeUndefined();
  });

  it("L18: a database that is removed, replaced or emptied while it is used takes no write any more", async () => {
    const losses: ((path: string) => void)[] = [
      (path) => rmSync(path),
      (path) => rmSync(dirname(path), { recursive: true }),
      (path) => {
        rmSync(path);
        writeFileSync(path, "x".repeat(10_000));
      },
      (path) => truncateSync(path),
    ];
    for (const lose of losses) {
      await using database = await aDatabase();
      const { projects, path } = database.sqlite;
      await createNewProject(projects);
      await projects.ping();
      lose(path);
      await expect(projects.ping()).rejects.toEqual(refusal("while it was in use"));
      await expect(createNewProject(projects)).rejects.toEqual(refusal("while it was in use"));
    }
  });

  it("L18: a database that is missing or empty beside files of builds stops the start", async () => {
    await using folder = await aFolder();
    for (let i = 0; i < 800; i++)
      mkdirSync(join(folder.path, "files", `proj_${i.toString(16).padStart(12, "0")}`), { recursive: true });
    await expect(openSqlite(folder.path)).rejects.toEqual(refusal("is missing"));
    await expect(openSqlite(folder.path)).rejects.toEqual(refusal("files of 800 builds"));
    expect(readdirSync(folder.path)).toEqual(["files"]);
    writeFileSync(join(folder.path, "stagefold.db"), "");
    await expect(openSqlite(folder.path)).rejects.toEqual(refusal("is empty"));
    rmSync(join(folder.path, "files"), { recursive: true });
    (await openSqlite(folder.path)).close();
  });

  it("names the builds of version 0.2 and leaves them alone", async () => {
    await using folder = await aFolder();
    mkdirSync(join(folder.path, "dynamodb"));
    await expect(openSqlite(folder.path)).rejects.toEqual(refusal("`stagefold export` of version 0.2"));
    expect(readdirSync(folder.path)).toEqual(["dynamodb"]);
  });

  it("W13: a copy of a data folder is a copy", async () => {
    await using database = await aDatabase();
    await using other = await aFolder();
    const id = await createNewProject(database.sqlite.projects);
    const copy = join(other.path, "stagefold.db");
    await database.sqlite.backup(copy);
    await expect(database.sqlite.backup(copy)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    using copied = await openSqlite(other.path);
    expect(await copied.projects.get(id)).toEqual(await database.sqlite.projects.get(id));
    const late = await createNewProject(copied.projects);
    expect(await database.sqlite.projects.get(late)).toBeUndefined();
  });

  // Skipped for root, who may write everywhere.
  it.skipIf(process.getuid?.() === 0)("is refused when the file or its folder is read-only", async () => {
    await using folder = await aFolder();
    (await openSqlite(folder.path)).close();
    chmodSync(join(folder.path, "stagefold.db"), 0o400);
    await expect(openSqlite(folder.path)).rejects.toEqual(refusal("denied"));
  });

  it("damage that is met while running is a sentence, and no write is acknowledged", async () => {
    await using folder = await aFolder();
    const first = await openSqlite(folder.path);
    for (let i = 0; i < 50; i++) await createNewProject(first.projects);
    first.close();
    const path = join(folder.path, "stagefold.db");
    const size = statSync(path).size;
    // The first pages, which hold the schema, stay; all others are noise.
    writeFileSync(
      path,
      Buffer.concat([readFileSync(path).subarray(0, 8192), Buffer.alloc(size - 8192, 0xa5)]),
    );
    const outcome = openSqlite(folder.path).then((sqlite) => createNewProject(sqlite.projects));
    await expect(outcome).rejects.toEqual(refusal("damaged"));
  });

  it("what SQLite refuses is known by its code, however a statement is run", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "locked.db");
    const first = connect(path);
    const second = connect(path);
    first.exec("CREATE TABLE t (a)");
    const rows = second.prepare("SELECT a FROM t");
    first.exec("BEGIN EXCLUSIVE");
    for (const read of [() => rows.get(), () => rows.all(), () => [...rows.iterate()]])
      expect(() => orStoreError(read)).toThrow("SQLITE_BUSY");
    second.close();
    first.close();
  });

  it("a database that was opened to be read is closed while another process has it, and changes nothing", async () => {
    await using database = await aDatabase();
    const id = await createNewProject(database.sqlite.projects);
    const log = () => statSync(`${database.sqlite.path}-wal`).size;
    const before = log();
    const reader = await openSqlite(database.folder, { readOnly: true });
    expect(await reader.projects.get(id)).toBeDefined();
    expect(() => reader.close()).not.toThrow();
    expect(log()).toBe(before);
  });
});

describe("SQLite's version", () => {
  it("is one without the WAL-reset bug", () => {
    for (const old of [undefined, "3.45.0", "3.51.2", "3.50.7", "2.99.99"])
      expect(isNewEnough(old)).toBe(false);
    for (const good of ["3.51.3", "3.53.0", "4.0.0"]) expect(isNewEnough(good)).toBe(true);
    const connection = connect(":memory:");
    expect(isNewEnough(versionOf(connection))).toBe(true);
    connection.close();
  });
});

function orStoreError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    throw asStoreError(error);
  }
}

function makeForeign(path: string): void {
  const connection = connect(path);
  connection.exec("CREATE TABLE theirs (a)");
  connection.close();
}

function makeLater(path: string): void {
  const connection = connect(path);
  connection.exec("CREATE TABLE projects (a); PRAGMA application_id = 0x53544746; PRAGMA user_version = 99");
  connection.close();
}
