import { describe, expect, it } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { refusal } from "../../test/refusal.ts";

const agent_id = "agent_0123456789ab";

describe("artifacts", () => {
  it("are recorded for a stage that does not run, added or replaced, and listed in order", async () => {
    const { projects, artifacts } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x", agent_id });
    const stage = "agent_design";
    const recorded = await artifacts.record({
      project_id,
      stage,
      artifacts: [{ path: "a.md", size: 3, media_type: "text/markdown" }, { path: "b.md" }],
    });
    expect(recorded.revision).toBe(2);
    await artifacts.record({
      project_id,
      stage: "agent_designer",
      artifacts: [{ path: "c.md" }],
      mode: "add",
    });
    const first = await artifacts.listByProject({ project_id, limit: 2 });
    const second = await artifacts.listByProject({ project_id, limit: 2, cursor: first.next_cursor });
    expect([...first.items, ...second.items].map(({ path }) => path)).toEqual(["a.md", "b.md", "c.md"]);
    expect(first.items[0]).toMatchObject({
      project_id,
      stage,
      attempt: 0,
      size: 3,
      media_type: "text/markdown",
    });
    expect((await artifacts.listByAgent({ agent_id })).items).toHaveLength(3);
    await artifacts.record({ project_id, stage, artifacts: [{ path: "d.md" }], mode: "replace" });
    const replaced = await artifacts.listByProject({ project_id, stage });
    expect(replaced.items.map(({ path }) => path)).toEqual(["d.md"]);
    await artifacts.removeForStage({ project_id, stage });
    expect((await artifacts.listByProject({ project_id })).items).toEqual([]);
  });

  it("of a running stage are its lease owner's to report", async () => {
    const caller = callerOf(memoryDeps());
    const program = await Program.begin(caller);
    await program.report(
      { event: "started", stage: "one" },
      { event: "artifacts", stage: "one", artifacts: [{ path: "its-own" }] },
    );
    const about = { project_id: program.project_id, stage: "one" };
    for (const call of [
      caller.artifacts.record({ ...about, artifacts: [{ path: "a" }] }),
      caller.artifacts.removeForStage(about),
    ])
      expect(await refusal(call)).toMatchObject({ code: "STAGE_CONFLICT", data: { actual: "running" } });
  });

  it("never have a path that leads out", async () => {
    const { projects, artifacts } = callerOf(memoryDeps());
    const { project_id } = await projects.create({ requirement: "x" });
    for (const path of [
      "../x",
      "/etc/passwd",
      "a//b",
      "a/./b",
      "C:/x",
      "a\\b",
      "a\u0000b",
      "",
      "x".repeat(2000),
    ])
      expect(
        await refusal(artifacts.record({ project_id, stage: "agent_design", artifacts: [{ path }] })),
        JSON.stringify(path),
      ).toMatchObject({
        code: "INVALID_INPUT",
        data: { issues: expect.arrayContaining([expect.stringContaining("artifacts.0.path")]) },
      });
    expect((await projects.get({ project_id })).revision).toBe(1);
  });
});
