import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runPipeline } from "@stagefold/pipeline/testing";
import pipeline from "../pipelines/word-count.ts";

test("the words are counted, and the report says how many", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "word-count-"));
  t.after(() => rm(folder, { recursive: true, force: true }));

  const run = await runPipeline(pipeline, { requirement: "one three fifteen", folder });

  assert.deepEqual(run.outputs.get("count"), { words: 3, longest: "fifteen" });
  const report = await readFile(join(run.artifactsDir, "report.md"), "utf8");
  assert.match(report, /^# 3 words/);
});
