import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { isStagefoldError, MemoryProjectStore } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { DAMAGED, linesOf, NOT_MERGED, ODD, ORDERS, projectIds, sourceOf, sources } from "./fixtures.ts";
import { aPlace, contentsOf } from "./place.ts";

const rowsIn =
  linesOf("AgentProjects").length + linesOf("AgentArtifacts").length + linesOf("BuildStages").length;
const sum = (counts: object) => Object.values(counts).reduce((total: number, one) => total + Number(one), 0);

async function reportOf(path: string): Promise<{ reason: string; key?: string; detail?: string }[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe("an import", () => {
  it("accounts for every row, and names those it did not merge", async () => {
    await using place = await aPlace();
    const summary = await place.run({ sources: sources(), report: place.report });
    expect(summary).toMatchObject({ rows: rowsIn, not_merged: NOT_MERGED, report: place.report });
    expect(summary.merged + sum(summary.not_merged)).toBe(rowsIn);
    expect(summary.projects).toEqual({ created: projectIds().length, changed: 0, unchanged: 0 });
    const report = await reportOf(place.report);
    expect(report).toHaveLength(sum(NOT_MERGED));
    for (const [reason, count] of Object.entries(NOT_MERGED))
      expect(report.filter((line) => line.reason === reason)).toHaveLength(count);
    expect(report).toContainEqual(
      expect.objectContaining({
        source: "AgentArtifacts",
        kind: "artifact",
        key: "again",
        reason: "already there",
      }),
    );
  });

  it("W1: never queues what it could not read, says so, and merges what comes after it", async () => {
    await using place = await aPlace();
    const due = {
      work_queue: "agent_builds#p1#00",
      work_due_at: "2025-01-01T00:00:00.000Z",
      status: "queued",
    };
    const bad = (n: number, more: object) =>
      JSON.stringify({ project_id: `proj_0bad0000000${n}`, requirement: "x", ...due, ...more });
    const lines = [
      bad(1, { stages_snapshot: "{ half" }),
      bad(2, { stages_snapshot: { total: 1, stages: [{ stage: "__proto__" }] } }),
      bad(3, { schema_version: 1, lease: 7, stages_snapshot: { total: 0, completed: 0, stages: [] } }),
      bad(4, { schema_version: 99 }),
    ];
    const summary = await place.run({
      sources: [sourceOf("bad", lines), ...sources()],
      report: place.report,
    });
    expect(summary.merged + sum(summary.not_merged)).toBe(rowsIn + lines.length);
    const ids = lines.map((_, i) => `proj_0bad0000000${i + 1}`);
    const report = (await reportOf(place.report)).filter(({ key }) => ids.includes(key ?? ""));
    for (const item of await place.store.getMany(ids)) {
      const readable = !report.some(({ key }) => key === item.project_id);
      if (readable) continue;
      expect(item).not.toHaveProperty("work_queue");
      expect(item).not.toHaveProperty("work_due_at");
    }
    expect(report.length).toBeGreaterThan(1);
    for (const { detail } of report) expect(detail).toContain("but not queued");
  });

  it("changes nothing the second time", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    const before = await place.store.getMany(projectIds());
    const again = await place.run({ sources: sources(), report: place.report });
    expect(again).toMatchObject({ merged: 0, projects: { created: 0, changed: 0 } });
    expect(sum(again.not_merged)).toBe(rowsIn);
    expect(await place.store.getMany(projectIds())).toEqual(before);
    expect(await reportOf(place.report)).toHaveLength(rowsIn);
  });

  it("writes nothing in a dry run, and says the same", async () => {
    const store = new MemoryProjectStore();
    store.write = () => Promise.reject(new Error("a dry run wrote"));
    await using dry = await aPlace(store);
    await using place = await aPlace();
    const said = await dry.run({ sources: sources(), dryRun: true });
    expect({ ...said, dry_run: false }).toEqual(await place.run({ sources: sources() }));
    expect(existsSync(dry.folder)).toBe(false);
    expect(existsSync(dry.files)).toBe(false);
  });

  it("leaves no rows on the way behind", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    expect(await readdir(place.folder)).toEqual(["waiting"]);
  });

  it("changes nothing when a source breaks off", async () => {
    await using place = await aPlace();
    const broken = {
      name: "broken",
      // biome-ignore lint/correctness/useYield: it breaks before its first line
      async *lines() {
        await Promise.reject(new Error("broken off"));
      },
    };
    await expect(place.run({ sources: [...sources(), broken] })).rejects.toThrow("broken off");
    expect(await place.store.getMany(projectIds())).toEqual([]);
  });
});

describe("the order of the tables", () => {
  it.each(ORDERS)("makes no difference: %s, %s, %s", async (...order) => {
    await using together = await aPlace();
    await together.run({ sources: sources() });
    const expected = await contentsOf(together, projectIds());
    await using place = await aPlace();
    let merged = 0;
    for (const table of order) {
      const summary = await place.run({ sources: sources([table]) });
      merged += summary.merged + summary.deferred.merged;
    }
    expect(await contentsOf(place, projectIds())).toEqual(expected);
    expect(merged).toBe(rowsIn - sum(NOT_MERGED));
    // All in one run, in this order.
    await using once = await aPlace();
    await once.run({ sources: sources(order) });
    expect(await contentsOf(once, projectIds())).toEqual(expected);
  });
});

describe("what comes in", () => {
  it("is each project with its stages, artifacts and state", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    const { repository } = place;
    for (const id of projectIds().slice(0, 5)) {
      const project = await repository.get(id);
      const artifacts = await repository.artifactsOf(project);
      expect(project).toMatchObject({ progress_percentage: 100, agent_id: id.replace("proj_", "agent_") });
      expect(project.stages_snapshot.completed).toBe(project.stages_snapshot.total);
      expect(artifacts.filter(({ path }) => path.includes("/generated/"))).toHaveLength(6);
      expect(artifacts.find(({ path }) => path.endsWith("file_0.py"))).toMatchObject({
        created_at: expect.stringMatching(/^2025-/),
        doc_path: expect.stringContaining("agents/prompt_engineer.json"),
        metadata: {},
      });
    }
    expect((await repository.get("proj_000000000000")).status).toBe("pending");
    const nested = await repository.artifactsOf(await repository.get("proj_000000000004"));
    expect(new Set(nested.map(({ stage, sub_stage }) => `${stage}/${sub_stage}`))).toEqual(
      new Set([
        "agent_developer_manager/prompt_engineer",
        "agent_developer_manager/tool_developer",
        "agent_developer_manager/agent_code_developer",
      ]),
    );
  });

  it("has stages that rows alone know, and fields that nobody knows", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    const project = await place.repository.get(ODD.empty);
    expect(project).toMatchObject({ own: { kept: [1, "二"] }, progress_percentage: 50, status: "completed" });
    expect(project.stages_snapshot.stages).toMatchObject([
      {
        stage: "requirements_analysis",
        stage_number: 1,
        status: "completed",
        duration_seconds: 9.5,
        own: "kept",
        output_data: { artifacts: ["docs/q.md", "docs/r.md", "docs/s.md"], words: 12 },
      },
      { stage: "system_architecture", stage_name: "系统架构设计", stage_number: 2, status: "pending" },
    ]);
  });

  it("keeps in the item what is small: long logs, lists and outputs go to the stores", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    const project = await place.repository.get(ODD.large);
    const [stage] = project.stages_snapshot.stages;
    expect(stage).toMatchObject({ log_seq: 0, output_ref: "outputs/prompt_engineer.json" });
    expect(stage?.logs).toBeUndefined();
    expect(stage?.output_data.artifact_count).toBe(81);
    expect(await place.repository.artifactsOf(project, "prompt_engineer")).toHaveLength(81);
    const ref = { project_id: ODD.large, stage: "prompt_engineer", attempt: 1 };
    const page = await place.logs.read(ref, { limit: 100, upTo: 0 });
    expect(page.lines).toHaveLength(55);
    expect(project.item_bytes).toBeLessThan(20_000);
    const failed = await place.repository.get(ODD.failed);
    expect(failed.stages_snapshot.stages[0]?.logs).toHaveLength(5);
    expect(failed).toMatchObject({ error_info: { code: "STAGE_FAILED", message: "it broke" } });
  });

  it("has the damaged project as it was, to be seen and never written to", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    expect(await place.store.get(ODD.damaged)).toEqual(DAMAGED);
    const refused = await place.repository.get(ODD.damaged).catch((error: unknown) => error);
    expect(isStagefoldError(refused, "SNAPSHOT_UNREADABLE")).toBe(true);
    // Its rows wait; a project in its place gets them.
    await place.repository.control.delete(ODD.damaged);
    const { stages_snapshot: _s, ...rest } = DAMAGED;
    const mended = {
      ...rest,
      own_numbers: 1,
      own_bytes: 1,
      stages_snapshot: { stages: [{ stage: "prompt_engineer" }] },
    };
    const summary = await place.run({ sources: [sourceOf("mended", [JSON.stringify(mended)])] });
    expect(summary).toMatchObject({ merged: 1, deferred: { merged: 1 } });
    expect(
      (await place.repository.get(ODD.damaged)).stages_snapshot.stages[0]?.output_data.artifacts,
    ).toEqual(["of-damaged.yaml"]);
  });

  it("is listed, whatever it lacks", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources() });
    const page = await place.repository.lists.projects({}, 100);
    const bare = page.items.find((row) => row.project_id === ODD.bare);
    expect(page.items).toHaveLength(projectIds().length);
    expect(bare).toMatchObject({ project_name: ODD.bare, status: "pending" });
  });
});

it("names rows whose stage has lost its document, keeps them, and continues", async () => {
  await using place = await aPlace();
  await place.run({ sources: sources() });
  await rm(place.files, { recursive: true });
  const row = (project_id: string) =>
    JSON.stringify({ artifact_id: project_id, project_id, stage: "prompt_engineer", file_path: "late.txt" });
  const lines = [ODD.large, ODD.twice].map(row);
  const run = () => place.run({ sources: [sourceOf("late", lines)], report: place.report });
  const done = { merged: 1, not_merged: { unreadable: 1 }, projects: { changed: 1 } };
  expect(await run()).toMatchObject(done);
  expect(await readFile(place.report, "utf8")).toContain("is missing or damaged");
});

describe("rules", () => {
  it("create a project from rows without one, and append stages that artifacts alone know", async () => {
    await using place = await aPlace();
    const orphan = "proj_00000000aaaa";
    const rows = [
      {
        project_id: orphan,
        stage_number: 1,
        stage: "agent_design",
        status: "completed",
        completed_at: "2025-02-03T00:00:00Z",
      },
      {
        artifact_id: "1",
        project_id: orphan,
        stage: "deployment",
        file_path: "x",
        agent_id: "agent_0123456789ab",
      },
      { artifact_id: "2", project_id: ODD.nowhere, stage: "deployment", file_path: "x" },
    ];
    const lines = rows.map((row) => JSON.stringify(row));
    const first = await place.run({ sources: [sourceOf("rows", lines)], rules: { orphans: "create" } });
    // An id that no project can have makes none.
    expect(first).toMatchObject({
      merged: 2,
      not_merged: { "no such project": 1 },
      projects: { created: 1 },
    });
    const project = await place.repository.get(orphan);
    expect(project).toMatchObject({
      status: "completed",
      agent_id: "agent_0123456789ab",
      progress_percentage: 100,
    });
    expect(project.stages_snapshot.stages.map(({ stage }) => stage)).toEqual(["agent_design", "deployment"]);
    // Its own item comes too late, and says so.
    const own = JSON.stringify({ project_id: orphan, requirement: "its own", stages_snapshot: {} });
    await place.run({ sources: [sourceOf("own", [own])], report: place.report });
    expect(await reportOf(place.report)).toMatchObject([
      { reason: "already there", detail: expect.stringContaining("delete it and import all its rows again") },
    ]);
    const more = JSON.stringify({ artifact_id: "3", project_id: orphan, stage: "测试", file_path: "y" });
    expect(await place.run({ sources: [sourceOf("more", [more])] })).toMatchObject({
      not_merged: { "no such stage": 1 },
    });
    const appended = await place.run({
      sources: [sourceOf("more", [more])],
      rules: { unknownStage: "append" },
    });
    expect(appended).toMatchObject({ merged: 1, projects: { changed: 1 } });
    expect((await place.repository.get(orphan)).stages_snapshot.stages[2]).toMatchObject({
      stage: "stage_3",
      stage_name: "测试",
      output_data: { artifacts: ["y"] },
    });
    // Nothing waits any more for what was placed.
    const again = await place.run({ sources: [sourceOf("more", [more])], rules: { unknownStage: "append" } });
    expect(again).toMatchObject({ merged: 0, deferred: { merged: 0 }, not_merged: { "already there": 1 } });
  });
});
