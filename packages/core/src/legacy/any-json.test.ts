import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { upgrade } from "../commands/import.ts";
import { isStagefoldError } from "../errors.ts";
import { apply, type Item } from "../patch/index.ts";
import { type Project, projectSchema } from "../snapshot/schema.ts";
import { aProject } from "../testing/builders.ts";
import { isCurrentVersion, normalise } from "./normalise.ts";
import { summaryOfRow } from "./summary.ts";

const base = { project_id: "proj_0123456789ab" };
const keys = (project: Project) => project.stages_snapshot.stages.map((stage) => stage.stage);

/** JSON of the kind that old items are made of, and of any other kind. */
const fieldName = fc.oneof(
  fc.constantFrom(
    ...["stage", "name", "stage_name", "status", "order", "sub_stages", "output_data", "artifacts", "logs"],
    ...["artifact_info", "metrics", "started_at", "completed_at", "stages", "total", "history", "progress"],
    ...["error_message", "attempt", "weight", "display_name", "__proto__", "constructor", "size", "path"],
    ...[
      "toString",
      "duration_seconds",
      "input_tokens",
      "error_code",
      "log_seq",
      "artifact_manifest",
      "agent_name",
    ],
  ),
  fc.string({ maxLength: 5 }),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, 0, -1, 1.5, 1e300, "", "completed", "running", "failed", "2025-01-01"),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom("+275760-09-13T00:00:00.000Z", "1", "0001-01-01", "1969-12-31T00:00:00Z", "工具开发"),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(fieldName, tie("json"), { maxKeys: 6, noNullPrototype: true }),
  ),
}));
const anySnapshot = fc.oneof(
  json,
  fc.record({
    stages: fc.array(fc.dictionary(fieldName, json, { maxKeys: 8, noNullPrototype: true }), { maxLength: 5 }),
  }),
  json.map((value) => JSON.stringify(value)),
  fc.string(),
);
const fields = [...Object.keys(projectSchema.options[0].shape), "agents", "lease", "own"].filter(
  (name) => name !== "project_id" && name !== "status" && name !== "stages_snapshot",
);
/** A few fields at once: of an item whose every field is anything at all nothing is understood. */
const anyItem = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...fields), json, { maxKeys: 4, noNullPrototype: true }),
    fc.record(
      {
        status: fc.oneof(json, fc.constantFrom("completed", "failed", "paused", "building", "queued")),
        stages_snapshot: anySnapshot,
      },
      { requiredKeys: [] },
    ),
  )
  .chain(([some, known]) => {
    const item = { ...some, ...known };
    return fc.constantFrom({ ...item, ...base }, { ...aProject(), ...item }, item);
  });

describe("any JSON at all", () => {
  const runs = SOAK ? 10_000 : 300;

  it("is read as a project that the schema accepts, or is unreadable, and nothing else", () => {
    let understood = 0;
    fc.assert(
      fc.property(anyItem, (item: Item) => {
        try {
          const project = normalise(item);
          expect(projectSchema.parse(project)).toEqual(project);
          const own = new Set(keys(project));
          if (!isCurrentVersion(item)) expect(own.size).toBe(project.stages_snapshot.stages.length);
          understood += 1;
        } catch (error) {
          if (!isStagefoldError(error, "SNAPSHOT_UNREADABLE")) throw error;
        }
      }),
      { numRuns: runs },
    );
    // Not by refusing all of it.
    expect(understood).toBeGreaterThan(runs / 20);
  });

  it("is, once its first write has replaced it, read as the same project", () => {
    fc.assert(
      fc.property(anyItem, (item: Item) => {
        if (isCurrentVersion(item)) return;
        let project: Project;
        try {
          project = normalise(item);
        } catch (error) {
          if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return;
          throw error;
        }
        const applied = apply(item, upgrade(item, project));
        if (!applied.ok || !applied.item) throw new Error(`refused: ${JSON.stringify(applied)}`);
        expect(isCurrentVersion(applied.item)).toBe(true);
        expect(normalise(applied.item)).toEqual(project);
      }),
      { numRuns: runs },
    );
  });

  it("is a line of a list, whatever it is", () => {
    fc.assert(
      fc.property(anyItem, (row: Item) => {
        const summary = summaryOfRow(row);
        expect(typeof summary.project_id).toBe("string");
        expect(summary.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }),
      { numRuns: runs },
    );
  });
});
