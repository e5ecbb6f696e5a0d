import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { checkedAnswer, checkedInput } from "@stagefold/core/snapshot";
import type { z } from "zod";
import type { StageModel, StageProject } from "./context.ts";
import type { Pipeline } from "./definition.ts";
import { StageError } from "./errors.ts";
import { stageNameIn, stagesFor } from "./registry.ts";
import { type StageRecord, TestContext } from "./testing/context.ts";

export { type StageRecord, TestContext, type TestContextOptions } from "./testing/context.ts";

export interface PipelineRun {
  readonly project: StageProject;
  /** Key of a stage to its output, as it would be read from the item. */
  readonly outputs: ReadonlyMap<string, unknown>;
  readonly records: readonly StageRecord[];
  readonly workDir: string;
  /** Holds the recorded artifacts and nothing else. */
  readonly artifactsDir: string;
}

export interface RunPipelineOptions {
  /** Empty where it is left out, as that of a build whose input says all. */
  readonly requirement?: string;
  readonly project_name?: string;
  /** As the API accepts it: checked by the pipeline's schema, with its defaults. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** What people answer at gates, by stage. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Where the run may write; it is created, and left as it is. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  /** The language model that the stages may ask; none where absent. */
  readonly model?: StageModel;
  /** What `ctx.secret` gives, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

function storedOutput(schema: z.ZodType | undefined, stage: string, output: unknown): unknown {
  const parsed = schema?.safeParse(output);
  if (parsed?.success === false) {
    throw new StageError(`${stage}: ${parsed.error.message}`, {
      code: "OUTPUT_INVALID",
      cause: parsed.error,
    });
  }
  const value = parsed === undefined ? output : parsed.data;
  // As the item keeps it: what JSON cannot carry is lost here as it is there.
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/**
 * Runs the `run` stages of a pipeline in this process, with `answers` at its gates (their questions are in the log), one after the other, one attempt each: for tests of stages.
 * There is no store, lease, retry or timeout. Throws what a stage throws, and a StageError for a command stage.
 */
export async function runPipeline(pipeline: Pipeline, options: RunPipelineOptions): Promise<PipelineRun> {
  const workDir = join(options.folder, "work");
  const artifactsDir = join(options.folder, "artifacts");
  await mkdir(workDir, { recursive: true });
  await mkdir(artifactsDir, { recursive: true });
  const project: StageProject = {
    project_id: "proj_000000000001",
    project_name: options.project_name ?? "",
    requirement: options.requirement ?? "",
    tags: [],
  };
  const signal = options.signal ?? new AbortController().signal;
  const { secrets } = options;
  const outputs = new Map<string, unknown>();
  const records: StageRecord[] = [];
  const input = pipeline.input && checkedInput(options.input ?? {}, pipeline.input);
  for (const { stage, action, output } of stagesFor(pipeline, input)) {
    if (action.kind === "gate") {
      const ctx = new TestContext({ stage, folder: options.folder, project, signal, outputs, input });
      records.push(ctx.record);
      const { question } =
        typeof action.asks === "function" ? await action.asks(ctx) : { question: "", ...action.asks };
      ctx.log(stageNameIn(question, "en"));
      const answer = checkedAnswer(options.answers?.[stage], action.answer);
      outputs.set(stage, { answer, at: new Date().toISOString() });
      continue;
    }
    if (action.kind !== "run")
      throw new StageError(`the stage ${stage} has no function here; expected a stage with run`);
    const { folder, model } = options;
    const ctx = new TestContext({ stage, folder, project, signal, outputs, model, input, secrets });
    records.push(ctx.record);
    const stored = storedOutput(output, stage, await action.run(ctx));
    if (stored !== undefined) outputs.set(stage, stored);
  }
  return { project, outputs, records, workDir, artifactsDir };
}
