import { MemoryRecordStore } from "@stagefold/core";
import { expect, it } from "vitest";
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
