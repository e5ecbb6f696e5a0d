import { cursorsOf, decodeCursor, encodeCursor, MemoryRecordStore } from "@stagefold/core";
import { expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";

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
