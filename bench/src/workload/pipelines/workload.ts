import { definePipeline, type StageContext } from "@stagefold/pipeline";
import {
  artifactPaths,
  LARGER_OUTPUTS,
  logLines,
  OUTPUT_BYTES,
  outputOf,
  pipelineOf,
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

function workload(bytes: number) {
  const stages = STAGES.map((stage) => ({ stage, run: stageOf(bytes) }));
  return definePipeline({ name: pipelineOf(bytes), stages });
}

/** Six stages without work of their own; then with larger outputs. */
export const usual = workload(OUTPUT_BYTES);
export const larger = workload(LARGER_OUTPUTS[0]);
export const largest = workload(LARGER_OUTPUTS[1]);
