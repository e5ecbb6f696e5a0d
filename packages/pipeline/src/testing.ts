import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { checkedAnswer, checkedInput, needsOf, type StageStatus } from "@stagefold/core/snapshot";
import type { z } from "zod";
import { conditionHolds } from "./condition.ts";
import type { StageModel, StageProject } from "./context.ts";
import type { Pipeline, StageDefinition } from "./definition.ts";
import { StageError } from "./errors.ts";
import { stageNameIn, stagesFor } from "./registry.ts";
import { type StageRecord, TestContext } from "./testing/context.ts";

export { type StageRecord, TestContext, type TestContextOptions } from "./testing/context.ts";

export interface PipelineRun {
  readonly project: StageProject;
  /** Key of a stage to its output, as it would be read from the item. */
  readonly outputs: ReadonlyMap<string, unknown>;
  /** Of the stages that have run or were skipped. */
  readonly statuses: ReadonlyMap<string, StageStatus>;
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
 * Runs the `run` stages of a pipeline in this process, with `answers` at its gates (their questions are in the log), one
 * after the other in the order of what they need, one attempt each: for tests of stages.
 * There is no store, lease, retry or timeout. Throws what a stage throws, once those that run finally have run, and a
 * StageError for a command stage.
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
  const { secrets, folder, model } = options;
  const outputs = new Map<string, unknown>();
  const statuses = new Map<string, StageStatus>();
  const records: StageRecord[] = [];
  const input = pipeline.input && checkedInput(options.input ?? {}, pipeline.input);
  const base = { folder, project, signal, outputs, input };

  const runStage = async ({ stage, action, output }: StageDefinition): Promise<void> => {
    if (action.kind === "gate") {
      const ctx = new TestContext({ ...base, stage });
      records.push(ctx.record);
      const { question: asked } =
        typeof action.asks === "function" ? await action.asks(ctx) : { question: "", ...action.asks };
      const question = stageNameIn(asked, "en");
      ctx.log(question);
      const answer = checkedAnswer(options.answers?.[stage], action.answer);
      outputs.set(stage, { question, answer, at: new Date().toISOString() });
      return;
    }
    if (action.kind !== "run")
      throw new StageError(`the stage ${stage} has no function here; expected a stage with run`);
    const ctx = new TestContext({ ...base, stage, model, secrets });
    records.push(ctx.record);
    const stored = storedOutput(output, stage, await action.run(ctx));
    if (stored !== undefined) outputs.set(stage, stored);
  };

  let failure: { readonly error: unknown } | undefined;
  for (const definition of inOrder(stagesFor(pipeline, input))) {
    const { stage, if: condition } = definition;
    if (failure && definition.finally !== true) continue;
    const scope = {
      outputs: Object.fromEntries(outputs),
      status: Object.fromEntries(statuses),
      input,
      failed: failure !== undefined,
    };
    if (condition !== undefined && !conditionHolds(condition, scope)) {
      statuses.set(stage, "skipped");
      continue;
    }
    try {
      await runStage(definition);
      statuses.set(stage, "completed");
    } catch (error) {
      statuses.set(stage, "failed");
      if (definition.allow_failure !== true) failure ??= { error };
    }
  }
  if (failure) throw failure.error;
  return { project, outputs, statuses, records, workDir, artifactsDir };
}

/** Each stage after all that it needs. */
function inOrder(stages: readonly StageDefinition[]): StageDefinition[] {
  const placed = new Set<number>();
  for (let before = -1; before < placed.size; ) {
    before = placed.size;
    for (const i of stages.keys()) if (needsOf(stages, i).every((need) => placed.has(need))) placed.add(i);
  }
  return [...placed].flatMap((i) => stages[i] ?? []);
}
