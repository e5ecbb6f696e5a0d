import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MemoryProjectStore } from "../memory/project-store.ts";
import type { Item } from "../patch/index.ts";
import { aRepository } from "../testing/builders.ts";
import { normalise } from "./normalise.ts";
import { summaryOfRow } from "./summary.ts";

const folder = new URL("../../../../../shared/data/legacy/", import.meta.url);
const there = existsSync(new URL("manifest.json", folder));

const manifestSchema = z.object({
  projects: z.array(
    z.object({
      project_id: z.string(),
      shape: z.string(),
      status: z.string().optional(),
      stages: z.number().optional(),
      completed: z.number().optional(),
      artifact_paths: z.number().optional(),
    }),
  ),
});

function load() {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8")));
  const lines = gunzipSync(readFileSync(new URL("AgentProjects.json.gz", folder))).toString("utf8");
  const items = lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Item => unmarshall(JSON.parse(line).Item));
  return { manifest, items: new Map(items.map((item) => [String(item.project_id), item])) };
}

// Skipped where the export is not beside the project.
describe.skipIf(!there)(
  "a real export of an older table (skipped: ../shared/data/legacy is not there)",
  () => {
    const { manifest, items } = there
      ? load()
      : { manifest: { projects: [] }, items: new Map<string, Item>() };
    const itemOf = (id: string) => items.get(id) ?? {};

    it("is all there", () => {
      expect(manifest.projects.length).toBe(21);
      expect(items.size).toBe(21);
    });

    it.each(manifest.projects.filter((project) => project.status !== undefined))(
      "reads $project_id ($shape)",
      (expected) => {
        const project = normalise(itemOf(expected.project_id));
        const { stages } = project.stages_snapshot;
        const paths = stages.flatMap((stage) => stage.output_data.artifacts);
        expect({
          status: project.status,
          stages: project.stages_snapshot.total,
          completed: project.stages_snapshot.completed,
          artifact_paths: paths.length,
        }).toEqual({
          status: expected.status === "building" ? "pending" : expected.status,
          stages: expected.stages,
          completed: expected.completed,
          // Those of this form are rows of a table of their own.
          artifact_paths: expected.shape === "tracker" ? 0 : expected.artifact_paths,
        });
        expect(stages.length).toBe(expected.stages);
        expect(new Set(stages.map((stage) => stage.stage)).size).toBe(expected.stages);
        expect(summaryOfRow(itemOf(expected.project_id))).toMatchObject({ status: project.status });
      },
    );

    it.each(manifest.projects.filter((project) => project.status === undefined))(
      "reads $project_id ($shape), or says that it is damaged",
      ({ project_id, shape }) => {
        const item = itemOf(project_id);
        if (shape === "corrupt text") {
          expect(() => normalise(item)).toThrow(expect.objectContaining({ code: "SNAPSHOT_UNREADABLE" }));
          expect(summaryOfRow(item)).toMatchObject({ project_id, status: "failed" });
          return;
        }
        const total = shape === "JSON text inside JSON text" ? 1 : 0;
        expect(normalise(item)).toMatchObject({ status: "completed", stages_snapshot: { total } });
      },
    );

    it("is brought to today's form by a first write, with nothing lost", async () => {
      const store = new MemoryProjectStore();
      const { repository } = aRepository(store);
      for (const [project_id, item] of items) {
        if (manifest.projects.find((one) => one.project_id === project_id)?.shape === "corrupt text")
          continue;
        await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
        const before = normalise(item);
        const [stage] = before.stages_snapshot.stages;
        if (!stage) continue;
        const after = await repository.artifacts.record(project_id, stage.stage, [{ path: "new" }], "add");
        expect(after.stages_snapshot.stages[0]?.output_data.artifacts).toEqual([
          ...stage.output_data.artifacts,
          "new",
        ]);
        expect(after.stages_snapshot.stages.slice(1)).toEqual(before.stages_snapshot.stages.slice(1));
        expect(after).toMatchObject({ status: before.status, revision: 2 });
      }
    });
  },
);
