import { describe, expect, it } from "vitest";
import { normalise } from "../legacy/normalise.ts";
import { MemoryProjectStore } from "../memory/project-store.ts";
import type { Item } from "../patch/index.ts";
import { textsOf } from "../snapshot/log-line.ts";
import { aProject, aRepository } from "../testing/builders.ts";

const project_id = "proj_0123456789ab";
const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}`);
const OLD: Item = {
  project_id,
  requirement: "r",
  status: "completed",
  created_at: "2025-01-01T00:00:00Z",
  own: { kept: true },
  stages_snapshot: JSON.stringify({
    stages: [
      { stage: "one", status: "completed", logs: lines(20), output_data: { text: "x".repeat(20_000) } },
      { stage: "two", status: "failed", logs: lines(3) },
    ],
  }),
};

function aPlace() {
  const store = new MemoryProjectStore();
  const { repository, artifacts, logs } = aRepository(store);
  let writes = 0;
  const write = store.write.bind(store);
  store.write = (patch) => {
    writes += 1;
    return write(patch);
  };
  return { store, repository, imports: repository.imports, artifacts, logs, writes: () => writes };
}

describe("an import of a project", () => {
  it("is one write, with what is large in the stores", async () => {
    const { imports, repository, logs, writes } = aPlace();
    const { created } = await imports.create(normalise(OLD));
    expect([created, writes()]).toEqual([true, 1]);
    const project = await repository.get(project_id);
    const [one, two] = project.stages_snapshot.stages;
    expect(project).toMatchObject({ own: { kept: true }, revision: 1, build_summary: { artifacts: 1 } });
    expect(one).toMatchObject({ log_seq: 0, output_ref: "outputs/one.json" });
    expect(one?.logs).toBeUndefined();
    expect(two?.logs).toEqual(lines(3));
    const page = await logs.read({ project_id, stage: "one", attempt: 1 }, { limit: 100, upTo: 0 });
    expect(textsOf(page.lines)).toEqual(lines(20));
    // Taken apart and put together it is the same.
    const whole = await imports.inflate(project, 0);
    expect(whole.stages_snapshot.stages[0]).toEqual(normalise(OLD).stages_snapshot.stages[0]);
  });

  it("leaves what has its id alone, and knows its own after a lost reply", async () => {
    const { store, imports } = aPlace();
    const item: Item = { ...aProject({ project_id }) };
    expect(await imports.createAsIs(project_id, item)).toEqual({ created: true, item });
    expect(await imports.createAsIs(project_id, item)).toEqual({ created: true, item });
    expect(await imports.create(normalise(OLD))).toEqual({ created: false, item });
    expect(await store.get(project_id)).toEqual(item);
  });
});

describe("a merge", () => {
  const named = (project_name: string) => (known: ReturnType<typeof normalise>) =>
    Promise.resolve({ ...known, project_name });

  it("replaces an older form in the same write, and nothing when there is nothing to add", async () => {
    const { store, imports, writes } = aPlace();
    await imports.createAsIs(project_id, OLD);
    expect(await imports.merge(OLD, () => Promise.resolve(undefined))).toEqual({ changed: false, item: OLD });
    expect(writes()).toBe(1);
    expect((await imports.merge(OLD, named("new"))).changed).toBe(true);
    expect(writes()).toBe(2);
    expect(await store.get(project_id)).toMatchObject({
      schema_version: 1,
      project_name: "new",
      revision: 2,
    });
  });

  it("brings an older form up to date as it is, when asked to", async () => {
    const { store, imports } = aPlace();
    await imports.createAsIs(project_id, OLD);
    const nothing = () => Promise.resolve(undefined);
    expect((await imports.merge(OLD, nothing, { upgrade: true })).changed).toBe(true);
    const item = (await store.get(project_id)) ?? {};
    expect(item).toMatchObject({ schema_version: 1, revision: 1, own: { kept: true } });
    expect((await imports.merge(item, nothing, { upgrade: true })).changed).toBe(false);
  });

  it("is decided again from what others wrote, of any form, and gives up in the end", async () => {
    const { store, repository, imports } = aPlace();
    await imports.createAsIs(project_id, OLD);
    // What is given is over by now: the item was brought up to date and paused over.
    await repository.artifacts.record(project_id, "one", [{ path: "between" }], "add");
    const { item } = await imports.merge(OLD, named("later"));
    expect(item).toMatchObject({ project_name: "later", revision: 3 });
    expect(JSON.stringify(item)).toContain("between");
    const write = store.write.bind(store);
    store.write = async (patch) => {
      if (patch.transition === "merge_import") await repository.artifacts.removeForStage(project_id, "two");
      if (patch.transition === "merge_import")
        await repository.artifacts.record(project_id, "two", [{ path: "x" }], "add");
      return await write(patch);
    };
    await expect(imports.merge(item, named("never"))).rejects.toMatchObject({ code: "PROJECT_CONFLICT" });
  });

  it("is listed by what the older form has as parts of a stage", async () => {
    const { imports, repository } = aPlace();
    const part = (path: string) => ({ number: 1, status: "completed", artifacts: [path] });
    const sub_stages = { tool_developer: part("t.py"), prompt_engineer: part("p.yaml") };
    const stages = [{ stage: "agent_developer_manager", status: "completed", sub_stages }];
    await imports.create(normalise({ ...OLD, stages_snapshot: { stages } }));
    const project = await repository.get(project_id);
    const paths = async (stage: string) =>
      (await repository.artifactsOf(project, stage)).map(({ path, sub_stage }) => [path, sub_stage]);
    // By a key or an old one, as the table of artifacts was asked for.
    expect(await paths("tools_developer")).toEqual([["t.py", "tool_developer"]]);
    expect(await paths("tool_developer")).toEqual([["t.py", "tool_developer"]]);
    expect((await paths("agent_developer_manager")).flat().sort()).toEqual(
      ["p.yaml", "prompt_engineer", "t.py", "tool_developer"].sort(),
    );
    await expect(paths("agent_designer")).rejects.toMatchObject({ code: "STAGE_NOT_FOUND" });
  });

  it("cannot read a stage whose document is gone", async () => {
    const { imports, repository, artifacts } = aPlace();
    await imports.create(normalise(OLD));
    await artifacts.removeProject(project_id);
    const project = await repository.get(project_id);
    await expect(imports.inflate(project, 0)).rejects.toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
  });

  it("refuses what cannot be read, and what is not there", async () => {
    const { imports } = aPlace();
    const damaged = { ...OLD, stages_snapshot: "{" };
    await expect(imports.merge(damaged, named("x"))).rejects.toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
    await expect(imports.merge(OLD, named("x"))).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
  });
});
