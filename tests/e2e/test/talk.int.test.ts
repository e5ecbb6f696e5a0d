import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentSession, Turn } from "@stagefold/client";
import { describe, expect, it } from "vitest";
import { processesOf, run, type System, start, tempFolder, until } from "./harness.ts";

const REQUIREMENT = "读取 CSV 表格，计算每列的平均值";
const CSV = "name,height,weight\nann,170,60\nbob,180,80\ncy,190,70\n";
const ROUNDS = process.env.SOAK === "1" ? 100 : 2;

/** The agent that a build of the requirement made: a completed build has one. */
async function builtAgent({ client }: System): Promise<string> {
  const listed = await until(20_000, "the build", async () => (await client.projects.list({})).items[0]);
  const project = await client.projects.waitForEnd({ project_id: listed.project_id });
  expect(project.status, JSON.stringify(project.error_info)).toBe("completed");
  const agent = await client.agents.get({ agent_id: project.agent_id ?? "" });
  expect(agent).toMatchObject({
    status: "ready",
    version: 1,
    versions: [{ project_id: project.project_id, run: 1 }],
  });
  return agent.agent_id;
}

const textOf = (turn: Turn) => turn.blocks.map((block) => (block.type === "text" ? block.text : "")).join("");

describe("an agent that was built", () => {
  it("answers with the right means, records its tool call, and remembers the turn before", {
    timeout: 180_000,
  }, async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: join(folder.path, "data"), args: [REQUIREMENT] });
    const { client, url } = system;
    const agent_id = await builtAgent(system);
    await writeFile(join(folder.path, "people.csv"), CSV);
    const env = { STAGEFOLD_URL: url };
    const file = ["--file", join(folder.path, "people.csv")];
    const first = await run(["chat", agent_id, "每列的平均值是多少？", ...file], env);
    expect(first, system.printed()).toMatchObject({ code: 0 });
    expect(first.stdout).toContain("180");
    expect(first.stdout).toContain("70");

    const [session] = (await client.sessions.list({ agent_id })).items;
    const session_id = session?.session_id ?? "";
    const turn = await client.turns.get({ session_id, turn: 1 });
    expect(turn).toMatchObject({
      status: "completed",
      caller: "cli",
      user: { files: [{ name: "people.csv" }] },
    });
    expect(turn.blocks.filter(({ type }) => type === "tool")).toMatchObject([{ status: "completed" }]);

    // Without the file: it knows the one of the turn before.
    const second = await run(["chat", agent_id, "再算一次每列的平均值", "--continue", "--json"], env);
    expect(second, second.stderr).toMatchObject({ code: 0 });
    const told: Turn = JSON.parse(second.stdout);
    expect(told).toMatchObject({ session_id, turn: 2, status: "completed" });
    expect(textOf(told)).toContain("180");

    const invoked = await run(["invoke", agent_id, "每列的平均值", ...file, "--json"], env);
    expect(JSON.parse(invoked.stdout)).toMatchObject({ status: "completed", agent_id });
    expect((await client.invocations.list({ agent_id })).items).toHaveLength(3);
    expect((await run(["agents"], env)).stdout).toContain(agent_id);
    expect((await run(["session", session_id], env)).stdout).toContain("people.csv");

    const { project_id = "" } = (await client.projects.list({})).items[0] ?? {};
    const refused = await run(["delete", project_id, "--yes", "--json"], env);
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: "AGENT_IN_USE" } });
  });

  it("loses no turn when the API is killed in its middle, and runs none again", {
    timeout: 3_600_000,
  }, async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path, args: [REQUIREMENT] });
    const agent_id = await builtAgent(system);
    const { session_id } = await system.client.sessions.create({ agent_id });
    for (let round = 1; round <= ROUNDS; round++) {
      const { turn } = await until(60_000, "a server that takes a question", () =>
        ask(system, session_id, `round-${round}`),
      );
      expect(turn).toBe(round);
      await new Promise((next) => setTimeout(next, (round * 37) % 200));
      for (const pid of await apiProcesses(system)) process.kill(pid, "SIGKILL");
      const ended = await until(60_000, "the end of the turn", async () => {
        const found = await system.client.turns.get({ session_id, turn }).catch(() => undefined);
        return found && found.status !== "running" ? found : undefined;
      });
      expect(["completed", "interrupted"]).toContain(ended.status);
    }
    const session: AgentSession = await system.client.sessions.get({ session_id });
    const { items } = await system.client.turns.list({ session_id, limit: 100 });
    expect(items.map(({ turn, key }) => [turn, key])).toEqual(
      Array.from({ length: ROUNDS }, (_, n) => [ROUNDS - n, `round-${ROUNDS - n}`]),
    );
    expect(session).toMatchObject({ turns: ROUNDS });
    expect(session.totals.failed).toBe(items.filter(({ status }) => status !== "completed").length);
  });
});

async function ask({ client }: System, session_id: string, message_key: string) {
  const files = [{ name: "people.csv", text: CSV }];
  const text = "每列的平均值是多少？";
  return await client.turns.send({ session_id, text, files, message_key }).catch(() => undefined);
}

/** The API's own process: the one that serves. */
async function apiProcesses({ dataDir }: System): Promise<number[]> {
  const pids = await processesOf(dataDir);
  const named = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "") })),
  );
  return named.filter(({ line }) => /api\/dist\/main\.js/.test(line)).map(({ pid }) => pid);
}
