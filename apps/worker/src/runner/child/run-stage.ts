import { type PipelineRegistry, StageError, type StageProject } from "@stagefold/pipeline";
import { announceStage } from "../../env.ts";
import type { StageJob } from "../protocol.ts";
import type { Channel } from "./channel.ts";
import { RunnerContext } from "./context.ts";
import { checkedOutput } from "./output.ts";

type RunJob = StageJob & { readonly action: Extract<StageJob["action"], { kind: "run" }> };

export function isRunJob(job: StageJob): job is RunJob {
  return job.action.kind === "run";
}

/** Runs the function of a stage in this process. Resolves with its checked output; throws what it throws. */
export async function runFunction(
  job: RunJob,
  pipelines: PipelineRegistry,
  channel: Channel,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const definition = pipelines
    .get(job.action.pipeline)
    ?.stages.find((stage) => stage.stage === job.action.stage);
  if (definition?.action.kind !== "run") throw changed(job);
  const project = stageProject(job);
  announceStage(project.project_id, project.requirement, job.stage, job.attempt);
  process.chdir(job.work_dir);
  const context = new RunnerContext(job, project, channel, signal);
  const value: unknown = await definition.action.run(context);
  await context.settled();
  return await checkedOutput(value, definition.output);
}

function stageProject(job: StageJob): StageProject {
  const { user_id, agent_id, ...rest } = job.project;
  return { ...rest, ...(user_id !== undefined && { user_id }), ...(agent_id !== undefined && { agent_id }) };
}

function changed(job: RunJob): StageError {
  const message = `Expected the pipeline ${job.action.pipeline} to have a function for the stage ${job.action.stage}; found none.`;
  return new StageError(message, { code: "PIPELINE_CHANGED", final: true });
}
