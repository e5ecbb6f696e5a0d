import { definePipeline, type StageContext } from "@stagefold/pipeline";
import {
  artifactPaths,
  LARGER_OUTPUTS,
  logLines,
  OUTPUT_BYTES,
  outputOf,
  PIPELINE,
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

function inWorkerWith(bytes: number) {
  const stages = STAGES.map((stage) => ({ stage, in_worker: true, run: stageOf(bytes) }));
  return definePipeline({ name: pipelineOf(bytes), stages });
}

/** Six stages without work of their own, in the worker's own process; then with larger outputs. */
export const inWorker = inWorkerWith(OUTPUT_BYTES);
export const larger = inWorkerWith(LARGER_OUTPUTS[0]);
export const largest = inWorkerWith(LARGER_OUTPUTS[1]);

/** The same in stage hosts, as stages usually run. */
export const inHosts = definePipeline({
  name: `${PIPELINE}-hosts`,
  stages: STAGES.map((stage) => ({ stage, run: stageOf(OUTPUT_BYTES) })),
});
