import {
  agentVersionSchema,
  cursorsOf,
  decodeCursor,
  encodeCursor,
  MemoryRecordStore,
  publishBuild,
  publishedAgentSchema,
} from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { refusal } from "../../test/refusal.ts";
import type { Principal } from "../auth/principal.ts";
import { createContextInner } from "../context.ts";
import { appRouter } from "./index.ts";

/** A program's build that has made the entry of an agent. */
async function built() {
  const deps = { ...memoryDeps(), records: new MemoryRecordStore() };
  const api = callerOf(deps);
  const program = await Program.begin(api);
  const { project_id } = program;
  await program.report({ event: "started", stage: "one" });
  await program.report({ event: "completed", stage: "one", artifacts: [{ path: "a.mjs" }] });
  return { api, project_id, made: { project_id, entry: "a.mjs", kind: "rules" as const } };
}

it("a build that names no agent publishes to the same one however often it is asked", async () => {
  const { api, made } = await built();
  const first = await api.agents.publish(made);
  expect(first.agent_id).toBe(`agent_${made.project_id.slice(5)}`);
  expect(await api.agents.publish(made)).toEqual(first);
  expect((await api.agents.list({})).items).toHaveLength(1);
});

it("a build is in use by every agent with a version that it made", async () => {
  const { api, project_id, made } = await built();
  const { agent_id } = await api.agents.publish({ ...made, agent_id: "agent_00000000beef" });
  await expect(api.projects.delete({ project_id })).rejects.toMatchObject({
    cause: { code: "AGENT_IN_USE", data: { agent_id, project_id } },
  });
  await api.projects.delete({ project_id, force: true });
  expect(await api.agents.get({ agent_id })).toMatchObject({ versions: [{ files_gone: true }] });
});

it("a made-up place in a list of agents or calls is refused: DynamoDB failed over a range that ends before it begins", async () => {
  const { api, made } = await built();
  const { agent_id } = await api.agents.publish(made);
  await api.agents.publish({ ...made, agent_id: "agent_00000000beef" });
  const { next_cursor } = await api.agents.list({ limit: 1 });
  const { of } = decodeCursor(next_cursor ?? "", z.object({ of: z.string() }));
  for (const behind of ["", "x".repeat(301)])
    await expect(api.agents.list({ cursor: encodeCursor({ of, at: { behind } }) })).rejects.toMatchObject({
      cause: { code: "INVALID_INPUT" },
    });
  const filter = { agent_id, since: "2025-06-01T00:00:00.000Z" };
  const cursors = await cursorsOf(
    { list: "turns", agentId: agent_id, filter: { since: filter.since } },
    z.object({ behind: z.string() }),
  );
  const page = async (behind: string) =>
    await api.invocations.list({ ...filter, cursor: cursors.encode({ behind }) });
  expect(await page("2025-07-01#inv")).toEqual({ items: [], next_cursor: null });
  await expect(page("2025-05-01#inv")).rejects.toMatchObject({ cause: { code: "INVALID_INPUT" } });
});

describe("another user's agent", () => {
  /** Members and an operator of one deployment, their builds, and what a worker does at the end of one. */
  const setUp = () => {
    const deps = { ...memoryDeps(), records: new MemoryRecordStore() };
    const context = createContextInner(deps);
    const as = (user_id: string, role: Principal["role"] = "member") =>
      appRouter.createCaller({
        ...context,
        principal: { kind: "key", id: `key:${user_id}`, name: user_id, role, user_id },
      });
    const create = async (user_id: string, agent_id?: string, role?: Principal["role"]) => {
      const project = await as(user_id, role).projects.create({ requirement: "x", agent_id });
      deps.clock.pass(1);
      return project;
    };
    const publish = async ({ project_id }: { project_id: string }) => {
      const project = await deps.repository.get(project_id);
      const artifacts = [{ project_id, stage: "s", attempt: 1, path: "a.mjs" }];
      const made = publishedAgentSchema.parse({ entry: "a.mjs" });
      const { agents } = context.agentRecords;
      const agent = await publishBuild(agents, project.agent_id ?? "", project, artifacts, made);
      deps.clock.pass(1);
      return agent;
    };
    return { deps, context, as, create, publish };
  };
  const forbidden = { code: "FORBIDDEN" };

  it("is not to be named before its build has made it", async () => {
    const { as, create, publish } = setUp();
    const bobs = await create("bob");
    const agent_id = bobs.agent_id ?? "";
    expect(agent_id).toBe(`agent_${bobs.project_id.slice(5)}`);
    expect(await refusal(create("ann", agent_id))).toMatchObject(forbidden);
    const schedule = { name: "n", cron: "0 3 * * *", build: { requirement: "x", agent_id } };
    expect(await refusal(as("ann").schedules.create(schedule))).toMatchObject(forbidden);
    const { project_id } = await create("ann");
    await as("ann").artifacts.record({ project_id, stage: "agent_design", artifacts: ["a.mjs"] });
    const made = { project_id, entry: "a.mjs", kind: "rules" as const };
    expect(await refusal(as("ann").agents.publish({ ...made, agent_id }))).toMatchObject(forbidden);
    expect(await publish(await create("bob", agent_id))).toMatchObject({ user_id: "bob", version: 1 });
    expect(await publish(bobs)).toMatchObject({ user_id: "bob", version: 2 });
    // An id that no build has is free.
    expect(await as("ann").agents.publish({ ...made, agent_id: "agent_00000000beef" })).toMatchObject({
      user_id: "ann",
    });
  });

  it("gets no version of a build that named it while there was none", async () => {
    const { as, context, create, publish } = setUp();
    const agent_id = "agent_00000000beef";
    const [anns, bobs] = [await create("ann", agent_id), await create("bob", agent_id)];
    const first = await publish(bobs);
    expect(await refusal(publish(anns))).toMatchObject(forbidden);
    expect(await refusal(publish(anns)), "again").toMatchObject({
      message: expect.stringContaining("The agent agent_00000000beef is bob's"),
    });
    expect(await as("ann").agents.get({ agent_id })).toEqual(first);
    expect(await publish(bobs), "after a lost reply").toEqual(first);
    // Those who may: bob, with a build that began before too, and an operator, who named an agent that was there.
    expect(await publish(await create("bob", agent_id))).toMatchObject({ version: 2, user_id: "bob" });
    const ops = await create("ops", agent_id, "operator");
    expect(await publish(ops)).toMatchObject({ version: 3, user_id: "bob" });
    await context.repository.control.cancel(ops.project_id);
    await context.repository.control.retry(ops.project_id, {});
    expect(await publish(ops), "the next run").toMatchObject({ version: 4 });
  });

  it("under the id of a build is not that build's to add to, though it was there first", async () => {
    const { context, create, publish } = setUp();
    const bobs = await create("bob");
    const version = agentVersionSchema.parse({
      ...{ version: 1, project_id: "proj_0123456789ab", run: 1, stage: "s", attempt: 1 },
      ...{ at: "2025-01-01T00:00:00.000Z", kind: "rules", entry: "b.mjs" },
    });
    const before = { ...bobs, created_at: "2025-07-01T00:00:00.000Z" };
    const { agents } = context.agentRecords;
    await agents.publish(bobs.agent_id ?? "", { agent_name: "a", user_id: "ann" }, version);
    const again = agents.publish(
      bobs.agent_id ?? "",
      { agent_name: "a" },
      { ...version, run: 9 },
      { build: before },
    );
    expect(await refusal(again)).toMatchObject(forbidden);
    expect(await refusal(publish(bobs))).toMatchObject(forbidden);
  });

  it("belongs to no user without sign-in", async () => {
    const { deps, publish } = setUp();
    const { projects } = callerOf(deps);
    const agent_id = "agent_00000000beef";
    const create = (user_id: string) => projects.create({ requirement: "x", agent_id, user_id });
    const [one, two] = [await create("one"), await create("two")];
    await publish(one);
    expect(await publish(two)).toMatchObject({ version: 2, user_id: "one" });
  });
});
