import { builtInPipelines } from "@stagefold/agent-build";
import { type ApiDeps, startApi } from "@stagefold/api";
import { createClient, StagefoldClientError } from "@stagefold/client";
import {
  createMemoryFileStores,
  type Item,
  MemoryChangeFeed,
  MemoryProjectStore,
  Repository,
} from "@stagefold/core";
import { parseLine } from "@stagefold/migrate";
import { legacyExport } from "@stagefold/migrate/testing";
import { expect, test } from "vitest";

const STATES = ["completed", "failed", "paused", "queued", "building"] as const;

/** Items of an older table in each form, with fields of their own in every place, served as they are. */
async function serveOld() {
  const store = new MemoryProjectStore();
  const items = [...legacyExport("AgentProjects", { projects: 5, artifacts: 0 })].map((line, n): Item => {
    const item = parseLine(line);
    return { ...item, status: STATES[n], own_field: { kept: [n, "二"] }, artifacts_base_path: `base/${n}` };
  });
  for (const item of items)
    await store.write({
      kind: "put",
      transition: "create",
      project_id: String(item.project_id),
      guards: [],
      item,
    });
  const { artifacts, logs } = createMemoryFileStores();
  const repository = new Repository({ store, artifacts, logs });
  const deps: ApiDeps = {
    repository,
    feed: new MemoryChangeFeed(store),
    artifacts,
    logs,
    pipelines: builtInPipelines(),
  };
  const api = await startApi(deps, { host: "127.0.0.1", port: 0 });
  return {
    ...api,
    client: createClient({ url: api.url }),
    ids: items.map((item) => String(item.project_id)),
  };
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StagefoldClientError)) throw new Error(`expected a refusal, found ${String(error)}`);
  return error.code;
}

test("projects of an older table live on as they are: read, pause, record, resume, retry", async () => {
  const { client, ids, close } = await serveOld();
  try {
    const listed = await client.projects.list({ limit: 10 });
    expect(new Set(listed.items.map(({ project_id }) => project_id))).toEqual(new Set(ids));
    for (const [n, project_id] of ids.entries()) {
      const before = await client.projects.get({ project_id });
      expect(before).toMatchObject({ own_field: { kept: [n, "二"] }, artifacts_base_path: `base/${n}` });
      const { stages } = before.stages_snapshot;
      // Nothing of these is on its way: there is nothing to pause.
      expect(await refusalOf(client.projects.pause({ project_id }))).toBe("PROJECT_CONFLICT");
      expect(await refusalOf(client.projects.resume({ project_id }))).toBe("PIPELINE_NOT_FOUND");
      expect(await refusalOf(client.projects.retry({ project_id }))).toBe("PIPELINE_NOT_FOUND");
      expect(await refusalOf(client.projects.retry({ project_id, pipeline: "no-such" }))).toBe(
        "PIPELINE_NOT_FOUND",
      );
      // Under an old key of the stage, whatever the item calls it.
      const recorded = await client.artifacts.record({
        project_id,
        stage: "requirements_analyzer",
        artifacts: [{ path: "docs/new.md" }],
        mode: "add",
      });
      expect(recorded.stages_snapshot.stages.map(({ stage }) => stage)).toEqual(
        stages.map(({ stage }) => stage),
      );
      const { items } = await client.artifacts.listByProject({ project_id, stage: "requirements_analysis" });
      expect(items.map(({ path }) => path)).toContain("docs/new.md");
      await client.artifacts.removeForStage({ project_id, stage: "requirements_analysis" });
      const after = await client.projects.get({ project_id });
      expect(after).toMatchObject({
        schema_version: 1,
        status: before.status,
        own_field: { kept: [n, "二"] },
        artifacts_base_path: `base/${n}`,
        agents: [before.agent_id],
        revision: 3,
      });
      expect(after.stages_snapshot.stages.slice(1)).toEqual(stages.slice(1));
    }
  } finally {
    await close();
  }
});

test("the short log of an older stage is read like any other", async () => {
  const { client, ids, close } = await serveOld();
  try {
    const [, project_id = ""] = ids;
    const page = await client.stages.logs({ project_id, stage: "agent_design" });
    expect(page).toEqual({ items: [{ text: expect.stringContaining("agent_design") }], next_cursor: null });
  } finally {
    await close();
  }
});
