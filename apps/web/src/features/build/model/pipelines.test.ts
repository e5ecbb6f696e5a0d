import { expect, test } from "vitest";
import type { PipelineInfo, Project } from "../../../lib/api.ts";
import { choicesFor, lostItsPipeline } from "./pipelines.ts";

const pipeline = (name: string, ...stages: string[]) =>
  ({ name, stages: stages.map((stage) => ({ stage })) }) as PipelineInfo;
const project = {
  pipeline: "site",
  stages_snapshot: { stages: [{ stage: "a" }, { stage: "b" }] },
} as Project;

test("pipelines with the stages of the build come first, of them the one that it had", () => {
  const all = [
    pipeline("more", "a", "b", "c"),
    pipeline("other", "a", "b"),
    pipeline("turned", "b", "a"),
    pipeline("site", "a", "b"),
  ];
  expect(choicesFor(project, all)).toEqual([
    { name: "site", fits: true },
    { name: "other", fits: true },
    { name: "more", fits: false },
    { name: "turned", fits: false },
  ]);
  expect(choicesFor(project, [])).toEqual([]);
});

test("only a pipeline that is gone or has changed is asked about", () => {
  expect(lostItsPipeline("PIPELINE_CHANGED")).toBe(true);
  expect(lostItsPipeline("PIPELINE_NOT_FOUND")).toBe(true);
  expect(lostItsPipeline("STAGE_FAILED")).toBe(false);
  expect(lostItsPipeline(undefined)).toBe(false);
});
