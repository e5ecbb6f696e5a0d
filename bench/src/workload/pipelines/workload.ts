import { definePipeline, type StageContext } from "@stagefold/pipeline";
import {
  artifactPaths,
  LARGER_OUTPUTS,
  logLines,
  needsIn,
  OUTPUT_BYTES,
  outputOf,
  PAIRS_PIPELINE,
  pipelineOf,
  ROW_PIPELINE,
  STAGES,
} from "../contents.ts";

function stageOf(bytes: number) {
  return (ctx: StageContext): Record<string, unknown> => {
    const [first, second] = logLines(ctx.stage);
    ctx.log(first);
    ctx.progress(50);
    for (const path of artifactPaths(ctx.stage)) ctx.reference(path);
    ctx.log(second);
    return outputOf(ctx.stage, bytes);
  };
}

function workload(bytes: number, name = pipelineOf(bytes)) {
  const stages = STAGES.map((stage) => ({ stage, ...needsIn(name, stage), run: stageOf(bytes) }));
  return definePipeline({ name, stages });
}

/** Six stages without work of their own; with larger outputs; with their order said. */
export const usual = workload(OUTPUT_BYTES);
export const larger = workload(LARGER_OUTPUTS[0]);
export const largest = workload(LARGER_OUTPUTS[1]);
export const row = workload(OUTPUT_BYTES, ROW_PIPELINE);
export const pairs = workload(OUTPUT_BYTES, PAIRS_PIPELINE);
