import { readFile } from "node:fs/promises";
import { agentIdOf, invocationIdOf, parseRef, sessionIdOf } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import {
  countOf,
  LOCAL_AGENT,
  tableSources,
  V1,
  V1_AGENT,
  V2,
  V2_AGENT,
  V2_SESSION,
} from "./agents-fixtures.ts";
import { sourceOf } from "./fixtures.ts";
import { aPlace } from "./place.ts";

const BOTH = { ...V1, ...V2 };
const MANY = SOAK ? 5000 : 1000;
const sum = (counts: object) => Object.values(counts).reduce((total: number, one) => total + Number(one), 0);
const rowsOf = (name: string, rows: readonly object[]) =>
  sourceOf(
    name,
    rows.map((row) => JSON.stringify(row)),
  );
const v1Session = () => sessionIdOf("1c0ffee0-0000-4000-8000-000000000001");

async function turnsOf({ records }: Awaited<ReturnType<typeof aPlace>>, session_id: string) {
  const { turns } = await records.turns.list(session_id, { limit: 10_000 });
  return turns.toReversed();
}

describe("the older tables of agents", () => {
  it.each(["dynamodb", "plain"] as const)("come in whole, both generations, as %s JSON", async (form) => {
    await using place = await aPlace();
    const summary = await place.run({ sources: tableSources(BOTH, form), report: place.report });
    expect(summary).toMatchObject({
      rows: countOf(BOTH),
      merged: countOf(BOTH),
      read: { agent: 3, session: 2, message: 7, invocation: 3, unreadable: 0 },
      agents: { created: 3 },
      sessions: { created: 2 },
      turns: 3,
      invocations: 2,
      report: null,
    });
    const { agents, sessions, turns } = place.records;
    const csv = await agents.get(V1_AGENT);
    expect(csv).toMatchObject({
      agent_id: await agentIdOf(V1_AGENT),
      aliases: [V1_AGENT],
      agent_name: "csv_agent",
      description: "Means of columns",
      category: "data",
      tags: ["csv", "mean"],
      status: "ready",
      versions: [],
      created_at: "2025-10-01T08:00:00.123Z",
      imported: { calls: 40, failed: 1, last_called_at: "2025-10-09T08:00:00.250Z", status: "running" },
    });
    expect(await agents.get(V2_AGENT)).toMatchObject({
      aliases: [],
      imported: {
        calls: 10,
        failed: 3,
        avg_duration_ms: 812.5,
        tools: ["greeting"],
        capabilities: ["greet"],
      },
    });
    expect(await agents.get(LOCAL_AGENT)).toMatchObject({
      agent_name: "weather_bot",
      aliases: [LOCAL_AGENT],
    });

    const one = await v1Session();
    expect(await sessions.get(one)).toMatchObject({
      agent_id: csv.agent_id,
      title: "Tables",
      turns: 2,
      totals: { failed: 1, input_tokens: 0 },
      last_active_at: "2025-10-02T10:05:00.500Z",
    });
    const [first, second] = await turnsOf(place, one);
    // Content is text, whatever it looks like; blocks are in the order of their messages.
    expect(first).toMatchObject({
      turn: 1,
      status: "completed",
      user: { text: '{"a": [1, 7]}' },
      started_at: "2025-10-02T10:00:00.000Z",
      duration_ms: 60_000,
      tool_calls: 1,
      blocks: [
        { type: "text", text: "I am counting." },
        { type: "tool", name: "csv_mean", output: "[4]", status: "completed" },
        { type: "text", text: "The mean is 4." },
      ],
    });
    expect(second).toMatchObject({
      status: "interrupted",
      blocks: [],
      started_at: "2025-10-02T10:05:00.500Z",
    });

    const other = await sessionIdOf(V2_SESSION);
    // The invocation of a turn gives it its figures; it is no second call.
    expect(await sessions.get(other)).toMatchObject({
      user_id: "ada",
      totals: { failed: 0, input_tokens: 120, output_tokens: 30 },
      imported: { session_id: V2_SESSION, message_count: 0, status: "closed" },
    });
    expect(await turnsOf(place, other)).toMatchObject([
      { user: { text: "你好" }, blocks: [{ text: "你好，Ada！" }], input_tokens: 120, duration_ms: 820 },
    ]);
    const invocation_id = await invocationIdOf("inv_0123456789ac");
    expect(await turns.get({ invocation_id })).toMatchObject({
      agent_id: await agentIdOf(LOCAL_AGENT),
      status: "failed",
      error: { code: "AGENT_FAILED", message: "no network" },
      user: { text: "rain?" },
    });
    const { items } = await place.records.lists.turns(csv.agent_id, {}, 10);
    expect(items.map(({ text, status }) => [text, status])).toEqual([
      ["mean of 1 and 3", "completed"],
      ["And the median?", "interrupted"],
      ['{"a": [1, 7]}', "completed"],
    ]);
    expect((await place.records.lists.sessions({ user_id: "ada" }, 10)).items).toHaveLength(1);
  });

  it("changes nothing the second time, and a dry run changes nothing at all", async () => {
    await using place = await aPlace();
    const tables = { ...BOTH, again: V2.nexus_messages };
    const dry = await place.run({ sources: tableSources(tables), dryRun: true });
    expect(await place.records.imports.findAgent(V2_AGENT)).toBeUndefined();
    const real = await place.run({ sources: tableSources(tables) });
    expect({ ...dry, dry_run: false }).toEqual(real);
    expect(real).toMatchObject({ merged: countOf(BOTH), not_merged: { "already there": 2 } });
    const before = await turnsOf(place, await v1Session());
    const again = await place.run({ sources: tableSources(tables) });
    expect(again).toMatchObject({ merged: 0, turns: 0, not_merged: { "already there": countOf(tables) } });
    expect(again.agents).toEqual({ created: 0, changed: 0, unchanged: 3 });
    expect(await turnsOf(place, await v1Session())).toEqual(before);
  });

  it("takes tables in any order, each in a run of its own", async () => {
    await using whole = await aPlace();
    await whole.run({ sources: tableSources(BOTH) });
    await using place = await aPlace();
    const merged: number[] = [];
    for (const source of tableSources(BOTH).toReversed()) {
      const { merged: now, deferred } = await place.run({ sources: [source] });
      merged.push(now + deferred.merged);
    }
    expect(sum(merged)).toBe(countOf(BOTH));
    for (const id of [await v1Session(), await sessionIdOf(V2_SESSION)]) {
      expect(await turnsOf(place, id)).toEqual(await turnsOf(whole, id));
      expect(await place.records.sessions.get(id)).toEqual(await whole.records.sessions.get(id));
    }
    for (const id of [V1_AGENT, V2_AGENT])
      expect(await place.records.agents.get(id)).toEqual(await whole.records.agents.get(id));
  });

  it("names each row that it cannot take, and why", async () => {
    await using place = await aPlace();
    const message = {
      session_id: "s",
      message_id: "m",
      role: "user",
      content: "x",
      created_at: "2026-01-01T00:00:00Z",
    };
    const { agent_id: _id, ...nameless } = V1.AgentInstances[0] ?? {};
    const bad = [
      { ...message, content: { text: "x" } },
      { ...message, role: "narrator" },
      { ...message, created_at: "yesterday" },
      { ...message, session_id: 7 },
      { session_id: "s", agent_id: ["a"] },
      { invocation_id: "i", agent_id: "a", timestamp: "never" },
      { agent_id: 12, agent_name: "n" },
      { agent_id: "x".repeat(300), agent_name: "n" },
      nameless,
    ];
    const waiting = [message, { ...message, session_id: "t" }, { session_id: "t", agent_id: "nowhere" }];
    const summary = await place.run({ sources: [rowsOf("bad", [...bad, ...waiting])], report: place.report });
    expect(summary).toMatchObject({
      rows: bad.length + waiting.length,
      merged: 0,
      not_merged: { unreadable: bad.length, "no such session": 1, "no such agent": 2 },
    });
    const report = (await readFile(place.report, "utf8")).trim().split("\n");
    expect(report).toHaveLength(bad.length + waiting.length);
    expect(report.map((line) => JSON.parse(line).line).sort((a, b) => a - b)).toEqual(
      report.map((_, i) => i + 1),
    );
    for (const line of report.map((one) => JSON.parse(one)))
      if (line.reason === "unreadable") expect(line.detail).toContain("expected");

    // The agent comes: what waits for it follows, and the session of the other message still does not.
    const agent = {
      agent_id: "nowhere",
      agent_name: "n",
      call_count: "many",
      success_rate: [],
      created_at: 1767225600,
    };
    const later = await place.run({ sources: [rowsOf("agents", [agent])] });
    expect(later).toMatchObject({ merged: 1, deferred: { merged: 2 }, sessions: { created: 1 }, turns: 1 });
    expect(await place.records.agents.get("nowhere")).toMatchObject({
      created_at: "2026-01-01T00:00:00.000Z",
      imported: { calls: 0 },
    });
  });

  it("makes the agents and sessions that rows need, where it is told to", async () => {
    await using place = await aPlace();
    const rules = { orphans: "create" } as const;
    const messages = tableSources({
      m: V1.AgentSessionMessages,
      i: V2.nexus_invocations,
      s: V2.nexus_sessions,
    });
    const summary = await place.run({ sources: messages, rules });
    expect(summary).toMatchObject({ merged: 8, agents: { created: 3 }, sessions: { created: 2 } });
    expect(await place.records.agents.get(V1_AGENT)).toMatchObject({ agent_name: "csv_agent", versions: [] });
    const own = await place.run({ sources: tableSources(BOTH) });
    expect(own).toMatchObject({ agents: { created: 0, changed: 3 } });
    expect(await place.records.agents.get(V2_AGENT)).toMatchObject({ imported: { calls: 10 } });
  });

  it("adds what came later, and never touches a turn that is there", async () => {
    await using place = await aPlace();
    await place.run({ sources: tableSources(V2) });
    const id = await sessionIdOf(V2_SESSION);
    const [before] = await turnsOf(place, id);
    const at = (message_id: string, role: string, created_at: string) => ({
      ...{ session_id: V2_SESSION, message_id, role, content: message_id, created_at },
    });
    const rows = [
      at("before", "user", "2026-01-04T10:00:00Z"),
      at("into", "assistant", "2026-01-05T10:00:03Z"),
      at("q2", "user", "2026-01-06T10:00:00Z"),
      at("a2", "assistant", "2026-01-06T10:00:01Z"),
    ];
    const later = await place.run({ sources: [rowsOf("later", rows)] });
    expect(later).toMatchObject({
      merged: 2,
      not_merged: { "too late": 2 },
      sessions: { changed: 1 },
      turns: 1,
    });
    expect(await turnsOf(place, id)).toMatchObject([before, { turn: 2, user: { text: "q2" } }]);
    expect(await place.records.sessions.get(id)).toMatchObject({ turns: 2, imported: { turns: 2 } });

    // Once people go on with it here, its older rows are too late: no turn of theirs is moved.
    const asked = { agent_id: V2_AGENT, version: 1, caller: "web", key: "k", text: "here", files: [] };
    const begun = await place.records.turns.begin(id, { ...asked, timeout_seconds: 60 });
    if (begun.again) throw new Error("expected a new turn");
    const ended_at = begun.turn.started_at;
    await begun.lease.finish({ ...begun.turn, status: "completed", finish_reason: "stop", ended_at });
    const tooLate = await place.run({
      sources: [rowsOf("too late", [at("q3", "user", "2026-01-07T10:00:00Z")])],
    });
    expect(tooLate).toMatchObject({ merged: 0, not_merged: { "too late": 1 } });
    expect((await turnsOf(place, id)).map(({ user }) => user.text)).toEqual(["你好", "q2", "here"]);
  });

  it("keeps long messages whole in the artifact store, and a long session", async () => {
    await using place = await aPlace();
    await place.run({ sources: tableSources({ agents: V2.nexus_agents, sessions: V2.nexus_sessions }) });
    const long = "长".repeat(40_000);
    const rows = Array.from({ length: MANY }, (_, i) => ({
      session_id: V2_SESSION,
      message_id: String(i).padStart(8, "0"),
      role: i % 2 === 0 ? "user" : "assistant",
      content: i < 2 ? long : `${i}`,
      created_at: new Date(Date.UTC(2026, 0, 5) + i * 1000).toISOString(),
    }));
    const summary = await place.run({ sources: [rowsOf("messages", rows.toReversed())] });
    expect(summary).toMatchObject({ merged: MANY, turns: MANY / 2 });
    const turns = await turnsOf(place, await sessionIdOf(V2_SESSION));
    expect(turns.slice(1).map(({ user }) => Number(user.text))).toEqual(
      Array.from({ length: MANY / 2 - 1 }, (_, i) => 2 * i + 2),
    );
    const [first] = turns;
    for (const part of [first?.user, first?.blocks[0]]) {
      const found = await place.artifacts.get(parseRef(part?.ref ?? ""));
      if (!found) throw new Error("expected the whole text in the artifact store");
      const chunks: Uint8Array[] = [];
      for await (const chunk of found.stream) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString() === long).toBe(true);
    }
  });

  it("gives two agents that used one id for a session each theirs", async () => {
    await using place = await aPlace();
    const agents = ["a", "b"].map((agent_id) => ({ agent_id, agent_name: agent_id }));
    const sessions = ["a", "b"].map((agent_id) => ({ agent_id, session_id: "default" }));
    const messages = ["a", "b", "b"].map((agent_id, i) => ({
      ...{ session_id: "default", agent_id, message_id: `m${i}`, role: "user", content: agent_id },
      created_at: `2026-01-01T00:00:0${i}Z`,
    }));
    const run = () => place.run({ sources: [rowsOf("all", [...messages, ...sessions, ...agents])] });
    expect(await run()).toMatchObject({ merged: 7, sessions: { created: 2 }, turns: 3 });
    expect(await run()).toMatchObject({ merged: 0, turns: 0 });
    expect(await turnsOf(place, await sessionIdOf("default"))).toHaveLength(1);
    expect(await turnsOf(place, await sessionIdOf("default", "b"))).toHaveLength(2);
  });
});
