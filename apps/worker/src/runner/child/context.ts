import { LIMITS, type Notes, notesSchema, stageKeySchema, withNotes } from "@stagefold/core";
import {
  type ArtifactContent,
  type ArtifactOptions,
  type ModelQuestion,
  type ModelReply,
  type PipelineLimits,
  type ReferenceOptions,
  type StageContext,
  StageError,
  type StageMetrics,
  type StageModel,
  type StageProject,
  type SubStageContext,
} from "@stagefold/pipeline";
import { z } from "zod";
import { requireSafePath } from "../../workspace/safe-path.ts";
import { metricsSchema, type StageJob, stageArtifactSchema, stageReferenceSchema } from "../protocol.ts";
import { placeArtifact } from "./artifact-file.ts";
import type { Channel } from "./channel.ts";
import { failureOf } from "./failure.ts";
import { writeOutput } from "./output-stream.ts";

/** Bytes of a summary. */
const MAX_SUMMARY = 64 * 1024;

/** What a stage works with, in the process that runs it. Reports go through the channel; logs are the output. */
export class RunnerContext implements StageContext {
  readonly project: StageProject;
  readonly stage: string;
  readonly attempt: number;
  readonly workDir: string;
  readonly input: unknown;
  readonly limits: PipelineLimits;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  readonly model: StageModel | undefined;
  readonly #channel: Channel;
  readonly #outputs: ReadonlyMap<string, unknown>;
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #parts = new Map<string, "running" | "completed" | "failed">();
  #notes: Notes = {};
  readonly #pending = new Set<Promise<unknown>>();

  constructor(job: StageJob, project: StageProject, channel: Channel, signal: AbortSignal) {
    this.project = project;
    this.stage = job.stage;
    this.attempt = job.attempt;
    this.workDir = job.work_dir;
    this.input = job.input;
    this.limits = job.limits;
    this.traceparent = job.traceparent;
    this.signal = signal;
    const { model } = job;
    if (model !== undefined)
      this.model = { name: model, ask: (question) => this.#tracked(this.#ask(question)) };
    this.#channel = channel;
    this.#outputs = new Map(Object.entries(job.outputs));
    this.#secrets = new Map(Object.entries(job.secrets));
  }

  log(...lines: string[]): void {
    this.#log("", lines);
  }

  progress(percent: number): void {
    this.#channel.progress(checkedPercent(percent));
  }

  note(name: string, value: unknown): void {
    const parsed = notesSchema.safeParse({ [name]: value });
    if (!parsed.success) throw new StageError(`The note ${name}: ${z.prettifyError(parsed.error)}`);
    try {
      this.#notes = withNotes(this.#notes, parsed.data);
    } catch (error) {
      throw new StageError(`The note ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#channel.noted(parsed.data);
  }

  summary(markdown: string): Promise<void> {
    return this.#tracked(this.#summary(markdown));
  }

  async #summary(markdown: string): Promise<void> {
    const bytes = Buffer.byteLength(String(markdown));
    if (bytes > MAX_SUMMARY)
      throw new StageError(`A summary has at most ${MAX_SUMMARY} bytes; this one has ${bytes}.`);
    const path = `summary/${this.stage}.md`;
    await this.#artifact(path, String(markdown), { media_type: "text/markdown" }, undefined);
    this.#channel.noted({}, path);
  }

  secret(name: string): string {
    const value = this.#secrets.get(name);
    if (value !== undefined) return value;
    throw new StageError(`The stage ${this.stage} does not name the secret ${name} in its \`secrets\`.`);
  }

  metrics(values: StageMetrics): void {
    const parsed = metricsSchema.safeParse(values);
    if (!parsed.success)
      throw new StageError(`Metrics are numbers from 0 to 1e12 by name: ${z.prettifyError(parsed.error)}`);
    const { input_tokens, output_tokens, tool_calls, cost_usd } = parsed.data;
    this.#channel.metrics({
      ...(input_tokens !== undefined && { input_tokens }),
      ...(output_tokens !== undefined && { output_tokens }),
      ...(tool_calls !== undefined && { tool_calls }),
      ...(cost_usd !== undefined && { cost_usd }),
    });
  }

  artifact(path: string, content: ArtifactContent, options?: ArtifactOptions): Promise<void> {
    return this.#tracked(this.#artifact(path, content, options, undefined));
  }

  reference(path: string, options?: ReferenceOptions): void {
    this.#reference(path, options, undefined);
  }

  async #ask(question: ModelQuestion): Promise<ModelReply> {
    this.signal.throwIfAborted();
    return await this.#channel.ask(question);
  }

  output(stage: string): unknown;
  output<Schema extends z.ZodType>(stage: string, schema: Schema): z.output<Schema>;
  output(stage: string, schema: z.ZodType = z.unknown()): unknown {
    if (!this.#outputs.has(stage))
      throw new StageError(`The stage ${stage} has no output that ${this.stage} could read.`);
    const parsed = schema.safeParse(this.#outputs.get(stage));
    if (parsed.success) return parsed.data;
    throw new StageError(`The output of ${stage} is not as expected: ${z.prettifyError(parsed.error)}`);
  }

  subStage<Result>(key: string, work: (ctx: SubStageContext) => Promise<Result>): Promise<Result> {
    return this.#tracked(this.#part(key, work));
  }

  /** Waits for what the stage began and did not wait for itself. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #part<Result>(key: string, work: (ctx: SubStageContext) => Promise<Result>): Promise<Result> {
    this.#begin(key);
    try {
      const result = await work({
        sub_stage: key,
        signal: this.signal,
        log: (...lines) => this.#log(`[${key}] `, lines),
        progress: (percent) => this.#channel.progress(checkedPercent(percent), key),
        artifact: (path, content, options) => this.#tracked(this.#artifact(path, content, options, key)),
        reference: (path, options) => this.#reference(path, options, key),
      });
      this.#parts.set(key, "completed");
      this.#channel.send({ kind: "part", job: this.#channel.job, part: { event: "completed", key } });
      return result;
    } catch (error) {
      this.#parts.set(key, "failed");
      const { message } = failureOf(error, this.workDir);
      this.#channel.send({ kind: "part", job: this.#channel.job, part: { event: "failed", key, message } });
      throw error;
    }
  }

  /** A part that failed may be tried again; otherwise a key is used once. */
  #begin(key: string): void {
    if (!stageKeySchema.safeParse(key).success)
      throw new StageError(
        `A sub-stage needs a key of 1 to 64 of a-z 0-9 _ -; found ${JSON.stringify(key)}.`,
      );
    const before = this.#parts.get(key);
    if (before === "running" || before === "completed")
      throw new StageError(`The sub-stage ${key} was started twice; it is ${before}.`);
    if (before === undefined && this.#parts.size === LIMITS.subStages)
      throw new StageError(`A stage may have ${LIMITS.subStages} sub-stages; ${key} is one more.`);
    this.#parts.set(key, "running");
    this.#channel.send({ kind: "part", job: this.#channel.job, part: { event: "started", key } });
  }

  async #artifact(
    path: string,
    content: ArtifactContent,
    given: ArtifactOptions | undefined,
    part: string | undefined,
  ): Promise<void> {
    this.signal.throwIfAborted();
    const artifact = entryOf(stageArtifactSchema, path, given, part);
    await placeArtifact(this.workDir, path, content);
    await this.#channel.store(artifact);
  }

  #reference(path: string, given: ReferenceOptions | undefined, part: string | undefined): void {
    this.signal.throwIfAborted();
    this.#channel.reference(entryOf(stageReferenceSchema, path, given, part));
  }

  #log(prefix: string, texts: readonly unknown[]): void {
    const lines = texts.flatMap((text) => String(text).split("\n"));
    if (lines.length > 0) writeOutput("log", `${lines.map((line) => prefix + line).join("\n")}\n`);
  }

  /** The caller gets a promise of its own, so that an unhandled failure still shows. */
  #tracked<Result>(work: Promise<Result>): Promise<Result> {
    this.#pending.add(work);
    const done = () => this.#pending.delete(work);
    work.then(done, done);
    return work.then((result) => result);
  }
}

/** Checked where it is given, so that the stage learns of it there. */
function entryOf<Entry>(
  schema: z.ZodType<Entry>,
  path: string,
  given: ReferenceOptions | undefined,
  part: string | undefined,
): Entry {
  requireSafePath(path);
  const parsed = schema.safeParse({ ...given, path, ...(part !== undefined && { sub_stage: part }) });
  if (parsed.success) return parsed.data;
  throw new StageError(`The artifact ${path}: ${z.prettifyError(parsed.error)}`);
}

function checkedPercent(percent: number): number {
  if (typeof percent === "number" && percent >= 0 && percent <= 100) return Math.round(percent * 10) / 10;
  throw new StageError(`Progress is a number from 0 to 100; found ${String(percent)}.`);
}
