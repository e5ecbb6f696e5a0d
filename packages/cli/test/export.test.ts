import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { isCurrentVersion } from "@stagefold/core";
import { toPlain } from "@stagefold/core/dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openPromise } from "yauzl";
import { run, runProgram } from "./run.ts";
import { DAMAGED, OLDER_ITEMS, openTestTable, TABLE, type TestTable, threeBuilds } from "./table.ts";

let table: TestTable;
let folder: string;

beforeAll(async () => {
  table = await openTestTable();
});
afterAll(() => table[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-export-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await table.clear();
});

test.each(["jsonl", "dynamodb"])(
  "export, delete and import give the same items back (%s)",
  async (format) => {
    const { held } = await threeBuilds(table);
    for (const item of OLDER_ITEMS)
      if (format === "dynamodb" || item.project_id?.S !== DAMAGED) await table.put(item);
    const before = await table.contents();
    const file = join(folder, "all.gz");
    const exported = await table.stagefold("export", "--format", format, "--to", file);
    expect(exported).toEqual({ code: 0, stdout: "", stderr: `exported ${before.size} builds to ${file}\n` });
    expect(await table.contents()).toEqual(before);
    await table.clear();
    expect((await table.stagefold("import", file)).code).toBe(0);
    const after = await table.contents();
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    const exactly = (await table.items()).filter(
      (item) =>
        item.project_id?.S === DAMAGED || before.get(item.project_id?.S ?? "")?.includes("lease_token"),
    );
    // Those of the current version, a lease that is held included, and the one that nobody can read: to the last attribute.
    expect(exactly).toHaveLength(format === "dynamodb" ? 4 : 3);
    for (const { project_id } of exactly)
      expect(after.get(project_id?.S ?? "")).toBe(before.get(project_id?.S ?? ""));
    expect(after.get(held)).toContain('"owner":{"S":"worker"}');
    // The others were upgraded.
    const others = (await table.items()).filter((item) => item.project_id?.S !== DAMAGED);
    expect(others.every((item) => isCurrentVersion(toPlain(item).item))).toBe(true);
  },
);

test("items go to stdout, one a line, as they are stored", async () => {
  const { ended } = await threeBuilds(table);
  const some = await table.stagefold("export", ended, DAMAGED);
  expect(some).toMatchObject({ code: 1, stderr: expect.stringContaining(DAMAGED) });
  for (const item of OLDER_ITEMS) await table.put(item);
  const plain = await runProgram(["export", ended, DAMAGED], table.env);
  expect(plain).toMatchObject({ code: 0, stderr: expect.stringContaining("exported 2") });
  const [first, second] = plain.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(first).toEqual(await table.repository.get(ended));
  expect(second).toMatchObject({ labels: ["a", "b"] });
  // What JSON does not keep is told.
  expect(plain.stderr).toMatch(
    /^exported 2 builds\n1 build with sets, bytes or long numbers.*--format dynamodb/,
  );
  const typed = await table.stagefold("export", DAMAGED, "--format", "dynamodb", "--json");
  expect(typed).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(typed.stdout)).toEqual({
    Item: OLDER_ITEMS.find((item) => item.project_id?.S === DAMAGED),
  });
});

test("a file appears whole; a folder gets one that is named after the table", async () => {
  await threeBuilds(table);
  const gone = join(folder, "new", "folder", "all.jsonl.gz");
  expect((await table.stagefold("export", "--to", gone)).code).toBe(0);
  expect(
    gunzipSync(await readFile(gone))
      .toString()
      .trim()
      .split("\n"),
  ).toHaveLength(3);
  const told = await table.stagefold("export", "--to", folder, "--json");
  expect(JSON.parse(told.stdout)).toEqual({
    exported: 3,
    inexact: 0,
    with_files: 0,
    file: join(folder, `${TABLE}.jsonl`),
  });
  expect((await table.stagefold("export", "--to", `${folder}/`, "--format", "dynamodb")).code).toBe(0);
  expect((await readdir(folder)).sort()).toEqual([`${TABLE}.json`, `${TABLE}.jsonl`, "new"]);
  await writeFile(join(folder, "file"), "");
  const refused = await table.stagefold("export", "--to", join(folder, "file", "x"));
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^stagefold: cannot save .*x: .*\(ENOTDIR\)/),
  });
});

test("lists that are too long for the item are told of", async () => {
  const { waiting } = await threeBuilds(table);
  const many = Array.from({ length: 60 }, (_, n) => ({ path: `f${n}` }));
  await table.repository.artifacts.record(waiting, "plan", many, "add");
  const { stderr } = await table.stagefold("export", "--to", join(folder, "x.jsonl"));
  expect(stderr).toContain(`1 build with long lists, outputs or histories in ${table.dataDir}/files`);
});

test("a table that is not there is nothing to export, and is not made", async () => {
  const missing = await run(["export"], { ...table.env, STAGEFOLD_TABLE: "NoSuchTable" });
  expect(missing).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("NoSuchTable") });
  expect(await table.tables()).not.toContain("NoSuchTable");
  const data = join(folder, "data");
  const nowhere = await run(["export"], { STAGEFOLD_DATA_DIR: data });
  expect(nowhere).toMatchObject({ code: 1, stdout: "" });
  expect(await readdir(folder)).toEqual([]);
});

/** A build with three artifacts that have bytes, one of them of two stages, and one that has none. */
async function withArtifacts() {
  const { waiting: project_id } = await threeBuilds(table);
  const put = (stage: string, path: string, content: string) =>
    table.artifacts.put({ project_id, stage, attempt: 0, path }, new TextEncoder().encode(content));
  const named = async (stage: string, path: string, content: string) => ({
    path,
    ...(await put(stage, path, content)),
  });
  const secret = { ...(await named("plan", "docs/计划.md", "plan")), mode: "4600" };
  const plan = [secret, await named("plan", "same.txt", "earlier")];
  const make = [await named("make", "same.txt", "later"), { path: "elsewhere.bin", size: 9 }];
  await table.repository.artifacts.record(project_id, "plan", plan, "add");
  await table.repository.artifacts.record(project_id, "make", make, "add");
  return { project_id, put };
}

test("a file that its owner alone may read was exported for all to read", async () => {
  const { project_id } = await withArtifacts();
  const to = join(folder, "built");
  await table.stagefold("export", project_id, "--artifacts", "--to", to);
  expect((await stat(join(to, "docs", "计划.md"))).mode & 0o7777).toBe(0o600);
  await table.stagefold("export", project_id, "--artifacts", "--to", `${to}.zip`);
  const modes: Record<string, string> = {};
  for await (const { fileName, externalFileAttributes } of (await openPromise(`${to}.zip`)).eachEntry())
    modes[fileName] = (externalFileAttributes >>> 16).toString(8);
  expect(modes).toEqual({ "docs/计划.md": "100600", "same.txt": "100644" });
});

test("artifacts of a build go to a folder, what the last stage left", async () => {
  const { project_id } = await withArtifacts();
  const to = join(folder, "built");
  const done = await table.stagefold("export", project_id, "--artifacts", "--to", to);
  expect(done).toEqual({
    code: 0,
    stdout: "",
    stderr: `exported 2 artifacts to ${to}\n1 artifact recorded without bytes: elsewhere.bin\n`,
  });
  expect(await readFile(join(to, "docs", "计划.md"), "utf8")).toBe("plan");
  expect(await readFile(join(to, "same.txt"), "utf8")).toBe("later");
  await expect.poll(() => openFiles(table.dataDir)).toEqual([]);
});

/** The files below a folder that this process has open, where the system tells. */
async function openFiles(below: string): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd").catch(() => []);
  const paths = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return paths.filter((path) => path.startsWith(below));
}

async function unzipped(file: string): Promise<Record<string, string>> {
  const zip = await openPromise(file);
  const found: Record<string, string> = {};
  for await (const entry of zip.eachEntry())
    found[entry.fileName] = (await buffer(await zip.openReadStreamPromise(entry))).toString();
  return found;
}

test("artifacts go to a zip, below a folder for each of several builds", async () => {
  const { project_id, put } = await withArtifacts();
  const file = join(folder, "built.zip");
  expect((await table.stagefold("export", project_id, "--artifacts", "--to", file)).code).toBe(0);
  expect(await unzipped(file)).toEqual({ "docs/计划.md": "plan", "same.txt": "later" });
  const second = await withArtifacts();
  await table.stagefold("export", project_id, second.project_id, "--artifacts", "--to", file);
  expect(Object.keys(await unzipped(file)).sort()).toEqual(
    [project_id, second.project_id].flatMap((id) => [`${id}/docs/计划.md`, `${id}/same.txt`]).sort(),
  );
  // Bytes that are not what was recorded spoil no zip that is there.
  await put("make", "same.txt", "tampered");
  const before = await readFile(file);
  const refused = await table.stagefold("export", project_id, "--artifacts", "--to", file);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("same.txt: expected 5 bytes, found 8"),
  });
  expect(await readFile(file)).toEqual(before);
  expect(await readdir(folder)).toEqual(["built.zip"]);
});

test.each([
  ["no build", ["--artifacts", "--to", "x.zip"]],
  ["no place", ["proj_000000000001", "--artifacts"]],
  ["an empty place", ["--to", ""]],
  ["an unknown format", ["--format", "ion"]],
  ["a bad id", ["proj_1"]],
])("wrong usage (%s) is 2", async (_name, args) => {
  expect(await table.stagefold("export", ...args)).toMatchObject({ code: 2, stdout: "" });
});

test("a build that is not there has no artifacts to export", async () => {
  await mkdir(join(folder, "d"));
  const refused = await table.stagefold(
    "export",
    "proj_00000000000f",
    "--artifacts",
    "--to",
    folder,
    "--json",
  );
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stderr).error.code).toBe("PROJECT_NOT_FOUND");
});
