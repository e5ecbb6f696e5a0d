import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findFiles, parseLine } from "../src/index.ts";
import { aPlace, itemsOf } from "./place.ts";

const folder = new URL("../../../../shared/data/legacy/", import.meta.url);
const there = existsSync(new URL("manifest.json", folder));
const path = (name: string) => fileURLToPath(new URL(name, folder));

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
  rows: z.array(z.object({ artifact_id: z.string(), reason: z.string() })),
  counts: z.record(z.string(), z.number()),
});

const reportSchema = z.object({ kind: z.string(), key: z.string(), reason: z.string() });

const TABLES = ["AgentProjects", "AgentArtifacts", "BuildStages"];
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
].map((order) => order.map((i) => TABLES[i] ?? ""));

async function sourcesOf(...tables: string[]) {
  return (await findFiles(tables.map((table) => path(`${table}.json.gz`)))).sources;
}

async function reasonsIn(file: string): Promise<{ artifact_id: string; reason: string }[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter(Boolean);
  return lines.map((line) => {
    const { key, reason } = reportSchema.parse(JSON.parse(line));
    return { artifact_id: key, reason };
  });
}

// Skipped where the export is not beside the project.
describe.skipIf(!there)(
  "a real export of three older tables (skipped: ../shared/data/legacy is not there)",
  () => {
    const manifest = there
      ? manifestSchema.parse(JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8")))
      : { projects: [], rows: [], counts: {} };
    const ids = manifest.projects.map(({ project_id }) => project_id);
    const damaged = manifest.projects.find(({ shape }) => shape === "corrupt text")?.project_id ?? "";

    it("comes in whole: each project with its stages, its artifacts and its state", async () => {
      await using place = await aPlace();
      const { sources } = await findFiles([fileURLToPath(folder)]);
      expect(sources.map(({ name }) => name).sort()).toEqual(
        Object.keys(manifest.counts)
          .map((t) => `${t}.json.gz`)
          .sort(),
      );
      const summary = await place.run({ sources, report: place.report });
      const input = Object.values(manifest.counts).reduce((sum, count) => sum + count, 0);
      expect(summary.rows).toBe(input);
      expect(summary.merged).toBe(input - manifest.rows.length - 1);
      expect(new Set(await reasonsIn(place.report))).toEqual(
        new Set([...manifest.rows, { artifact_id: damaged, reason: "unreadable" }]),
      );
      for (const expected of manifest.projects.filter(({ status }) => status !== undefined)) {
        const project = await place.repository.get(expected.project_id);
        const paths = (await place.repository.artifactsOf(project)).map((one) => one.path);
        expect({
          status: project.status,
          stages: project.stages_snapshot.total,
          completed: project.stages_snapshot.completed,
          artifact_paths: new Set(paths).size,
        }).toEqual({
          status: expected.status === "building" ? "pending" : expected.status,
          stages: expected.stages,
          completed: expected.completed,
          artifact_paths: expected.artifact_paths,
        });
      }
      for (const { project_id } of manifest.projects.filter(({ status }) => status === undefined))
        if (project_id !== damaged) expect((await place.repository.get(project_id)).status).toBe("completed");
    });

    it("keeps of each artifact what its row said", async () => {
      await using place = await aPlace();
      await place.run({ sources: await sourcesOf(...TABLES) });
      const left = new Set(manifest.rows.map(({ artifact_id }) => artifact_id));
      const [source] = await sourcesOf("AgentArtifacts");
      if (!source) throw new Error("expected the rows of artifacts");
      let found = 0;
      for await (const { text = "" } of source.lines()) {
        const row = parseLine(text);
        if (left.has(String(row.artifact_id))) continue;
        const { items } = await place.repository.lists.artifactsByAgent(String(row.agent_id), 1000);
        const created_at = new Date(String(row.created_at)).toISOString();
        expect(items).toContainEqual(
          expect.objectContaining({
            project_id: row.project_id,
            path: row.file_path,
            created_at,
            metadata: row.metadata,
            ...(row.doc_path !== undefined && { doc_path: row.doc_path }),
          }),
        );
        found += 1;
      }
      expect(found).toBe((manifest.counts.AgentArtifacts ?? 0) - left.size);
    });

    it.each(ORDERS)("is the same in every order: %s, %s, %s", async (...order) => {
      await using together = await aPlace();
      await together.run({ sources: await sourcesOf(...TABLES) });
      await using place = await aPlace();
      for (const table of order) await place.run({ sources: await sourcesOf(table) });
      const expected = await itemsOf(together.store, ids);
      expect(await itemsOf(place.store, ids)).toEqual(expected);
      expect(expected.size).toBe(ids.length);
      const again = await place.run({ sources: await sourcesOf(...TABLES) });
      expect(again).toMatchObject({
        merged: 0,
        deferred: { merged: 0 },
        projects: { created: 0, changed: 0 },
      });
    });
  },
);
