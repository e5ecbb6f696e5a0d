import type { z } from "zod";
import type { PipelineLimits } from "./definition.ts";

/** What a stage may tell about a file that it records. */
export interface ArtifactOptions {
  /** Such as `application/json`; guessed from the path's ending where absent. */
  readonly media_type?: string;
  /** Where the document that describes this artifact is, a path as in `path`. */
  readonly doc_path?: string;
  readonly metadata?: Record<string, unknown>;
}

/** What a stage may tell about a file that is kept elsewhere. `size` in bytes, `sha256` as hex digits. */
export interface ReferenceOptions extends ArtifactOptions {
  readonly size?: number;
  readonly sha256?: string;
}

/** Text (stored as UTF-8), bytes, or a file that exists: absolute, or relative to the workspace. */
export type ArtifactContent = string | Uint8Array | { readonly file: string };

/** Counts of one report; a stage's reports are added up. All are numbers from 0. */
export interface StageMetrics {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly tool_calls?: number;
  /** In US dollars; need not be whole. */
  readonly cost_usd?: number;
}

/** The project as a stage sees it; it does not change while the stage runs. */
export interface StageProject {
  readonly project_id: string;
  readonly project_name: string;
  readonly requirement: string;
  readonly user_id?: string;
  readonly agent_id?: string;
  readonly tags: readonly string[];
}

/** What stages and sub-stages have in common. */
export interface StageReporter {
  /** Aborted on cancel, timeout and shutdown; pass it on to whatever takes long. */
  readonly signal: AbortSignal;
  /** Adds lines to the stage's log. A text with line breaks is several lines. */
  log(...lines: string[]): void;
  /** Progress within the stage or sub-stage, 0 to 100. */
  progress(percent: number): void;
  /**
   * Records a file under its path, relative and with `/` between the parts. The bytes are stored when the promise
   * resolves; what the item says of it changes with the next write of the stage. Recording a path again replaces it.
   */
  artifact(path: string, content: ArtifactContent, options?: ArtifactOptions): Promise<void>;
  /**
   * Records the path of a file that is kept elsewhere: its bytes are neither stored nor served nor restored, and of its
   * media type nothing is guessed.
   */
  reference(path: string, options?: ReferenceOptions): void;
}

export interface SubStageContext extends StageReporter {
  /** The key given to `subStage`. */
  readonly sub_stage: string;
}

/** One question to the language model, whose answer is JSON. */
export interface ModelQuestion {
  /** What it is for, in a few words, for those who read the calls of a stage later. */
  readonly purpose: string;
  readonly system?: string | undefined;
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  /**
   * JSON Schema of the answer. Providers with strict schemas want every property required, and take neither defaults nor
   * formats nor recursion. Whether the answer fits is for the stage to check.
   */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly max_output_tokens?: number | undefined;
}

export interface ModelReply {
  /** The answer as it came. */
  readonly text: string;
  /** The JSON in it; undefined where there is none. */
  readonly value?: unknown;
}

/**
 * The language model that the worker is set to. The worker makes the calls: no stage sees a key. Tokens and cost are
 * added to the stage's metrics, each call is kept beside its log, and an answer that an earlier attempt has paid for is
 * given again for the same question.
 */
export interface StageModel {
  /** `<provider>:<model>`, as in STAGEFOLD_MODEL. */
  readonly name: string;
  /**
   * Throws a StageError: `BUDGET_EXCEEDED` before a call that the build's limits or the day's budget do not allow,
   * `MODEL_UNAVAILABLE`, `MODEL_LIMIT`, `MODEL_REFUSED`, or `STAGE_TIMEOUT` where no answer came in time.
   */
  ask(question: ModelQuestion): Promise<ModelReply>;
}

/**
 * What a stage gets to work with. `Outputs` maps keys of earlier stages to their outputs, for stages that are written
 * apart from their pipeline; inside a `definePipeline` call, give `output` the schema instead.
 */
export interface StageContext<Outputs = Record<string, unknown>, Input = unknown> extends StageReporter {
  readonly project: StageProject;
  /** The key of this stage. */
  readonly stage: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** What the build was given, as the pipeline's input schema accepted it; undefined for a pipeline without one. */
  readonly input: Input;
  /** For the header `traceparent` of the stage's own requests, where the build is traced (W3C Trace Context). */
  readonly traceparent?: string | undefined;
  /** What remains of the build's limits when the stage starts; a limit that is not set is not there. */
  readonly limits: PipelineLimits;
  /** The build's own workspace, absolute, shared by its stages. */
  readonly workDir: string;
  /** The output of an earlier stage, as it was stored. Throws a StageError if that stage has none. */
  output<Key extends keyof Outputs>(stage: Key): Outputs[Key];
  /** The same, checked against a schema and typed by it. Throws a StageError if it does not fit. */
  output<Schema extends z.ZodType>(stage: string, schema: Schema): z.output<Schema>;
  /**
   * Shows readers a value while the stage runs, by its name (at most 64 bytes); the same name again replaces it, `null`
   * takes it away. Any JSON of at most 1 KB; at most 16 notes and 2 KB of them.
   */
  note(name: string, value: unknown): void;
  /** Records what came of the stage, in Markdown of at most 64 KB, as the artifact `summary/<stage>.md`. */
  summary(markdown: string): Promise<void>;
  /** A secret that the stage names in its `secrets`. Throws a StageError for any other. */
  secret(name: string): string;
  metrics(values: StageMetrics): void;
  /** Undefined where the worker has no language model. */
  readonly model: StageModel | undefined;
  /**
   * Runs a named part of the stage; parts may run at the same time. It is recorded as started, then as completed or
   * failed by itself. What `work` throws is thrown on, so that the stage decides what a failed part means.
   */
  subStage<Result>(key: string, work: (ctx: SubStageContext) => Promise<Result>): Promise<Result>;
}
