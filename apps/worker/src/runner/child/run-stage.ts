import {
  createModuleLoader,
  type ModuleLoader,
  type Pipeline,
  pipelinesFromModule,
  type StageContext,
  type StageDefinition,
  StageError,
  type StageProject,
} from "@stagefold/pipeline";
import { announceStage } from "../../env.ts";
import type { StageJob } from "../protocol.ts";
import type { Channel } from "./channel.ts";
import { RunnerContext } from "./context.ts";
import { checkedOutput } from "./output.ts";

type RunJob = StageJob & { readonly action: Extract<StageJob["action"], { kind: "run" }> };

export function isRunJob(job: StageJob): job is RunJob {
  return job.action.kind === "run";
}

/** Loaded when a stage needs it: a runner of other pipelines starts without it. */
const agentBuild = () => import("@stagefold/agent-build");

let loader: ModuleLoader | undefined;
const loaded = new Map<string | undefined, Promise<readonly Pipeline[]>>();

/**
 * The definition of the job's stage, from its module alone. `isNew`: the module was loaded for it. `onLoading` is
 * called before a user's module is loaded.
 */
export async function loadStage(
  job: RunJob,
  onLoading: () => void,
): Promise<{ definition: StageDefinition; isNew: boolean }> {
  const { module, pipeline, stage } = job.action;
  const known = loaded.get(module);
  if (known === undefined && module !== undefined) onLoading();
  const loading = known ?? load(module);
  loaded.set(module, loading);
  const definition = (await loading)
    .find((one) => one.name === pipeline)
    ?.stages.find((one) => one.stage === stage);
  if (!definition || !functionOf(definition)) throw changed(job);
  return { definition, isNew: known === undefined };
}

async function load(module: string | undefined): Promise<readonly Pipeline[]> {
  if (module === undefined) return (await agentBuild()).builtInPipelines().list();
  loader ??= createModuleLoader(async () => ({ "@stagefold/agent-build": await agentBuild() }));
  return await pipelinesFromModule(module, loader);
}

/** Runs the function of a stage in this process. Resolves with its checked output; throws what it throws. */
export async function runFunction(
  job: RunJob,
  definition: StageDefinition,
  channel: Channel,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const run = functionOf(definition);
  if (!run) throw changed(job);
  const project = stageProject(job);
  announceStage(job);
  process.chdir(job.work_dir);
  const context = new RunnerContext(job, project, channel, signal);
  const value: unknown = await run(context);
  await context.settled();
  return await checkedOutput(value, definition.output);
}

/** What a stage runs: its own function, or the one that makes the question of a gate. */
function functionOf({ action }: StageDefinition): ((ctx: StageContext) => unknown) | undefined {
  if (action.kind === "run") return action.run;
  return action.kind === "gate" && typeof action.asks === "function" ? action.asks : undefined;
}

function stageProject(job: StageJob): StageProject {
  const { user_id, agent_id, ...rest } = job.project;
  return { ...rest, ...(user_id !== undefined && { user_id }), ...(agent_id !== undefined && { agent_id }) };
}

function changed(job: RunJob): StageError {
  const message = `Expected the pipeline ${job.action.pipeline} to have a function for the stage ${job.action.stage}; found none.`;
  return new StageError(message, { code: "PIPELINE_CHANGED", final: true });
}
