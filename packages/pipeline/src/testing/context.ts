import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { z } from "zod";
import type {
  ArtifactContent,
  ArtifactOptions,
  ReferenceOptions,
  StageContext,
  StageMetrics,
  StageModel,
  StageProject,
  SubStageContext,
} from "../context.ts";
import { StageError } from "../errors.ts";

/** What a stage reported, in the order in which it did. */
export interface StageRecord {
  readonly stage: string;
  readonly logs: string[];
  readonly progress: number[];
  /** Path to its options; the bytes lie in the run's `artifacts` folder, unless they are kept elsewhere. */
  readonly artifacts: Map<string, ArtifactOptions>;
  readonly sub_stages: Map<string, { status: "running" | "completed" | "failed"; artifacts: string[] }>;
  readonly notes: Map<string, unknown>;
  readonly metrics: { input_tokens: number; output_tokens: number; tool_calls: number };
}

export interface TestContextOptions {
  readonly stage: string;
  /** Holds `work` (the workspace) and `artifacts` (the bytes of what was recorded). Both must exist. */
  readonly folder: string;
  readonly project: StageProject;
  readonly signal: AbortSignal;
  readonly outputs: ReadonlyMap<string, unknown>;
  readonly model?: StageModel | undefined;
  readonly input?: unknown;
  /** What `ctx.secret` gives, by name. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

export function newRecord(stage: string): StageRecord {
  return {
    stage,
    logs: [],
    progress: [],
    artifacts: new Map(),
    sub_stages: new Map(),
    notes: new Map(),
    metrics: { input_tokens: 0, output_tokens: 0, tool_calls: 0 },
  };
}

function checkedPath(path: string): string {
  const plain = normalize(path);
  if (
    path === "" ||
    path.includes("\0") ||
    path.includes("\\") ||
    isAbsolute(path) ||
    plain !== path ||
    plain.startsWith("..")
  ) {
    throw new StageError(`expected a relative path such as docs/plan.json, found ${JSON.stringify(path)}`);
  }
  return plain;
}

/** A StageContext of one attempt in this process: no lease, no limits of the item, files in a folder. */
export class TestContext implements StageContext {
  readonly project: StageProject;
  readonly stage: string;
  readonly attempt = 1;
  readonly signal: AbortSignal;
  readonly workDir: string;
  readonly input: unknown;
  readonly limits = {};
  readonly record: StageRecord;
  readonly model: StageModel | undefined;
  readonly #folder: string;
  readonly #outputs: ReadonlyMap<string, unknown>;
  readonly #secrets: Readonly<Record<string, string>>;

  constructor(options: TestContextOptions) {
    this.project = options.project;
    this.stage = options.stage;
    this.signal = options.signal;
    this.workDir = join(options.folder, "work");
    this.input = options.input;
    this.record = newRecord(options.stage);
    this.model = options.model;
    this.#folder = options.folder;
    this.#outputs = options.outputs;
    this.#secrets = options.secrets ?? {};
  }

  log(...lines: string[]): void {
    this.record.logs.push(...lines.flatMap((line) => line.split("\n")));
  }

  progress(percent: number): void {
    if (!(percent >= 0 && percent <= 100))
      throw new StageError(`expected a progress of 0 to 100, found ${percent}`);
    this.record.progress.push(percent);
  }

  note(name: string, value: unknown): void {
    this.record.notes.set(name, value);
  }

  async summary(markdown: string): Promise<void> {
    await this.artifact(`summary/${this.stage}.md`, markdown, { media_type: "text/markdown" });
  }

  secret(name: string): string {
    const value = Object.hasOwn(this.#secrets, name) ? this.#secrets[name] : undefined;
    if (value === undefined) throw new StageError(`expected the secret ${name}, found none`);
    return value;
  }

  metrics(values: StageMetrics): void {
    this.record.metrics.input_tokens += values.input_tokens ?? 0;
    this.record.metrics.output_tokens += values.output_tokens ?? 0;
    this.record.metrics.tool_calls += values.tool_calls ?? 0;
  }

  async artifact(path: string, content: ArtifactContent, options: ArtifactOptions = {}): Promise<void> {
    this.signal.throwIfAborted();
    const target = join(this.#folder, "artifacts", checkedPath(path));
    await mkdir(dirname(target), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) await writeFile(target, content);
    else await copyFile(resolve(this.workDir, content.file), target);
    this.record.artifacts.set(path, options);
  }

  reference(path: string, options: ReferenceOptions = {}): void {
    this.record.artifacts.set(checkedPath(path), options);
  }

  output(stage: string): unknown;
  output<Schema extends z.ZodType>(stage: string, schema: Schema): z.output<Schema>;
  output(stage: string, schema: z.ZodType = z.unknown()): unknown {
    if (!this.#outputs.has(stage))
      throw new StageError(`expected an output of the stage ${stage}, found none`);
    const parsed = schema.safeParse(this.#outputs.get(stage));
    if (parsed.success) return parsed.data;
    throw new StageError(`the output of ${stage} is not as expected: ${z.prettifyError(parsed.error)}`);
  }

  async subStage<Result>(key: string, work: (ctx: SubStageContext) => Promise<Result>): Promise<Result> {
    if (this.record.sub_stages.has(key)) throw new StageError(`the sub-stage ${key} was started twice`);
    const part = { status: "running" as "running" | "completed" | "failed", artifacts: [] as string[] };
    this.record.sub_stages.set(key, part);
    try {
      const result = await work({
        sub_stage: key,
        signal: this.signal,
        log: (...lines) => this.log(...lines),
        progress: () => undefined,
        artifact: async (path, content, options) => {
          await this.artifact(path, content, options);
          part.artifacts.push(path);
        },
        reference: (path, options) => {
          this.reference(path, options);
          part.artifacts.push(path);
        },
      });
      part.status = "completed";
      return result;
    } catch (error) {
      part.status = "failed";
      throw error;
    }
  }
}
