import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDynamoClient, DynamoProjectStore, ensureTable } from "@stagefold/core/dynamodb";
import { type Engine, startEngine } from "@stagefold/store-testing/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeExport } from "./export-files.ts";
import { run, runProgram } from "./run.ts";

const TIMEOUT_MS = 180_000;
const SIZE = { projects: 10, artifacts: 4 };

let folder: string;
let engine: Engine;
let paths: Awaited<ReturnType<typeof writeExport>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-import-"));
  engine = await startEngine();
  paths = await writeExport(join(folder, "export"), SIZE);
}, TIMEOUT_MS);
afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The command line on a table and a data folder of the test's own. */
const place = (name: string) => {
  const env = {
    STAGEFOLD_DATA_DIR: join(folder, name),
    STAGEFOLD_TABLE: `Table-${name}`,
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: engine.endpoint,
  };
  return { env, import: (...args: string[]) => run(["import", ...args], env) };
};

const ROWS = SIZE.projects + SIZE.projects * SIZE.artifacts + (SIZE.projects / 5) * 7;

describe("stagefold import", () => {
  test("says what it would do, does it, and then that nothing changed", { timeout: TIMEOUT_MS }, async () => {
    const { env, import: imported } = place("usual");
    const all = Object.values(paths);
    const dry = await imported("--dry-run", ...all);
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    expect(dry.stdout).toContain(`would be merged: ${ROWS}\n`);
    expect(dry.stdout).toContain(`projects: ${SIZE.projects} would be created`);
    expect(existsSync(env.STAGEFOLD_DATA_DIR)).toBe(false);
    const done = await imported("--json", ...all);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    const summary = JSON.parse(done.stdout);
    expect(summary).toMatchObject({
      rows: ROWS,
      merged: ROWS,
      projects: { created: SIZE.projects },
      report: null,
    });
    expect(summary.requests).toBeLessThan(SIZE.projects * 3);
    const again = await imported(...all);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain("nothing changed\n");
    expect(again.stdout).toContain(`already there: ${ROWS}\n`);
  });

  test("names the rows that it did not merge, and ends well", { timeout: TIMEOUT_MS }, async () => {
    const { import: imported } = place("left");
    const file = join(folder, "left.jsonl");
    const report = join(folder, "reports", "left.jsonl");
    await writeFile(file, '{"artifact_id":"a","project_id":"proj_x","stage":"s","file_path":"f"}\nnone\n');
    const done = await imported("--report", report, file);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    const lines = (await readFile(report, "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ source: "left.jsonl", line: 2, reason: "unreadable" }),
      expect.objectContaining({ source: "left.jsonl", line: 1, key: "a", reason: "no such project" }),
    ]);
    expect(done.stdout).toContain(report);
  });

  test("reads live tables, and upgrades the builds' own", { timeout: TIMEOUT_MS }, async () => {
    const { import: imported } = place("live");
    await imported(paths.AgentProjects);
    const client = createDynamoClient({ endpoint: engine.endpoint });
    // A table of the older kind: its project is in an older form.
    await ensureTable(client, "OldProjects");
    const store = new DynamoProjectStore(client, "OldProjects");
    const project_id = "proj_00000000abcd";
    const item = { project_id, requirement: "r", status: "building", stages_snapshot: "[]", own: 1 };
    await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
    const live = JSON.parse((await imported("--json", "--from-table", "OldProjects")).stdout);
    expect(live).toMatchObject({ rows: 1, merged: 1, projects: { created: 1 } });
    expect(await store.get(project_id)).toEqual(item);
    const old = {
      STAGEFOLD_DATA_DIR: join(folder, "live"),
      STAGEFOLD_TABLE: "OldProjects",
      STAGEFOLD_STORE: "dynamodb",
      STAGEFOLD_DYNAMODB_ENDPOINT: engine.endpoint,
    };
    const wrong = await run(["import", "--from-table", "OldProjects", "--endpoint", engine.endpoint], old);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("--in-place") });
    const upgraded = await run(["import", "--in-place", "--json"], old);
    expect(JSON.parse(upgraded.stdout)).toMatchObject({ items: 1, changed: 1, unreadable: 0 });
    expect(await store.get(project_id)).toMatchObject({ schema_version: 1, status: "pending", own: 1 });
    const again = await run(["import", "--in-place"], old);
    expect(again.stdout).toContain("0 upgraded, 1 current");
    client.destroy();
  });

  test("starts the embedded engine itself, and leaves none behind", { timeout: TIMEOUT_MS }, async () => {
    const dataDir = join(folder, "embedded");
    const done = await runProgram(["import", "--json", paths.AgentProjects], { STAGEFOLD_DATA_DIR: dataDir });
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(join(dataDir, "engine.json"))).toBe(false);
    const dry = await run(["import", "--dry-run", "--json", paths.AgentProjects], {
      STAGEFOLD_DATA_DIR: dataDir,
    });
    expect(JSON.parse(dry.stdout)).toMatchObject({ merged: 0, projects: { unchanged: SIZE.projects } });
  });

  test.each([
    [[], "expected files or folders, --from-table or --in-place"],
    [["--in-place", "x"], "--in-place takes no files"],
    [["--endpoint", "aws", "x"], "--endpoint says where the tables of --from-table are"],
    [["--endpoint", "here", "--from-table", "x"], "expected aws, or an http:// or https:// address"],
    [["--orphans", "drop", "x"], "Allowed choices are wait, create"],
    [["--from-table", "Table-usage"], "--in-place upgrades it"],
  ])("with %j says what is wrong", { timeout: TIMEOUT_MS }, async (args, sentence) => {
    const answer = await place("usage").import(...args);
    expect(answer).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(sentence) });
  });

  test("changes nothing when a file is cut off or is not there", { timeout: TIMEOUT_MS }, async () => {
    const { env, import: imported } = place("broken");
    const whole = await readFile(
      join(paths.AgentProjects, "AWSDynamoDB/01700000000000-0123abcd/data/a.json.gz"),
    );
    const cut = join(folder, "cut.json.gz");
    await writeFile(cut, whole.subarray(0, whole.length - 20));
    for (const path of [cut, join(folder, "nowhere")]) {
      const answer = await imported(path);
      expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing was imported") });
    }
    const missing = await imported("--from-table", "NoTable");
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no table NoTable") });
    const client = createDynamoClient({ endpoint: engine.endpoint });
    const store = new DynamoProjectStore(client, env.STAGEFOLD_TABLE);
    expect(await store.getMany(["proj_000000000000", "proj_000000000001"])).toEqual([]);
    client.destroy();
  });
});
