import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";

const PIPELINES = `
import { definePipeline } from "@stagefold/pipeline";
export const mixed = definePipeline({ name: "mixed", stages: [
  { stage: "first", async run(ctx) {
    ctx.reference("elsewhere/a.bin", { size: 5, metadata: { bucket: "b" } });
    await ctx.artifact("made/here.txt", "made");
    await ctx.subStage("part", async (part) => part.reference("elsewhere/part.bin"));
    return {};
  } },
  { stage: "second", run: () => ({}) },
] });
export const wrong = definePipeline({ name: "wrong", stages: [{ stage: "s", run: (ctx) => ctx.reference("../out") }] });
`;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files: { "references.ts": PIPELINES } });
  bench.worker().start();
});
afterAll(async () => await bench[Symbol.asyncDispose]());

test("a file that is kept elsewhere is recorded by its path, beside those that were made", async () => {
  const project = await bench.until(await bench.create("mixed"), completed);
  expect(stageOf(project, "first")).toMatchObject({
    output_data: {
      artifacts: ["elsewhere/a.bin", "made/here.txt", "elsewhere/part.bin"],
      artifact_info: {
        "elsewhere/a.bin": { size: 5, metadata: { bucket: "b" } },
        "made/here.txt": { size: 4 },
      },
    },
    sub_stages: { part: { status: "completed", artifacts: ["elsewhere/part.bin"] } },
  });
});

test("a reference that no artifact could have fails its stage", async () => {
  const wrong = await bench.until(await bench.create("wrong"), ended);
  expect(wrong).toMatchObject({ status: "failed", error_info: { stage: "s", code: "STAGE_FAILED" } });
  expect(wrong.error_info?.message).toContain("../out");
});
