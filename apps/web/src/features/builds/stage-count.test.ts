import { expect, it } from "vitest";
import type { PipelineInfo, ProjectSummary } from "../../lib/api.ts";
import { stageCount } from "./stage-count.ts";

const stage = { weight: 1 };
const pipelines = new Map(
  [
    { name: "six", stages: Array.from({ length: 6 }, () => stage) },
    { name: "fan", stages: [stage, { weight: 1, needs: ["a"] }, { weight: 1, needs: ["a"] }, stage] },
    { name: "uneven", stages: [stage, { weight: 5, needs: ["a"] }, { weight: 1, needs: ["a"] }] },
  ].map((pipeline) => [pipeline.name, pipeline as PipelineInfo]),
);
const build = (fields: object) => ({ progress_percentage: 0, ...fields }) as unknown as ProjectSummary;

it.each([
  [
    { status: "queued", pipeline: "six" },
    { total: 6, done: 0 },
  ],
  [
    { status: "building", pipeline: "six", current_stage_number: 4 },
    { total: 6, done: 3 },
  ],
  // The second still runs, and the third, beside it, is done.
  [
    { status: "building", pipeline: "fan", current_stage_number: 2, progress_percentage: 50 },
    { total: 4, done: 2 },
  ],
  [
    { status: "failed", pipeline: "fan", current_stage_number: 4, progress_percentage: 100 },
    { total: 4, done: 3 },
  ],
  [
    { status: "building", pipeline: "uneven", current_stage_number: 2, progress_percentage: 29 },
    { total: 3, done: 1 },
  ],
  [
    { status: "failed", pipeline: "own", current_stage_number: 2, progress_percentage: 33 },
    { total: 3, done: 1 },
  ],
  [{ status: "building", pipeline: "own", current_stage_number: 1 }, undefined],
  [{ status: "building", pipeline: "own", current_stage_number: 3, progress_percentage: 90 }, undefined],
  [{ status: "building", pipeline: "six", current_stage_number: 9 }, undefined],
  [
    { status: "completed", pipeline: "own", build_summary: { stage_seconds: { a: 1, b: 2 } } },
    { total: 2, done: 2 },
  ],
  [{ status: "completed", pipeline: "gone" }, undefined],
])("%j", (fields, counted) => {
  expect(stageCount(build(fields), pipelines)).toEqual(counted);
});
