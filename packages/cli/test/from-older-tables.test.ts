import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtInPipelines } from "@stagefold/agent-build";
import { startApi } from "@stagefold/api";
import { createClient, type StagefoldClient } from "@stagefold/client";
import { PollingChangeFeed } from "@stagefold/core/dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "./run.ts";
import { OLDER_ITEMS, openTestTable, TABLE, type TestTable } from "./table.ts";

const PAGE = join(import.meta.dirname, "..", "..", "..", "docs", "from-older-tables.md");
const project_id = "proj_000000000001";
const agent_id = "agent_0123456789ab";

let table: TestTable;
let api: Awaited<ReturnType<typeof startApi>>;
let client: StagefoldClient;
const home = process.cwd();

beforeAll(async () => {
  table = await openTestTable();
  const { repository, artifacts, logs } = table;
  const feed = new PollingChangeFeed(repository.store);
  const deps = { repository, feed, artifacts, logs, pipelines: builtInPipelines() };
  api = await startApi(deps, { host: "127.0.0.1", port: 0 });
  client = createClient({ url: api.url });
  for (const item of OLDER_ITEMS.slice(0, 5)) await table.put(item);
  const ofAgents = ["AgentInstances", "AgentSessions", "AgentSessionMessages", "AgentInvocations"];
  for (const TableName of ["AgentArtifacts", "BuildStages", ...ofAgents])
    await table.createTable({
      TableName,
      AttributeDefinitions: [{ AttributeName: "row", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "row", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
    });
  const artifact = { row: { S: "1" }, artifact_id: { S: "1" }, file_path: { S: "prompts/older.yaml" } };
  await table.put(
    { ...artifact, project_id: { S: project_id }, stage: { S: "prompt_engineer" } },
    "AgentArtifacts",
  );
  const older = { row: { S: "1" }, agent_id: { S: "proj_x:csv" }, agent_name: { S: "csv" } };
  await table.put({ ...older, call_count: { N: "7" } }, "AgentInstances");
  await mkdir(join(table.dataDir, "exports"));
  await writeFile(
    join(table.dataDir, "exports", "rows.json"),
    `{"project_id":"proj_00000000000a","project_name":"x"}\n`,
  );
  // The page names files as they are found from there.
  process.chdir(table.dataDir);
});
afterAll(async () => {
  process.chdir(home);
  await api.close();
  await table[Symbol.asyncDispose]();
});

/** The blocks of a language, as the page has them, with ids and an address in place of what stands for them. */
async function blocks(language: string): Promise<string[]> {
  const page = (await readFile(PAGE, "utf8")).replaceAll("http://127.0.0.1:4000", api.url);
  const found = page.split(`\`\`\`${language}\n`).slice(1);
  return found.map((rest) =>
    (rest.split("\n```")[0] ?? "").replaceAll("proj_…", project_id).replaceAll("agent_…", agent_id),
  );
}

/** A line in the words that a shell makes of it; comments are left out. */
function words(line: string): string[] {
  const found = line.matchAll(/'([^']*)'|#.*$|([^\s'#]+)/g);
  return [...found].flatMap(([, quoted, plain]) => quoted ?? plain ?? []);
}

async function curl(args: readonly string[]): Promise<unknown> {
  const after = (flag: string) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const url = new URL(args.find((arg) => arg.startsWith("http")) ?? "");
  const input = after("--data-urlencode")?.replace(/^input=/, "");
  if (input !== undefined) url.searchParams.set("input", input);
  const body = after("-d");
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, body === undefined ? {} : { method: "POST", headers, body });
  return response.json();
}

test("every command of the page does what it says", async () => {
  const lines = (await blocks("sh")).join("\n").replaceAll("\\\n", " ").split("\n");
  const commands = lines.map(words).filter(([first]) => first !== undefined && first !== "export");
  const done = { stagefold: 0, curl: 0 };
  const env = { ...table.env, STAGEFOLD_URL: api.url, STAGEFOLD_TABLE: TABLE };
  for (const [first, ...rest] of commands) {
    const shown = [first, ...rest].join(" ");
    if (first === "curl") {
      expect(await curl(rest), shown).toMatchObject({ result: { data: expect.anything() } });
      done.curl += 1;
    } else {
      expect([first, ...rest.slice(0, 4)], shown).toEqual(["npm", "run", "-s", "stagefold", "--"]);
      const { code, stderr } = await run(rest.slice(4), env);
      expect({ code, stderr: code === 0 ? "" : stderr }, shown).toEqual({ code: 0, stderr: "" });
      done.stagefold += 1;
    }
  }
  expect(done).toEqual({ stagefold: 15, curl: 7 });
  // The row of the older table went where the page says, before the page's own commands removed it.
  const { items } = await client.artifacts.listByProject({ project_id });
  expect(items).toEqual([]);
  expect((await client.projects.get({ project_id })).revision).toBeGreaterThan(4);
});

test("every call of the page is one of the client", async () => {
  const calls = (await blocks("ts")).map((code) => `await (async () => {\n${code}\n})();`);
  expect(calls.length).toBeGreaterThanOrEqual(5);
  const file = join(table.dataDir, "calls.mjs");
  await writeFile(
    file,
    `export async function all(client, project_id, agent_id) {\n${calls.join("\n")}\n}\n`,
  );
  const { all } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  await all(client, project_id, agent_id);
  const { items } = await client.artifacts.listByAgent({ agent_id });
  expect(items).toEqual([]);
});
