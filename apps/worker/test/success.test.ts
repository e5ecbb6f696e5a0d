import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { completed, openBench, stageOf } from "./harness.ts";

const SIX = `
import { definePipeline } from "@stagefold/pipeline";
import { z } from "zod";
const stage = (key: string) => ({
  stage: key,
  output: z.object({ did: z.string() }),
  async run(ctx) {
    ctx.log(key + " of " + ctx.project.requirement);
    ctx.progress(50);
    ctx.metrics({ tool_calls: 2 });
    ctx.metrics({ input_tokens: 5 });
    await ctx.artifact("out/" + key + ".json", JSON.stringify({ key }), { metadata: { made: key } });
    return { did: key };
  },
});
export default definePipeline({
  name: "six",
  stages: [stage("a"), stage("b"), stage("c"), stage("d"), stage("e"), {
    stage: "f",
    output: z.object({ all: z.array(z.string()), file: z.string() }),
    async run(ctx) {
      const { readFile } = await import("node:fs/promises");
      console.log("said on the console");
      console.error("and on the other one");
      const all = ["a", "b", "c", "d", "e"].map((key) => ctx.output(key, z.object({ did: z.string() })).did);
      return { all, file: await readFile(ctx.workDir + "/out/c.json", "utf8") };
    },
  }],
});
`;

test("a build of six stages takes one claim, one start and six ends", async () => {
  await using bench = await openBench({ files: { "six.ts": SIX }, leaseMs: 60_000 });
  // A slow stage would write in the middle too.
  const worker = bench.worker({ timings: { flushMs: 60_000 } });
  worker.start();
  const id = await bench.create("six", "a requirement");
  const project = await bench.until(id, completed);
  expect(bench.store.writes).toEqual(["create", "claim", ...Array(7).fill("report")]);
  expect(project.stages_snapshot.completed).toBe(6);
  expect(project.progress_percentage).toBe(100);
  expect(project.build_summary).toMatchObject({ tool_calls: 10, input_tokens: 25, artifacts: 5 });
  expect(stageOf(project, "f").output_data).toMatchObject({
    all: ["a", "b", "c", "d", "e"],
    file: '{"key":"c"}',
  });
  const info = stageOf(project, "b").output_data.artifact_info["out/b.json"];
  const sha256 = createHash("sha256").update('{"key":"b"}').digest("hex");
  expect(info).toMatchObject({ size: 11, sha256, media_type: "application/json", metadata: { made: "b" } });
  expect(await bench.logOf(project, "a")).toEqual(["a of a requirement"]);
  expect(await bench.logOf(project, "f")).toEqual(["said on the console", "and on the other one"]);
  expect(stageOf(project, "a").attempt).toBe(1);
  await worker.stop();
  expect(existsSync(join(bench.folder, "data/work", id))).toBe(false);
});
