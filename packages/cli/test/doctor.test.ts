import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { run, runProgram } from "./run.ts";
import { DAMAGED, OLDER_ITEMS, openTestTable, TABLE, type TestTable, threeBuilds } from "./table.ts";

let table: TestTable;

beforeAll(async () => {
  table = await openTestTable();
});
afterAll(() => table[Symbol.asyncDispose]());
afterEach(() => table.clear());

/** What the doctor says, as JSON; it must have changed nothing. */
async function diagnosis(...args: string[]) {
  const before = [await table.contents(), await table.tables()];
  const { code, stdout, stderr } = await table.stagefold("doctor", "--json", ...args);
  expect([await table.contents(), await table.tables()]).toEqual(before);
  expect(stderr).toBe("");
  return { code, ...JSON.parse(stdout) };
}

const about = (found: { findings: { about: string; text: string }[] }, name: string) =>
  found.findings.find((finding) => finding.about === name);

test("a table of the current version is well, in lines of at most 80 columns", async () => {
  await threeBuilds(table);
  const found = await diagnosis();
  expect(found).toMatchObject({ code: 0, ok: true, table: TABLE, next: [], separate_tables: [] });
  expect(found.items).toMatchObject({
    looked_at: 3,
    all: true,
    forms: { current: 3, map: 0 },
    overwritten: 0,
    recent: 0,
  });
  expect(found.findings.map(({ level }: { level: string }) => level)).toEqual(Array(7).fill("ok"));
  const { code, stdout } = await table.stagefold("doctor");
  expect(code).toBe(0);
  expect(stdout).toContain("All is well: nothing to do.");
});

test("every legacy format is counted, and import --in-place upgrades all but the damaged one", async () => {
  for (const item of OLDER_ITEMS) await table.put(item);
  const found = await diagnosis();
  expect(found).toMatchObject({ code: 0, ok: false, next: [{ command: "stagefold import --in-place" }] });
  expect(found.items.forms).toEqual({
    current: 0,
    map: 1,
    json_text: 1,
    json_text_in_json_text: 1,
    empty: 1,
    missing: 1,
    unreadable: 1,
  });
  expect(found.items.recent).toBe(0);
  expect(about(found, "unreadable")?.text).toContain(DAMAGED);
  const plain = await table.stagefold("doctor");
  for (const line of plain.stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(plain.stdout).toMatch(/Next, type\n {2}stagefold import --in-place\n/);
  expect((await table.stagefold("import", "--in-place")).code).toBe(0);
  const after = await diagnosis();
  expect(after.items.forms).toMatchObject({ current: 5, unreadable: 1 });
  expect(after.next).toEqual([]);
});

test("something that writes whole snapshots over the current version is noticed", async () => {
  const { ended } = await threeBuilds(table);
  const [item] = (await table.items()).filter((one) => one.project_id?.S === ended);
  await table.put({ ...item, stages_snapshot: { S: '{"stages":[{"name":"plan","status":"completed"}]}' } });
  const found = await diagnosis();
  expect(found.items).toMatchObject({ overwritten: 1, recent: 0, examples: { written_over: [ended] } });
  expect(about(found, "older writer")).toMatchObject({
    level: "warning",
    text: expect.stringContaining(ended),
  });
  expect(found.next.map(({ command }: { command: string }) => command)).toEqual([
    "stagefold doctor",
    "stagefold import --in-place",
  ]);
});

test("a legacy format with a time of today is noticed too", async () => {
  const [first] = OLDER_ITEMS;
  await table.put({ ...first, updated_at: { S: new Date().toISOString() } });
  const found = await diagnosis();
  expect(found.items).toMatchObject({ overwritten: 0, recent: 1 });
  expect(about(found, "older writer")?.text).toContain("within the last day");
});

test("a sample comes from all parts of the table, and says that it is one", async () => {
  for (let n = 0; n < 40; n++)
    await table.put({
      project_id: { S: `proj_${n.toString(16).padStart(12, "0")}` },
      status: { S: "paused" },
    });
  const some = await diagnosis("--sample", "8");
  expect(some.items).toMatchObject({ all: false });
  expect(some.items.looked_at).toBeGreaterThanOrEqual(1);
  expect(some.items.looked_at).toBeLessThanOrEqual(8);
  expect(about(some, "items")?.text).toContain("--all");
  expect((await diagnosis("--all")).items).toMatchObject({ all: true, looked_at: 40 });
});

const KEY = (name: string) => ({
  AttributeDefinitions: [{ AttributeName: name, AttributeType: "S" as const }],
  KeySchema: [{ AttributeName: name, KeyType: "HASH" as const }],
  BillingMode: "PAY_PER_REQUEST" as const,
});

test("separate tables are named, with what the snapshots lack of them", async () => {
  const [older] = OLDER_ITEMS;
  await table.put(older ?? {});
  await table.createTable({ TableName: "AgentArtifacts", ...KEY("artifact_id") });
  await table.createTable({ TableName: "BuildStages", ...KEY("row_id") });
  await table.createTable({ TableName: "BuildStatistics", ...KEY("date") });
  const project_id = older?.project_id ?? { S: "" };
  const artifact = (n: number, fields: object) =>
    table.put(
      { artifact_id: { S: `a${n}` }, project_id, stage: { S: "prompt_engineer" }, ...fields },
      "AgentArtifacts",
    );
  await artifact(1, { file_path: { S: "prompts/a.yaml" } });
  await artifact(2, { file_path: { S: "prompts/b.yaml" }, stage: { S: "prompt_engineering" } });
  await artifact(3, { file_path: { S: "x" }, stage: { S: "deployment" } });
  await artifact(4, { file_path: { S: "x" }, project_id: { S: "proj_gone" } });
  await artifact(5, {});
  await table.put(
    { row_id: { S: "1" }, project_id, stage_number: { N: "1" }, stage: { S: "requirements_analysis" } },
    "BuildStages",
  );
  await table.put({ date: { S: "2025-09-14" }, total: { N: "3" } }, "BuildStatistics");
  const found = await diagnosis();
  const artifacts = { table: "AgentArtifacts", looked_at: 5, all: true, there: 0, lacking: 2 };
  expect(found.separate_tables).toMatchObject([
    { ...artifacts, without_place: 2, unusable: 1 },
    { table: "BuildStages", looked_at: 1, there: 1, lacking: 0 },
    { table: "BuildStatistics", looked_at: 1, lacking: 0 },
  ]);
  expect(found.next.map(({ command }: { command: string }) => command)).toEqual([
    "stagefold import --from-table AgentArtifacts",
    "stagefold import --in-place",
  ]);
  // What it says to type is what there is to type.
  for (const { command } of found.next)
    expect((await table.stagefold(...command.split(" ").slice(1))).code).toBe(0);
  const after = await diagnosis();
  expect(after.separate_tables[0]).toMatchObject({ there: 2, lacking: 0 });
  expect(after.next).toEqual([]);
});

test("a table with another key is a problem, and indexes that are missing or carry too little are told", async () => {
  await table.createTable({ TableName: "Other", ...KEY("id") });
  const other = await run(["doctor", "--json"], { ...table.env, STAGEFOLD_TABLE: "Other" });
  expect(other.code).toBe(1);
  expect(about(JSON.parse(other.stdout), "key")).toMatchObject({
    level: "problem",
    text: expect.stringContaining("id"),
  });
  await table.createTable({
    TableName: "Bare",
    ...KEY("project_id"),
    AttributeDefinitions: ["project_id", "user_id", "status", "created_at"].map((AttributeName) => ({
      AttributeName,
      AttributeType: "S",
    })),
    GlobalSecondaryIndexes: [
      {
        IndexName: "UserIndex",
        KeySchema: [
          { AttributeName: "user_id", KeyType: "HASH" },
          { AttributeName: "created_at", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
      {
        IndexName: "StatusIndex",
        KeySchema: [
          { AttributeName: "status", KeyType: "HASH" },
          { AttributeName: "created_at", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  });
  const bare = JSON.parse(
    (await run(["doctor", "--json"], { ...table.env, STAGEFOLD_TABLE: "Bare" })).stdout,
  );
  expect(about(bare, "UserIndex")).toMatchObject({
    level: "warning",
    text: expect.stringContaining("project_name"),
  });
  expect(about(bare, "StatusIndex")).toMatchObject({
    level: "ok",
    text: expect.stringContaining("all fields"),
  });
  expect(about(bare, "indexes")?.text).toContain("AgentIndex, WorkIndex");
});

test("where there is nothing, nothing is made; where nobody answers, that is said", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-doctor-"));
  try {
    const data = join(folder, "data");
    const nothing = await run(["doctor"], { STAGEFOLD_DATA_DIR: data });
    expect(nothing).toMatchObject({ code: 0, stdout: expect.stringContaining("npm start") });
    expect(await readdir(folder)).toEqual([]);
    const missing = await run(["doctor", "--json"], { ...table.env, STAGEFOLD_TABLE: "NoSuchTable" });
    expect(JSON.parse(missing.stdout)).toMatchObject({ ok: false, next: [{ command: "npm start" }] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const gone = await runProgram(["doctor", "--json"], {
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: "http://127.0.0.1:9",
  });
  expect(gone).toMatchObject({ code: 1, stdout: "" });
  expect(JSON.parse(gone.stderr)).toMatchObject({ error: { code: "STORE_UNAVAILABLE" } });
});
