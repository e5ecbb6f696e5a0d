import { expect, it } from "vitest";
import { aProject } from "../testing/builders.ts";
import { formatOf, isOverwritten } from "./format.ts";

const project_id = "proj_000000000001";
const stages = [{ name: "plan", display_name: "Plan", status: "completed" }];
const text = JSON.stringify({ stages });

it.each([
  ["current", aProject()],
  ["map", { project_id, stages_snapshot: { stages } }],
  ["map", { project_id, stages_snapshot: stages }],
  ["json_text", { project_id, stages_snapshot: text }],
  ["json_text_in_json_text", { project_id, stages_snapshot: JSON.stringify(text) }],
  ["empty", { project_id, stages_snapshot: {} }],
  ["empty", { project_id, stages_snapshot: " " }],
  ["missing", { project_id }],
  ["missing", { project_id, stages_snapshot: null }],
  ["unreadable", { project_id, stages_snapshot: `${text.slice(0, -3)}` }],
  ["unreadable", { ...aProject(), schema_version: 99 }],
  ["unreadable", { ...aProject(), stages_snapshot: { stages } }],
] as const)("a snapshot is %s", (form, item) => {
  expect(formatOf(item)).toBe(form);
});

it("an older writer is known by what it left of today's form", () => {
  const project = aProject();
  expect(isOverwritten(project)).toBe(false);
  expect(isOverwritten({ ...project, stages_snapshot: text })).toBe(true);
  expect(isOverwritten({ ...project, stages_snapshot: { stages } })).toBe(true);
  expect(isOverwritten({ project_id, stages_snapshot: text })).toBe(false);
});
