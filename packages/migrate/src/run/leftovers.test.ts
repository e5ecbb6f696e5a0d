import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { identityOf } from "@stagefold/node-files";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DeferredRows } from "./deferred-rows.ts";
import { ReportError, ReportFile } from "./report-file.ts";
import { ImportRunningError, lockFolder, makeWorkFolder } from "./work-folder.ts";

/** More than any system gives. */
const NO_PROCESS = 2 ** 30;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-leftovers-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("removes the rows of runs that were killed, and no others", async () => {
  const own = identityOf(process.pid);
  const nameOf = (pid: number) => `stagefold-rows-${own?.machine}-${pid}-${identityOf(pid)?.birth ?? 0}-x`;
  for (const pid of [NO_PROCESS, process.ppid]) await mkdir(join(folder, nameOf(pid)));
  await mkdir(join(folder, "waiting"));
  const made = await makeWorkFolder(folder);
  expect(existsSync(made)).toBe(true);
  expect((await readdir(folder)).filter((name) => !made.endsWith(name)).sort()).toEqual(
    [nameOf(process.ppid), "waiting"].sort(),
  );
});

it("keeps rows that wait whole, and removes what was being written when a run was killed", async () => {
  const deferred = new DeferredRows(folder);
  const id = "an id\nof any text/..";
  const rows = [
    { origin: { source: "a\tb", line: 3 }, text: '{"a":1}\t' },
    { origin: { source: "c", line: 1 }, text: "日本" },
  ];
  expect(await deferred.of(id)).toEqual([]);
  await deferred.put(id, rows);
  const [name = ""] = (await readdir(folder, { recursive: true })).filter((one) => one.endsWith(".rows"));
  await writeFile(join(folder, dirname(name), ".uuid.part"), "half");
  await deferred.sweep();
  expect((await readdir(folder, { recursive: true })).filter((one) => one.endsWith(".part"))).toEqual([]);
  expect(await deferred.of(id)).toEqual([{ ...rows[0], text: '{"a":1}' }, rows[1]]);
  await deferred.put(id, []);
  expect(existsSync(join(folder, name))).toBe(false);
});

it("writes every line of a report, however many are added at once", async () => {
  const path = join(folder, "deep", "report.jsonl");
  const report = await ReportFile.open(path);
  expect(report.path).toBeUndefined();
  const detail = "x".repeat(1000);
  const add = (line: number) => report.add({ source: "s", line, reason: "unreadable", detail });
  await Promise.all(Array.from({ length: 300 }, (_, line) => add(line)));
  await report.close();
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).line)).toEqual(Array.from({ length: 300 }, (_, line) => line));
});

it("makes no report without rows, and says at once where it cannot be written", async () => {
  const path = join(folder, "report.jsonl");
  const report = await ReportFile.open(path);
  await report.close();
  expect([report.path, existsSync(path)]).toEqual([undefined, false]);
  await writeFile(path, "");
  await expect(ReportFile.open(join(path, "below"))).rejects.toThrow(ReportError);
});

it("lets one import at a time into a folder", async () => {
  const races = await Promise.allSettled([lockFolder(folder), lockFolder(folder)]);
  expect(races.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  for (const race of races) {
    if (race.status === "fulfilled") await race.value[Symbol.asyncDispose]();
    else expect(race.reason).toBeInstanceOf(ImportRunningError);
  }
  await using _again = await lockFolder(folder);
  expect(await readdir(folder)).toEqual(["lock"]);
});
