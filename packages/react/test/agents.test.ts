import { builtInPipelines } from "@stagefold/agent-build";
import { startApi } from "@stagefold/api";
import { createClient } from "@stagefold/client";
import {
  AgentRecords,
  type AgentRunner,
  createMemoryFileStores,
  MemoryChangeFeed,
  MemoryProjectStore,
  MemoryRecordStore,
  newAgentId,
  Repository,
  type RunEvent,
  type RunOutcome,
} from "@stagefold/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentOf, sendTurn, stopTurn, turnsOf } from "../src/agents.ts";
import { Live } from "../src/live.ts";

const usage = { input_tokens: 1, output_tokens: 2, cached_tokens: 0, tool_calls: 0, steps: 1, cost_usd: 0 };
const DONE: RunOutcome = { status: "completed", error: null, finish_reason: "stop", usage };

/** An agent whose turns say what the test tells them to, and end when it says so. */
class Scripted implements AgentRunner {
  emit: ((event: RunEvent) => void) | undefined;
  end: (() => void) | undefined;

  async run(...[, { signal, onEvent }]: Parameters<AgentRunner["run"]>): Promise<RunOutcome> {
    this.emit = onEvent;
    return await new Promise((resolve) => {
      this.end = () => resolve(DONE);
      signal.addEventListener("abort", () =>
        resolve({ ...DONE, status: "cancelled", finish_reason: "stopped" }),
      );
    });
  }
}

const runner = new Scripted();
const records = new MemoryRecordStore();
const { artifacts, logs } = createMemoryFileStores();
const { agents } = new AgentRecords({ records, artifacts });
const agent_id = newAgentId();
const versionOf = (version: number) => ({
  ...{ version, project_id: "proj_0123456789ab", run: version, stage: "one", attempt: 1 },
  ...{ at: "2025-06-01T10:00:00.000Z", kind: "rules" as const, entry: "a.mjs" },
  ...{ tools: [], unmet: [], secrets: [] },
});
let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  const store = new MemoryProjectStore();
  const repository = new Repository({ store, artifacts, logs, leaseMs: 60_000 });
  const feed = new MemoryChangeFeed(store);
  api = await startApi(
    { repository, feed, artifacts, logs, records, runner, pipelines: builtInPipelines() },
    { host: "127.0.0.1", port: 0 },
  );
  await agents.publish(agent_id, { agent_name: "scripted" }, versionOf(1));
});
afterAll(() => api.close());

function setUp() {
  const client = createClient({ url: api.url });
  return { client, live: new Live(client) };
}

test("a turn grows while it is answered, is kept as it ended, and the next one comes behind it", async () => {
  const { client, live } = setUp();
  const { session_id } = await client.sessions.create({ agent_id });
  const turns = turnsOf(live, session_id);
  const texts: unknown[] = [];
  const leave = turns.subscribe(() => texts.push(turns.read().value?.at(-1)?.blocks.map(Object)[0]?.text));
  await expect.poll(() => turns.read()).toMatchObject({ status: "ready", value: [] });
  expect(await sendTurn(live, { session_id, text: "first" })).toMatchObject({ turn: 1 });
  await expect.poll(() => turns.read().value).toMatchObject([{ turn: 1, status: "running" }]);
  const say = async (at: number, text: string) => {
    runner.emit?.({ event: "text", block: 0, at, text });
    await expect.poll(() => texts.at(-1)).toMatch(new RegExp(`${text}$`));
  };
  await expect.poll(() => runner.emit).toBeDefined();
  await say(0, "Hel");
  await say(3, "lo");
  expect(turns.read().value).toMatchObject([{ status: "running", blocks: [{ text: "Hello" }] }]);
  // Another question while it runs is refused, and what is shown continues.
  await expect(sendTurn(live, { session_id, text: "early" })).rejects.toMatchObject({ code: "SESSION_BUSY" });
  runner.end?.();
  await expect
    .poll(() => turns.read().value)
    .toMatchObject([
      { turn: 1, status: "completed", blocks: [{ text: "Hello" }], ended_at: expect.any(String) },
    ]);

  await sendTurn(live, { session_id, text: "second" });
  await expect
    .poll(() => turns.read().value?.map(({ turn, user }) => [turn, user.text]))
    .toEqual([
      [1, "first"],
      [2, "second"],
    ]);
  expect(await stopTurn(live, session_id)).toMatchObject({ turn: 2 });
  await expect.poll(() => turns.read().value?.at(-1)).toMatchObject({ status: "cancelled" });
  expect(await stopTurn(live, session_id)).toBeUndefined();
  leave();
});

test("a conversation that is not there fails with the API's own refusal", async () => {
  const { live } = setUp();
  const turns = turnsOf(live, `sess_${"0".repeat(32)}`);
  await expect(turns.settled()).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});

test("an agent is shown, and again when one of its builds changes", async () => {
  const { client, live } = setUp();
  const agent = agentOf(live, agent_id);
  let shown = 0;
  agent.subscribe(() => shown++);
  const versions = () => agent.read().value?.versions.map(({ version }) => version);
  await expect.poll(() => live.readConnection()).toBe("online");
  // Read at once, and once more when the stream is there, which may be later.
  await expect.poll(() => shown).toBe(2);
  expect(versions()).toEqual([1]);
  await agents.publish(agent_id, { agent_name: "scripted" }, versionOf(2));
  // A build of something else says nothing of it.
  await client.projects.create({ requirement: "another" });
  await new Promise((next) => setTimeout(next, 300));
  expect(shown).toBe(2);
  expect(versions()).toEqual([1]);
  await client.projects.create({ requirement: "a further version", agent_id });
  await expect.poll(() => versions()?.sort()).toEqual([1, 2]);
  const missing = agentOf(live, newAgentId());
  await expect(missing.settled()).rejects.toMatchObject({ code: "AGENT_NOT_FOUND" });
});
