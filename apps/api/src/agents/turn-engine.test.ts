import {
  type AgentRunner,
  type Block,
  MemoryRecordStore,
  newAgentId,
  type RunEvent,
  type RunOutcome,
  type RunRequest,
  type Turn,
} from "@stagefold/core";
import { afterEach, describe, expect, it } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { LOCAL, type Principal } from "../auth/principal.ts";
import { createContextInner } from "../context.ts";
import { appRouter } from "../routers/index.ts";
import { eventsBetween } from "./watch-turn.ts";

const USAGE = {
  input_tokens: 10,
  output_tokens: 5,
  cached_tokens: 0,
  tool_calls: 1,
  steps: 1,
  cost_usd: 0.002,
};
const DONE: RunOutcome = { status: "completed", error: null, finish_reason: "stop", usage: USAGE };

/** An agent whose turns say and do what the test tells them to. */
class Scripted implements AgentRunner {
  readonly requests: RunRequest[] = [];
  readonly #waiting: ((outcome: RunOutcome) => void)[] = [];
  #emit: ((event: RunEvent) => void)[] = [];

  async run(...[request, { signal, onEvent }]: Parameters<AgentRunner["run"]>): Promise<RunOutcome> {
    this.requests.push(request);
    this.#emit.push(onEvent);
    return await new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => {
        this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
        resolve({ ...DONE, status: "cancelled", finish_reason: "stopped" });
      });
    });
  }

  async say(text: string, at = 0): Promise<void> {
    await this.#started();
    this.#emit.at(-1)?.({ event: "text", block: 0, at, text });
  }

  async end(outcome: RunOutcome = DONE): Promise<void> {
    await this.#started();
    this.#waiting.shift()?.(outcome);
  }

  async #started(): Promise<void> {
    await expect.poll(() => this.#waiting.length, { interval: 1 }).toBeGreaterThan(0);
  }
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function setUp({ concurrency = 8 } = {}) {
  const runner = new Scripted();
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records, runner, agentConcurrency: concurrency };
  const context = createContextInner(deps);
  closing.push(async () => {
    // What a test leaves running would wait for the grace that turns get.
    while (context.turns.figures.running > 0) await runner.end();
    await context.turns.close();
  });
  const agent_id = newAgentId();
  const version = {
    version: 1,
    project_id: "proj_0123456789ab",
    run: 1,
    stage: "agent_code_developer",
    attempt: 1,
    at: "2025-06-01T10:00:00.000Z",
    kind: "rules" as const,
    entry: "agents/a/a.mjs",
    tools: [],
    unmet: [],
    secrets: [],
  };
  await context.agentRecords.agents.publish(agent_id, { agent_name: "a", user_id: "ada" }, version);
  const as = (principal: Principal, signal?: AbortSignal) =>
    appRouter.createCaller({ ...context, principal }, signal ? { signal } : {});
  return { runner, records, deps, context, agent_id, as, api: as(LOCAL) };
}

const member = (user_id: string): Principal => ({
  kind: "user",
  id: `user:${user_id}`,
  name: user_id,
  role: "member",
  user_id,
});

/** What a watch said, without its number: here it comes as it is sent. */
function dataOf<T>(tracked: { readonly data: T }): T {
  return Array.isArray(tracked) ? tracked[1] : tracked.data;
}

/** Everything that a watch says, as it comes. */
function collect(watching: Promise<AsyncIterable<unknown>>) {
  const events: unknown[] = [];
  const done = (async () => {
    for await (const tracked of await watching) events.push(Array.isArray(tracked) ? tracked[1] : tracked);
  })();
  return { events, done };
}

describe("turns", () => {
  it("a watch begins with the turn, brings each text once, and ends with end; a later one begins with what there is", async () => {
    const { api, runner, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    const sent = await api.turns.send({ session_id, text: "question", message_key: "k" });
    expect(sent).toEqual({ session_id, turn: 1, again: false });
    expect(await api.turns.send({ session_id, text: "question", message_key: "k" })).toEqual({
      ...sent,
      again: true,
    });
    const first = collect(api.turns.watch({ session_id }));
    await expect.poll(() => first.events.length).toBe(1);
    await runner.say("Hel");
    await runner.say("lo", 3);
    const second = collect(api.turns.watch({ session_id, turn: 1 }));
    await expect.poll(() => second.events.length).toBe(1);
    await runner.end();
    await Promise.all([first.done, second.done]);
    const end = { event: "end", status: "completed", error: null, finish_reason: "stop", usage: USAGE };
    expect(first.events).toMatchObject([
      { event: "turn", turn: { turn: 1, status: "running", blocks: [], user: { text: "question" } } },
      { event: "text", block: 0, at: 0, text: "Hel" },
      { event: "text", block: 0, at: 3, text: "lo" },
      end,
    ]);
    expect(second.events).toMatchObject([{ event: "turn", turn: { blocks: [{ text: "Hello" }] } }, end]);
    const third = collect(api.turns.watch({ session_id }));
    await third.done;
    expect(third.events).toMatchObject([{ event: "turn", turn: { status: "completed" } }, end]);
  });

  it("a reader that reconnects a hundred times gets each text once", async () => {
    const { as, api, runner, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    const { turn } = await api.turns.send({ session_id, text: "question" });
    const pieces = Array.from({ length: 100 }, (_, n) => `piece ${n}, `);
    const seen: string[] = [];
    for (const piece of pieces) {
      const connection = new AbortController();
      const events = await as(LOCAL, connection.signal).turns.watch({ session_id, turn });
      for await (const tracked of events) {
        const event = dataOf(tracked);
        // The turn as it is has all that came before, and the piece that follows is the next one.
        if (event.event === "turn") {
          const [block] = event.turn.blocks;
          expect(block?.type === "text" ? block.text : "").toBe(seen.join(""));
          await runner.say(piece, seen.join("").length);
        }
        if (event.event !== "text") continue;
        expect(event.at).toBe(seen.join("").length);
        seen.push(event.text);
        break;
      }
      connection.abort();
    }
    expect(seen).toEqual(pieces);
    await runner.end();
    const last = collect(api.turns.watch({ session_id, turn }));
    await last.done;
    const whole = { blocks: [{ type: "text", text: pieces.join("") }] };
    expect(last.events).toMatchObject([
      { event: "turn", turn: whole },
      { event: "end", status: "completed" },
    ]);
  });

  it("a session of 5,000 turns opens in two requests to the store", async () => {
    const { api, context, records, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    const common = { session_id, agent_id, version: 1, caller: "web", status: "completed" as const };
    const at = "2026-01-01T00:00:00.000Z";
    const figures = { ...USAGE, error: null, finish_reason: "stop", blocks: [], started_at: at };
    const many = Array.from({ length: 5000 }, (_, n) => {
      return { ...common, ...figures, key: `k${n}`, user: { text: `question ${n + 1}`, files: [] } };
    });
    await context.agentRecords.imports.addTurns(await context.agentRecords.sessions.get(session_id), many);
    const requests: string[] = [];
    const spied = new Proxy(records, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          requests.push(String(name));
          return Reflect.apply(value, target, args);
        };
      },
    });
    const opened = appRouter.createCaller({
      ...createContextInner({ ...memoryDeps(), records: spied }),
      principal: LOCAL,
    });
    const page = await opened.turns.list({ session_id });
    expect(requests).toEqual(["get", "query"]);
    expect(page.items.map(({ turn }) => turn)).toEqual(Array.from({ length: 50 }, (_, n) => 5000 - n));
    const older = await opened.turns.list({ session_id, cursor: page.next_cursor });
    expect(older.items[0]).toMatchObject({ turn: 4950, user: { text: "question 4950" } });
    expect(requests).toHaveLength(4);
  });

  it("the next turn is given the ones before it, oldest first; messages are a view of them", async () => {
    const { api, runner, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    for (const n of [1, 2, 3]) {
      await api.turns.send({ session_id, text: `q${n}`, after_turn: n - 1 });
      await runner.say(`a${n}`);
      await runner.end();
      await collect(api.turns.watch({ session_id })).done;
    }
    expect(runner.requests.map(({ history }) => history.map(({ user }) => user.text))).toEqual([
      [],
      ["q1"],
      ["q1", "q2"],
    ]);
    const { items, next_cursor } = await api.messages.list({ session_id, limit: 4 });
    expect(items.map(({ role, content }) => [role, content])).toEqual([
      ["assistant", "a3"],
      ["user", "q3"],
      ["assistant", "a2"],
      ["user", "q2"],
    ]);
    const rest = await api.messages.list({ session_id, cursor: next_cursor });
    expect(rest.items.map(({ content }) => content)).toEqual(["a1", "q1"]);
    for (const limit of [1, 2, 3, 5]) {
      const contents: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await api.messages.list({ session_id, limit, cursor });
        expect(page.items.length, `at most ${limit}`).toBeLessThanOrEqual(limit);
        contents.push(...page.items.map(({ content }) => content));
        cursor = page.next_cursor;
      }
      expect(contents, `pages of ${limit}`).toEqual(["a3", "q3", "a2", "q2", "a1", "q1"]);
    }
    const { next_cursor: turns } = await api.turns.list({ session_id, limit: 1 });
    const other = await api.sessions.create({ agent_id });
    for (const call of [
      () => api.turns.list({ session_id: other.session_id, cursor: turns }),
      () => api.messages.list({ session_id: other.session_id, cursor: next_cursor }),
      () => api.messages.list({ session_id, cursor: turns }),
    ])
      await expect(call(), "of another list").rejects.toMatchObject({ cause: { code: "INVALID_INPUT" } });
    expect(await api.sessions.get({ session_id })).toMatchObject({
      turns: 3,
      totals: { input_tokens: 30, cost_usd: 0.006 },
    });
  });

  it("a stopped turn keeps its text; a retry is a new turn that names it", async () => {
    const { api, runner, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    const files = [{ name: "x.csv", text: "a,b\n1,2\n" }];
    await api.turns.send({ session_id, text: "question", files });
    await runner.say("half");
    await api.turns.stop({ session_id, turn: 1 });
    await collect(api.turns.watch({ session_id })).done;
    const stopped = await api.turns.get({ session_id, turn: 1 });
    expect(stopped).toMatchObject({ status: "cancelled", blocks: [{ type: "text", text: "half" }] });
    expect(await api.turns.stop({ session_id, turn: 1 })).toEqual(stopped);
    expect(await api.turns.retry({ session_id, turn: 1 })).toMatchObject({ turn: 2, again: false });
    await runner.end();
    await collect(api.turns.watch({ session_id })).done;
    expect(await api.turns.get({ session_id, turn: 2 })).toMatchObject({ retry_of: 1, user: stopped.user });
    expect(stopped.user.files).toMatchObject([{ name: "x.csv", media_type: "text/csv", size: 8 }]);
  });

  it("an agent that cannot be run is a failed turn, never an open one", async () => {
    const { api, runner, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    runner.run = () => Promise.reject(new Error("secret of the provider"));
    await api.turns.send({ session_id, text: "question" });
    await collect(api.turns.watch({ session_id })).done;
    const turn = await api.turns.get({ session_id, turn: 1 });
    expect(turn).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
    expect(JSON.stringify(turn)).not.toContain("secret");
  });

  it("more turns than may run wait for one another", async () => {
    const { api, runner, agent_id } = await setUp({ concurrency: 1 });
    const [one, two] = [await api.sessions.create({ agent_id }), await api.sessions.create({ agent_id })];
    await api.turns.send({ session_id: one.session_id, text: "first" });
    await api.turns.send({ session_id: two.session_id, text: "second" });
    await runner.say("a");
    expect(runner.requests.map(({ user }) => user.text)).toEqual(["first"]);
    await runner.end();
    await expect.poll(() => runner.requests.length).toBe(2);
    await runner.end();
    await collect(api.turns.watch({ session_id: two.session_id })).done;
    expect(await api.turns.get({ session_id: two.session_id, turn: 1 })).toMatchObject({
      status: "completed",
    });
  });

  it("a server that is stopped records what it ran as interrupted, with its text, and takes nothing more", async () => {
    const { api, runner, context, agent_id } = await setUp();
    const { session_id } = await api.sessions.create({ agent_id });
    await api.turns.send({ session_id, text: "question" });
    await runner.say("half");
    await context.turns.close();
    expect(await api.turns.get({ session_id, turn: 1 })).toMatchObject({
      status: "interrupted",
      error: { code: "RUNNER_LOST" },
      blocks: [{ text: "half" }],
    });
    await expect(api.turns.send({ session_id, text: "more" })).rejects.toMatchObject({
      cause: { code: "STORE_UNAVAILABLE" },
    });
  });

  it("a turn that another process was told to stop is stopped", async () => {
    const { api, runner, deps, agent_id } = await setUp();
    const other = appRouter.createCaller(createContextInner(deps));
    const { session_id } = await api.sessions.create({ agent_id });
    await api.turns.send({ session_id, text: "question" });
    await runner.say("half");
    const watched = collect(other.turns.watch({ session_id }));
    expect(await other.turns.stop({ session_id, turn: 1 })).toMatchObject({ status: "running" });
    await watched.done;
    expect(watched.events).toMatchObject([
      { event: "turn", turn: { status: "running" } },
      { event: "text", block: 0, at: 0, text: "half" },
      { event: "end", status: "cancelled" },
    ]);
  });

  it("invoke answers with the ended call, or with one that runs once it has waited", async () => {
    const { api, runner, agent_id } = await setUp();
    const asked = { agent_id, text: "question", invocation_key: "i", user_id: "ada" };
    const running = await api.agents.invoke({ ...asked, wait_seconds: 0 });
    expect(running).toMatchObject({ status: "running", user_id: "ada" });
    expect(running).not.toHaveProperty("token");
    expect(running).not.toHaveProperty("lease");
    const invoked = api.agents.invoke(asked);
    await runner.say("answer");
    await runner.end();
    const ended = await invoked;
    expect(ended).toMatchObject({
      invocation_id: running.invocation_id,
      status: "completed",
      blocks: [{ text: "answer" }],
    });
    expect(runner.requests).toHaveLength(1);
    const { invocation_id = "" } = ended;
    expect(await api.invocations.get({ invocation_id })).toEqual(ended);
    expect((await api.invocations.list({ agent_id })).items).toMatchObject([
      { invocation_id, status: "completed" },
    ]);
    const { all, days } = await api.stats.invocations({ days: 2, agent_id });
    expect(all).toMatchObject({ calls: 1, completed: 1, success_rate: 1, input_tokens: 10, cost_usd: 0.002 });
    expect(days.map(({ date, calls }) => [date, calls])).toEqual([
      ["2025-05-31", 0],
      ["2025-06-01", 1],
    ]);
    expect((await api.stats.agents({ days: 1 })).items).toMatchObject([{ agent_id, calls: 1 }]);
  });
});

describe("who may", () => {
  it("a member talks to every agent, in sessions of its own alone, and changes its own agents alone", async () => {
    const { as, agent_id } = await setUp();
    const [ada, bob] = [as(member("ada")), as(member("bob"))];
    const { session_id, ...session } = await bob.sessions.create({ agent_id });
    expect(session).toMatchObject({ user_id: "bob" });
    const forbidden = { cause: { code: "FORBIDDEN" } };
    await expect(ada.turns.send({ session_id, text: "question" })).rejects.toMatchObject(forbidden);
    await expect(ada.sessions.rename({ session_id, title: "mine" })).rejects.toMatchObject(forbidden);
    await expect(ada.sessions.delete({ session_id })).rejects.toMatchObject(forbidden);
    await expect(bob.agents.disable({ agent_id })).rejects.toMatchObject(forbidden);
    await expect(bob.sessions.create({ agent_id, user_id: "ada" })).rejects.toMatchObject(forbidden);
    expect(await ada.agents.disable({ agent_id })).toMatchObject({ status: "disabled" });
    await expect(bob.turns.send({ session_id, text: "question" })).rejects.toMatchObject({
      cause: { code: "AGENT_DISABLED" },
    });
    const viewer = as({ ...member("eve"), role: "viewer" });
    await expect(viewer.agents.invoke({ agent_id, text: "question" })).rejects.toMatchObject(forbidden);
    expect((await viewer.agents.list()).items).toHaveLength(1);
  });

  it("an agent that is not there, a file that is none", async () => {
    const { api, agent_id } = await setUp();
    const unknown = { agent_id: "proj_x:csv_agent" };
    await expect(api.agents.get(unknown)).rejects.toMatchObject({ cause: { code: "AGENT_NOT_FOUND" } });
    await expect(api.sessions.create(unknown)).rejects.toMatchObject({ cause: { code: "AGENT_NOT_FOUND" } });
    const { session_id } = await api.sessions.create({ agent_id });
    for (const file of [
      { name: "../x", text: "" },
      { name: "x", base64: "no base64!" },
      // A pattern over the padding took the square of its length in time.
      { name: "x", base64: `${"=".repeat(200_000)}a` },
      { name: "x" },
      { name: "x", text: "a", base64: "YQ==" },
    ])
      await expect(api.turns.send({ session_id, text: "q", files: [file] }), file.name).rejects.toMatchObject(
        {
          code: "BAD_REQUEST",
        },
      );
    expect(await api.turns.list({ session_id })).toEqual({ items: [], next_cursor: null });
  });
});

describe("eventsBetween", () => {
  const turn = (blocks: Block[]): Turn => ({
    ...USAGE,
    agent_id: "agent_0123456789ab",
    version: 1,
    caller: "api",
    key: "k",
    user: { text: "q", files: [] },
    started_at: "2025-06-01T10:00:00.000Z",
    status: "running",
    error: null,
    finish_reason: null,
    blocks,
  });
  const tool: Block = { type: "tool", id: "t", name: "sum", input: {}, output: null, status: "running" };

  it("says what came, and where blocks were given away the turn as it is", () => {
    const before = turn([{ type: "text", text: "a" }, tool]);
    const ended: Block = { ...tool, output: "3", status: "completed" };
    const now = turn([{ type: "text", text: "ab" }, ended, { type: "text", text: "c" }]);
    expect(eventsBetween(before, now)).toEqual([
      { event: "text", block: 0, at: 1, text: "b" },
      { event: "tool", block: 1, tool: ended },
      { event: "text", block: 2, at: 0, text: "c" },
    ]);
    expect(eventsBetween(now, now)).toEqual([]);
    const given = turn([{ type: "text", text: "", ref: "x" }, ended]);
    expect(eventsBetween(before, given)).toEqual([{ event: "turn", turn: given }]);
  });
});
