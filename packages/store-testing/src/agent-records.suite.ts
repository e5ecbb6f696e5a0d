import {
  AGENT_LIMITS,
  AgentRecords,
  type AgentVersion,
  type Asked,
  agentIdOfBuild,
  type Block,
  createMemoryFileStores,
  newAgentId,
  newInvocationId,
  parseRef,
  type RecordStore,
  type Turn,
  type TurnLease,
} from "@stagefold/core";
import { FakeClock } from "@stagefold/core/testing";
import { describe, expect, it } from "vitest";

const USAGE = {
  input_tokens: 900,
  output_tokens: 200,
  cached_tokens: 0,
  tool_calls: 1,
  steps: 2,
  cost_usd: 0.1,
};

/** Agents, sessions and turns on a record store: what every one must do. Each test has agents and sessions of its own. */
export function agentRecordsSuite(name: string, getStore: () => RecordStore): void {
  function setUp() {
    const clock = new FakeClock("2026-03-01T23:59:00.000Z");
    const { artifacts } = createMemoryFileStores();
    const uptime = { ms: 0 };
    const monotonic = () => uptime.ms;
    const make = () =>
      new AgentRecords({ records: getStore(), artifacts, clock, monotonic, sessionDays: 30 });
    // Two processes, and an agent of its own for each test.
    return { clock, uptime, artifacts, one: make(), two: make(), agent_id: newAgentId() };
  }

  function made(run: number): AgentVersion {
    return {
      version: 1,
      project_id: "proj_0123456789ab",
      run,
      stage: "agent_code_developer",
      attempt: 1,
      at: "2026-03-01T00:00:00.000Z",
      kind: "rules",
      entry: "agents/a/a.mjs",
      tools: [{ name: "csv_mean", description: "Means of columns" }],
      unmet: ["draw_pictures"],
      secrets: [],
    };
  }

  function asking(agent_id: string, key: string, text = `question ${key}`): Asked {
    return {
      agent_id,
      version: 1,
      user_id: "ada",
      caller: "web",
      key,
      text,
      files: [],
      timeout_seconds: 300,
    };
  }

  const ended = (turn: Turn, blocks: Block[], status: "completed" | "failed" = "completed"): Turn => ({
    ...turn,
    ...USAGE,
    status,
    error: status === "failed" ? { code: "AGENT_FAILED", message: "it did" } : null,
    finish_reason: "stop",
    blocks,
    ended_at: "2026-03-02T00:00:00.000Z",
    duration_ms: 60_000,
  });
  const text = (value: string): Block => ({ type: "text", text: value });

  async function begin(records: AgentRecords, session: string, asked: Asked): Promise<[Turn, TurnLease]> {
    const begun = await records.turns.begin(session, asked);
    if (begun.again) throw new Error(`expected a new turn, found ${begun.turn.turn}`);
    return [begun.turn, begun.lease];
  }

  describe(`agents and sessions: ${name}`, () => {
    it("an agent is made by a build, and has one version for each run, however often it is published", async () => {
      const { one, two, agent_id } = setUp();
      const facts = { agent_name: "csv_agent", user_id: "ada", description: "Means", tags: ["csv"] };
      const first = await one.agents.publish(agent_id, facts, made(1));
      expect(first).toMatchObject({ agent_id, status: "ready", version: 1, revision: 1, title: "csv_agent" });
      expect(await two.agents.publish(agent_id, facts, made(1))).toEqual(first);
      const both = await Promise.all([one, two].map((r) => r.agents.publish(agent_id, facts, made(2))));
      expect(both.map(({ version, versions }) => [version, versions.length])).toEqual([
        [2, 2],
        [2, 2],
      ]);
      expect((await one.agents.get(agent_id)).versions.map(({ run }) => run)).toEqual([1, 2]);
    });

    it("an agent that is updated often can be updated again: its oldest versions leave their files to their builds", async () => {
      const { one, agent_id } = setUp();
      const facts = { agent_name: "csv_agent", user_id: "ada" };
      const files = Array.from({ length: 1200 }, (_, i) => ({
        path: `agents/generated_agents/csv_agent/references/page_${i}.md`,
        stage: "agent_code_developer",
        attempt: 1,
      }));
      const build = (n: number) => `proj_${n.toString(16).padStart(12, "0")}`;
      const publish = async (n: number, run = 1) =>
        await one.agents.publish(agent_id, facts, { ...made(run), project_id: build(n), files });
      await publish(1);
      await publish(1, 2);
      for (let n = 2; n <= 6; n++) await publish(n);
      const { version, versions } = await one.agents.get(agent_id);
      expect([version, versions.length]).toEqual([7, 7]);
      const kept = versions.flatMap((made) => (made.files === undefined ? [] : [made.version]));
      // The first run's files are not what its build lists now: they stay.
      expect(kept[0]).toBe(1);
      expect(kept[1]).toBeGreaterThan(3);
      expect(kept.at(-1)).toBe(7);
      expect(await one.agents.setVersion(agent_id, 2)).toMatchObject({ version: 2 });
    });

    it("an agent is edited, disabled, rolled back and deleted, by its owner alone", async () => {
      const { one, agent_id } = setUp();
      await one.agents.publish(agent_id, { agent_name: "a", user_id: "ada" }, made(1));
      await one.agents.publish(agent_id, { agent_name: "a", user_id: "ada" }, made(2));
      const ada = { by: "user:ada", owner: "ada" };
      const foreign = one.agents.update(agent_id, { title: "mine" }, { by: "user:bob", owner: "bob" });
      await expect(foreign).rejects.toMatchObject({ code: "FORBIDDEN" });
      const edited = await one.agents.update(agent_id, { title: "T", settings: { max_steps: 5 } }, ada);
      expect(edited).toMatchObject({ title: "T", settings: { max_steps: 5, timeout_seconds: 300 } });
      expect(await one.agents.update(agent_id, { title: "T" }, ada)).toEqual(edited);
      expect(await one.agents.disable(agent_id, ada)).toMatchObject({ status: "disabled" });
      expect(await one.agents.enable(agent_id, ada)).toMatchObject({ status: "ready" });
      expect(await one.agents.setVersion(agent_id, 1, ada)).toMatchObject({ version: 1 });
      await expect(one.agents.setVersion(agent_id, 7, ada)).rejects.toMatchObject({ code: "INVALID_INPUT" });
      await one.agents.forgetFilesOf(agent_id, "proj_0123456789ab");
      await expect(one.agents.setVersion(agent_id, 2, ada)).rejects.toMatchObject({ code: "INVALID_INPUT" });
      await one.agents.delete(agent_id, ada);
      await expect(one.agents.get(agent_id)).rejects.toMatchObject({ code: "AGENT_NOT_FOUND" });
    });

    it("an id of another system always names the same agent", async () => {
      const { one } = setUp();
      const alias = `proj_x:${crypto.randomUUID()}`;
      const { agent_id, aliases } = await one.agents.publish(alias, { agent_name: "a" }, made(1));
      expect(aliases).toEqual([alias]);
      expect((await one.agents.get(alias)).agent_id).toBe(agent_id);
      expect((await one.agents.get(agent_id)).agent_id).toBe(agent_id);
    });

    it("a turn is begun, checkpointed, archived and ended; its figures are added once", async () => {
      const { one, two, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      expect(turn).toMatchObject({ session_id, turn: 1, status: "running", user: { text: "question k1" } });
      await expect(two.turns.begin(session_id, asking(agent_id, "k2"))).rejects.toMatchObject({
        code: "SESSION_BUSY",
        data: { turn: 1 },
      });
      const so_far = { blocks: [text("half")], usage: USAGE };
      expect(await lease.checkpoint(so_far)).toEqual({ isHeld: true, isStopped: false });
      expect(await two.turns.get({ session_id, turn: 1 })).toMatchObject({ blocks: so_far.blocks, ...USAGE });
      expect(await two.turns.stop({ session_id, turn: 1 }, { by: "user:ada" })).toMatchObject({
        status: "running",
      });
      expect(await lease.heartbeat()).toEqual({ isHeld: true, isStopped: true });
      const done = ended(turn, [text("half and half")]);
      expect(await lease.finish(done)).toMatchObject(done);
      expect(await lease.finish(ended(turn, [text("other")], "failed"))).toMatchObject(done);
      const head = await two.sessions.get(session_id);
      expect(head).toMatchObject({
        title: "question k1",
        turns: 1,
        totals: { failed: 0, input_tokens: 900, output_tokens: 200, cost_usd: 0.1 },
        last: { turn: 1, key: "k1", status: "completed" },
      });
      expect(head.open).toBeUndefined();
      for (const key of ["k2", "k3"]) {
        const [next, own] = await begin(two, session_id, asking(agent_id, key));
        await own.finish(ended(next, [text("b")], "failed"));
      }
      // 0.1 three times, without the error of binary fractions.
      expect((await one.sessions.get(session_id)).totals).toMatchObject({ failed: 2, cost_usd: 0.3 });
      const page = await one.turns.list(session_id, { limit: 2 });
      expect(page.turns.map((one) => one.turn)).toEqual([3, 2]);
      expect(
        (await one.turns.list(session_id, { limit: 2, before: page.before })).turns.map((t) => t.turn),
      ).toEqual([1]);
    });

    it("a question that is sent again is not asked again", async () => {
      const { one, two, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, idempotency_key: crypto.randomUUID() });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      const again = { again: true, turn: { turn: 1 } };
      expect(await two.turns.begin(session_id, asking(agent_id, "k1"))).toMatchObject(again);
      await lease.finish(ended(turn, []));
      expect(await two.turns.begin(session_id, asking(agent_id, "k1"))).toMatchObject(again);
      const other = two.turns.begin(session_id, asking(agent_id, "k1", "something else"));
      await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH" });
      await expect(two.turns.begin(session_id, asking(agent_id, "k2"), 0)).rejects.toMatchObject({
        code: "SESSION_CONFLICT",
        data: { expected: "0", actual: "1" },
      });
    });

    it("a question that is sent again is known by its key while it is one of the last, also between others", async () => {
      const { one, two, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id });
      const ask = async (key: string) => {
        const [turn, lease] = await begin(one, session_id, asking(agent_id, key));
        await lease.finish(ended(turn, []));
      };
      for (const key of ["k1", "k2", "k3"]) await ask(key);
      for (const turn of [1, 2, 3])
        expect(await two.turns.begin(session_id, asking(agent_id, `k${turn}`))).toMatchObject({
          again: true,
          turn: { turn },
        });
      const other = two.turns.begin(session_id, asking(agent_id, "k1", "something else"));
      await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH" });
      for (let n = 4; n <= AGENT_LIMITS.recentKeys + 1; n++) await ask(`k${n}`);
      expect(await two.turns.begin(session_id, asking(agent_id, "k2"))).toMatchObject({ turn: { turn: 2 } });
      // One more is one too many.
      expect(await two.turns.begin(session_id, asking(agent_id, "k1"))).toMatchObject({ again: false });
    });

    it("sessions that nobody used for long are removed with their turns and files, others are kept", async () => {
      const { one, two, clock, artifacts, agent_id } = setUp();
      await one.agents.publish(agent_id, { agent_name: "a" }, made(1));
      const sessions = await Promise.all(
        [1, 2, 3].map(() => one.sessions.create({ agent_id, user_id: "ada" })),
      );
      const [idle = "", used = "", running = ""] = sessions.map(({ session_id }) => session_id);
      for (const id of [idle, used]) {
        const [turn, lease] = await begin(one, id, asking(agent_id, "k1"));
        await lease.finish(ended(turn, [text("y".repeat(70_000))]));
      }
      const stored = (await one.turns.get({ session_id: idle, turn: 1 })).blocks[0]?.ref ?? "";
      expect(await artifacts.get(parseRef(stored))).toBeDefined();
      clock.advance(20 * 86_400_000);
      const [turn, lease] = await begin(one, used, asking(agent_id, "k2"));
      await lease.finish(ended(turn, []));
      clock.advance(11 * 86_400_000);
      await begin(one, running, asking(agent_id, "k1"));
      const onError = (error: unknown) => expect(error).toBeUndefined();
      await two.removeExpired(onError);
      await expect(one.sessions.get(idle)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
      expect((await getStore().query({ pk: `session#${idle}`, limit: 10 })).items).toEqual([]);
      expect(await artifacts.get(parseRef(stored))).toBeUndefined();
      const left = (await one.lists.sessions({ agent_id }, 10)).items.map(({ session_id }) => session_id);
      expect(left.sort()).toEqual([running, used].sort());
      expect(await one.existing([idle, used])).toEqual(new Set([used]));
    });

    it("a session that is made again under its key is another one: what still removes the first leaves it alone", async () => {
      const { one, two, agent_id } = setUp();
      const key = { agent_id, user_id: "ada", idempotency_key: crypto.randomUUID() };
      const first = await one.sessions.create(key);
      expect(await two.sessions.create(key)).toMatchObject({ session_id: first.session_id });
      await one.sessions.delete(first.session_id);
      const second = await one.sessions.create(key);
      expect(second.session_id).not.toBe(first.session_id);
      expect((await two.sessions.create(key)).session_id).toBe(second.session_id);
      const [turn, lease] = await begin(one, second.session_id, asking(agent_id, "k1"));
      await lease.finish(ended(turn, []));
      expect(await two.sessions.purge(first.session_id)).toBe(true);
      expect((await one.turns.get({ session_id: second.session_id, turn: 1 })).status).toBe("completed");
      await one.sessions.delete(second.session_id);
      const third = await one.sessions.create(key);
      expect([first.session_id, second.session_id]).not.toContain(third.session_id);
    });

    it("a deleted agent goes with its sessions, calls and files", async () => {
      const { one, agent_id } = setUp();
      await one.agents.publish(agent_id, { agent_name: "a", user_id: "ada" }, made(1));
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      await lease.finish(ended(turn, []));
      const id = newInvocationId();
      const invoked = await one.turns.invoke(id, asking(agent_id, "i1"));
      const running = await one.sessions.create({ agent_id, user_id: "ada" });
      const [, open] = await begin(one, running.session_id, asking(agent_id, "k1"));
      const bob = { by: "user:bob", owner: "bob" };
      await expect(one.deleteAgent(agent_id, bob)).rejects.toMatchObject({ code: "FORBIDDEN" });
      await one.deleteAgent(agent_id, { by: "user:ada", owner: "ada" });
      await expect(one.agents.get(agent_id)).rejects.toMatchObject({ code: "AGENT_NOT_FOUND" });
      await expect(one.sessions.get(session_id)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
      await expect(one.turns.get({ invocation_id: id })).rejects.toMatchObject({ code: "TURN_NOT_FOUND" });
      await expect(one.sessions.get(running.session_id)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
      if (invoked.again) throw new Error("expected a new invocation");
      for (const lease of [open, invoked.lease])
        expect(await lease.heartbeat()).toMatchObject({ isHeld: false });
      expect(await invoked.lease.finish(ended(invoked.turn, []))).toBeUndefined();
      expect((await one.lists.turns(agent_id, {}, 10)).items).toEqual([]);
    });

    it("all agents that need the files of a build are found, whichever agent the build names", async () => {
      const { one, agent_id } = setUp();
      const project_id = `proj_${agent_id.slice(6)}`;
      const other = newAgentId();
      const version = { ...made(1), project_id };
      expect(await one.agents.usersOf({ project_id })).toEqual([]);
      await one.agents.publish(agentIdOfBuild({ project_id }), { agent_name: "own" }, version);
      await one.agents.publish(other, { agent_name: "other" }, version);
      const users = await one.agents.usersOf({ project_id, agent_id: newAgentId() });
      expect(users.map((one) => one.agent_id).sort()).toEqual([agent_id, other].sort());
      await one.agents.forgetFilesOf(other, project_id);
      expect((await one.agents.usersOf({ project_id })).map((one) => one.agent_id)).toEqual([agent_id]);
    });

    it("a turn whose owner is gone becomes interrupted with its text, once its lease is over, and never runs again", async () => {
      const { one, two, clock, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      const tool: Block = {
        type: "tool",
        id: "t",
        name: "csv_mean",
        input: {},
        output: null,
        status: "running",
      };
      await lease.checkpoint({ blocks: [text("half"), tool], usage: USAGE });
      clock.advance(19_000);
      expect(await two.turns.get({ session_id, turn: 1 })).toMatchObject({ status: "running" });
      clock.advance(2000);
      const interrupted = {
        status: "interrupted",
        error: { code: "RUNNER_LOST" },
        blocks: [text("half"), { ...tool, status: "failed", output: expect.any(String) }],
      };
      expect(await two.turns.get({ session_id, turn: 1 })).toMatchObject(interrupted);
      expect(await lease.heartbeat()).toMatchObject({ isHeld: false });
      expect(await lease.finish(ended(turn, [text("half and more")]))).toMatchObject(interrupted);
      const { totals, last } = await two.sessions.get(session_id);
      expect(totals).toMatchObject({ failed: 1, input_tokens: 900 });
      expect(last).toMatchObject({ turn: 1, status: "interrupted" });
    });

    it("a turn whose owner is gone, and had a clock that was ahead, is interrupted once its lease has stood as long as one lasts", async () => {
      const { one, two, clock, uptime, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      clock.advance(3_600_000);
      await begin(one, session_id, asking(agent_id, "k1"));
      const invoked = await one.turns.invoke(newInvocationId(), asking(agent_id, "i1"));
      clock.advance(-3_600_000);
      const places = [{ session_id, turn: 1 }, { invocation_id: invoked.turn.invocation_id ?? "" }];
      const statuses = async () =>
        (await Promise.all(places.map((place) => two.turns.get(place)))).map(({ status }) => status);
      expect(await statuses()).toEqual(["running", "running"]);
      uptime.ms += 19_000;
      expect(await statuses()).toEqual(["running", "running"]);
      uptime.ms += 2000;
      expect(await statuses()).toEqual(["interrupted", "interrupted"]);
    });

    it("a turn whose owner lives keeps its lease, also when the owner's clock is set back", async () => {
      const { one, two, clock, uptime, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      clock.advance(3_600_000);
      const [, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      clock.advance(-3_600_000);
      for (let i = 0; i < 6; i++) {
        expect(await two.turns.get({ session_id, turn: 1 })).toMatchObject({ status: "running" });
        uptime.ms += 15_000;
        const renewed =
          i % 2 === 0 ? lease.heartbeat() : lease.checkpoint({ blocks: [text("x")], usage: USAGE });
        expect(await renewed).toMatchObject({ isHeld: true });
      }
    });

    it("an archive without its end is completed by the reconciler", async () => {
      const { one, two, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      const head = await one.sessions.get(session_id);
      await lease.finish(ended(turn, [text("a")]));
      const after = await one.sessions.get(session_id);
      // As the process would have left it that was killed between the two writes.
      const key = { pk: `session#${session_id}`, sk: "session" };
      const at = { gsi2_pk: "open-turns", gsi2_sk: `z#${session_id}`, listed: { session_id } };
      await getStore().write({ ...key, kind: "delete", guards: [] });
      await getStore().write({ ...key, kind: "put", guards: [], item: { ...key, ...head, ...at } });
      await two.reconcile((error) => expect(error).toBeUndefined());
      const { revision: _a, ...completed } = await one.sessions.get(session_id);
      const { revision: _b, ...expected } = after;
      expect(completed).toEqual(expected);
    });

    it("what is too long for the item is whole in the artifact store", async () => {
      const { one, artifacts, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      const output = "文".repeat(3000);
      const tools = Array.from({ length: 80 }, (_, n): Block => {
        const call = { type: "tool", id: `t${n}`, name: "t", status: "completed" } as const;
        return { ...call, input: { n, big: 1e300 }, output: n === 79 ? output : "x".repeat(3000) };
      });
      const blocks = [text("y".repeat(70_000)), ...tools];
      await lease.checkpoint({ blocks, usage: USAGE });
      const stored = await lease.finish(ended(turn, blocks));
      expect(JSON.stringify(stored).length).toBeLessThan(110_000);
      expect(stored?.blocks.length).toBe(81);
      const read = async (ref: string | null | undefined) => {
        const found = await artifacts.get(parseRef(ref ?? ""));
        return found && (await new Response(ReadableStream.from(found.stream)).text());
      };
      expect(await read(stored?.blocks[0]?.ref)).toBe("y".repeat(70_000));
      for (const at of [1, 80]) {
        const kept = tools[at - 1];
        if (kept?.type !== "tool") throw new Error("expected a tool");
        expect(JSON.parse((await read(stored?.blocks[at]?.ref)) ?? "")).toEqual({
          input: kept.input,
          output: kept.output,
        });
      }
    });

    it("sessions of a user and of an agent are listed by activity, one that runs among them; pages are whole", async () => {
      const { one, clock, agent_id } = setUp();
      const user_id = crypto.randomUUID();
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) {
        clock.advance(1000);
        ids.unshift((await one.sessions.create({ agent_id, user_id })).session_id);
      }
      clock.advance(1000);
      const [oldest = ""] = ids.slice(-1);
      await begin(one, oldest, asking(agent_id, "k1"));
      const expected = [oldest, ...ids.slice(0, -1)];
      for (const of of [{ agent_id }, { user_id }]) {
        const found: string[] = [];
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await one.lists.sessions(of, 2, cursor ?? undefined);
          found.push(...page.items.map(({ session_id }) => session_id));
          cursor = page.next_cursor;
        }
        expect(found).toEqual(expected);
      }
    });

    it("calls of an agent are listed by start, in sessions and without, those that run among them", async () => {
      const { one, clock, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      await lease.finish(ended(turn, [], "failed"));
      clock.advance(120_000);
      const id = newInvocationId();
      const invoked = await one.turns.invoke(id, asking(agent_id, "i1"));
      if (invoked.again) throw new Error("expected a new invocation");
      expect(await one.turns.invoke(id, asking(agent_id, "i1"))).toMatchObject({ again: true });
      await invoked.lease.checkpoint({ blocks: [text("a")], usage: USAGE });
      expect(await one.turns.get({ invocation_id: id })).toMatchObject({ status: "running", ...USAGE });
      clock.advance(1000);
      await begin(one, session_id, asking(agent_id, "k2"));
      const list = async (filter = {}) =>
        (await one.lists.turns(agent_id, filter, 10)).items.map((row) => [row.turn ?? "inv", row.status]);
      expect(await list()).toEqual([
        [2, "running"],
        ["inv", "running"],
        [1, "failed"],
      ]);
      const done = await invoked.lease.finish(ended(invoked.turn, [text("ab")]));
      expect(done).toMatchObject({ invocation_id: id, status: "completed", blocks: [text("ab")] });
      expect(await list({ status: "completed" })).toEqual([["inv", "completed"]]);
      expect(await list({ until: "2026-03-02T00:00:00.000Z" })).toEqual([[1, "failed"]]);
      const statuses: string[] = [];
      const days = ["2026-03-01T00:00:00.000Z", "2026-03-03T00:00:00.000Z"] as const;
      for await (const { status } of one.lists.ended(...days, agent_id)) statuses.push(status);
      expect(statuses).toEqual(["failed", "completed"]);
    });

    it("an invocation whose owner is gone becomes interrupted", async () => {
      const { one, two, clock, agent_id } = setUp();
      const id = newInvocationId();
      const invoked = await one.turns.invoke(id, asking(agent_id, "i1"));
      if (invoked.again) throw new Error("expected a new invocation");
      clock.advance(21_000);
      await two.reconcile((error) => expect(error).toBeUndefined());
      const interrupted = { status: "interrupted", error: { code: "RUNNER_LOST" } };
      expect(await two.turns.get({ invocation_id: id })).toMatchObject(interrupted);
      expect(await invoked.lease.finish(ended(invoked.turn, []))).toMatchObject(interrupted);
    });

    it("a deleted session is gone with its turns and files, also one whose turn is running", async () => {
      const { one, two, clock, agent_id } = setUp();
      const { session_id } = await one.sessions.create({ agent_id, user_id: "ada" });
      const [turn, lease] = await begin(one, session_id, asking(agent_id, "k1"));
      const bob = { by: "user:bob", owner: "bob" };
      await expect(two.sessions.delete(session_id, bob)).rejects.toMatchObject({ code: "FORBIDDEN" });
      await two.sessions.delete(session_id, { by: "user:ada", owner: "ada" });
      await expect(two.sessions.get(session_id)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
      await expect(two.turns.begin(session_id, asking(agent_id, "k2"))).rejects.toMatchObject({
        code: "SESSION_NOT_FOUND",
      });
      expect(await lease.heartbeat()).toMatchObject({ isHeld: false });
      clock.advance(21_000);
      await two.reconcile((error) => expect(error).toBeUndefined());
      await two.reconcile((error) => expect(error).toBeUndefined());
      expect(await lease.finish(ended(turn, []))).toBeUndefined();
      expect((await getStore().query({ pk: `session#${session_id}`, limit: 10 })).items).toEqual([]);
    });
  });
}
