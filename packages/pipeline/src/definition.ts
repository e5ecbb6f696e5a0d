import type { z } from "zod";
import type { StageContext } from "./context.ts";

/** One text for all languages, or one per language: `{ en: "Tests", zh: "测试" }`. */
export type LocalisedText = string | { readonly [language: string]: string };

export interface RetryPolicy {
  /** How often the stage is tried in all; 1 to 20. */
  readonly attempts: number;
  /** Seconds before the second attempt. */
  readonly backoff_seconds: number;
  /** Codes after which no further attempt is made, such as `OUTPUT_INVALID`. */
  readonly final_codes?: readonly string[];
}

export interface RunAction {
  readonly kind: "run";
  /** Its result, awaited, is the stage's output: checked by `output`, which may also fill in defaults. */
  readonly run: (ctx: StageContext) => unknown;
}

/** A function that is known by its module alone: only the process that runs the stage loads that. */
export interface ModuleAction {
  readonly kind: "module";
  /** Absolute. */
  readonly file: string;
  /** The digest of its text and of what it imports from beside itself. */
  readonly source: string;
}

export interface CommandAction {
  readonly kind: "command";
  /** For `/bin/sh -c`, in the build's workspace. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** Glob patterns below the workspace; what matches is recorded when the command ends, also when it fails. */
  readonly artifacts: readonly string[];
}

/** JSON Schema of a value. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What happens when no answer came in time: the build fails, the gate is skipped, or this is the answer. */
export type OnTimeout = "fail" | "skip" | { readonly answer: unknown };

/** What a gate asks, once it is known. */
export interface GateQuestion {
  readonly question: LocalisedText;
  /** Left out: it waits for as long as it takes. */
  readonly timeout_seconds?: number | undefined;
  readonly on_timeout: OnTimeout;
}

/** A stage that asks a person, and waits for the answer. */
export interface GateAction {
  readonly kind: "gate";
  readonly answer?: JsonSchema;
  /** An answer that lacks one of these values fails the build with GATE_REFUSED. */
  readonly accept?: Readonly<Record<string, string | number | boolean>>;
  /** What it asks; where that depends on earlier outputs, how to learn it: by a function, or by the module that has one. */
  readonly asks:
    | GateQuestion
    | ((ctx: StageContext) => Promise<GateQuestion>)
    | { readonly module: string; readonly source: string };
}

/** The output of a gate. `by` is missing where no one is known, `expired` says that no answer came in time. */
export interface GateOutput<Answer = unknown> {
  /** What was asked. */
  readonly question: string;
  readonly answer: Answer;
  readonly by?: string;
  readonly at: string;
  readonly expired?: true;
}

/** A stage in normalised form: every default is filled in. */
export interface StageDefinition<Key extends string = string, Output = unknown> {
  readonly stage: Key;
  readonly stage_name: LocalisedText;
  /** Its share of the project's progress, relative to the other stages. */
  readonly weight: number;
  readonly agent_name?: string;
  readonly timeout_seconds: number;
  readonly retry: RetryPolicy;
  /** A build has this stage only if its input has these values. */
  readonly when?: Readonly<Record<string, string | number | boolean>>;
  /** Stages that must be finished before it begins; those that do not need each other run at once. Absent: all earlier ones. */
  readonly needs?: readonly string[];
  /** It is skipped unless this holds when it would begin; see `condition.ts`. */
  readonly if?: string;
  /** It runs after all others, also when the build is failing. */
  readonly finally?: boolean;
  /** The build continues when it has failed. */
  readonly allow_failure?: boolean;
  /** Megabytes of memory that its processes may have together, where the system tells. */
  readonly memory_mb?: number;
  /** Names of secrets that its worker must have: `ctx.secret(name)`, or the environment of its command. */
  readonly secrets?: readonly string[];
  /** Checked when the stage ends; an output that does not fit fails the attempt with OUTPUT_INVALID. */
  readonly output?: z.ZodType<Output>;
  readonly action: RunAction | ModuleAction | CommandAction | GateAction;
}

/** JSON Schema of inputs. The types beside it are never there: what a build is given, and what its stages find. */
export type InputSchema<Input = unknown, Given = Input> = JsonSchema & {
  readonly "~input"?: { readonly given: Given; readonly read: Input };
};

/** What a build may use up; beyond it no further stage starts. Tokens are those of input and output together. */
export interface PipelineLimits {
  readonly cost_usd?: number | undefined;
  readonly tokens?: number | undefined;
  readonly seconds?: number | undefined;
  readonly attempts?: number | undefined;
}

export interface Pipeline<
  Name extends string = string,
  Stages extends readonly StageDefinition[] = readonly StageDefinition[],
  Input = unknown,
  Given = Input,
> {
  readonly name: Name;
  /** Given, or the first 12 hex digits of the SHA-256 of the stage keys in their order. */
  readonly version: string;
  readonly description?: LocalisedText;
  readonly stages: Stages;
  /** Builds of this pipeline that may run at the same time; no limit where absent. */
  readonly max_running?: number;
  /** What its builds make: the last stage's output then says entry, prompt and tools of an agent. */
  readonly publishes?: "agent";
  /** What a build may be given besides its requirement; without it: nothing. */
  readonly input?: InputSchema<Input, Given>;
  /** Whether a build needs a requirement too. */
  readonly requirement: "required" | "optional";
  /** Of each build; one may have lower ones of its own. */
  readonly limits?: PipelineLimits;
  /** Builds that ended so many days ago are deleted. */
  readonly retention_days?: number;
}

/** What the stages of a pipeline find as their input, by the pipeline's type. */
export type InputOf<P extends Pipeline> =
  P extends Pipeline<string, readonly StageDefinition[], infer Input, infer _Given> ? Input : never;

/** `{ [stage key]: output }` of a pipeline's type; `unknown` for stages without an output schema. */
export type StageOutputs<P extends Pipeline> = {
  [Stage in P["stages"][number] as Stage["stage"]]: Stage extends StageDefinition<string, infer Output>
    ? Output
    : never;
};

interface StageInputBase {
  readonly stage: string;
  /** The key where absent. */
  readonly stage_name?: LocalisedText;
  /** Default 1. */
  readonly weight?: number;
  readonly agent_name?: string;
  /** A build has this stage only if its input has these values: `{ review: true }`. */
  readonly when?: Readonly<Record<string, string | number | boolean>>;
  /** Keys of the stages that must be finished before it begins; absent: all earlier ones. `[]`: it begins at once. */
  readonly needs?: readonly string[];
  /** It is skipped unless this holds: `outputs.test.passed && input.mode != "draft"`. */
  readonly if?: string;
  /** It runs after all others, also when the build is failing. */
  readonly finally?: boolean;
  /** The build continues when it has failed. */
  readonly allow_failure?: boolean;
  /** 1 to 86400, default 3600. */
  readonly timeout_seconds?: number;
  /** Default one attempt. */
  readonly retry?: {
    readonly attempts?: number;
    readonly backoff_seconds?: number;
    readonly final_codes?: readonly string[];
  };
  /** 64 to 1048576: a stage whose processes have more memory together is ended, and says so. Default none. */
  readonly memory_mb?: number;
  /** Names of secrets, such as `NPM_TOKEN`: only stages that name one get it, and it is masked in what they say. */
  readonly secrets?: readonly string[];
}

export interface RunStageInput<Input = unknown> extends StageInputBase {
  readonly output?: z.ZodType;
  /** A method, so that a stage written for certain earlier outputs (`StageContext<Outputs>`) fits as well. */
  run(ctx: StageContext<Record<string, unknown>, Input>): unknown;
  readonly command?: never;
  readonly env?: never;
  readonly artifacts?: never;
  readonly gate?: never;
}

export interface CommandStageInput extends StageInputBase {
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly artifacts?: readonly string[];
  readonly run?: never;
  readonly output?: never;
  readonly gate?: never;
}

/** A value, or how to get it from what earlier stages made. Methods, so that `StageContext<Outputs>` fits as well. */
type Asked<T, Input> =
  | T
  | {
      bivarianceHack(ctx: StageContext<Record<string, unknown>, Input>): T | Promise<T>;
    }["bivarianceHack"];

export interface GateInput<Input = unknown> {
  /** What people read; at most 4 KB. */
  readonly question: Asked<LocalisedText, Input>;
  /** What an answer must be: a zod schema that JSON Schema can carry, or JSON Schema itself. Anything where absent. */
  readonly answer?: z.ZodType | JsonSchema;
  /** An answer that lacks one of these values fails the build with GATE_REFUSED. */
  readonly accept?: Readonly<Record<string, string | number | boolean>>;
  /** From a second to 366 days; without it the gate waits for as long as it takes. */
  readonly timeout_seconds?: Asked<number | undefined, Input>;
  /** Default `fail`. */
  readonly on_timeout?: Asked<OnTimeout, Input>;
}

export interface GateStageInput<Input = unknown>
  extends Omit<StageInputBase, "timeout_seconds" | "retry" | "memory_mb" | "secrets"> {
  readonly gate: GateInput<Input>;
  readonly timeout_seconds?: never;
  readonly retry?: never;
  readonly run?: never;
  readonly command?: never;
  readonly env?: never;
  readonly artifacts?: never;
  readonly output?: never;
}

/** A stage as it is written: with one of `run`, `command` and `gate`. */
export type StageInput<Input = unknown> = RunStageInput<Input> | CommandStageInput | GateStageInput<Input>;

export interface PipelineInput<
  Name extends string = string,
  Stages extends readonly StageInput[] = readonly StageInput[],
  Input extends z.ZodType | JsonSchema = z.ZodType | JsonSchema,
> {
  readonly name: Name;
  /** What a build may be given: a zod schema of an object that JSON Schema can carry, or JSON Schema itself. */
  readonly input?: Input;
  /** Default: `optional` with an input schema, else `required`. */
  readonly requirement?: "required" | "optional";
  readonly limits?: PipelineLimits;
  readonly retention_days?: number;
  readonly version?: string;
  readonly description?: LocalisedText;
  readonly max_running?: number;
  /** What its builds make: the last stage's output then says entry, prompt and tools of an agent. */
  readonly publishes?: "agent";
  readonly stages: Stages;
}

/** What a stage finds as `ctx.input`. */
export type InputValue<Schema> = Schema extends z.ZodType ? z.output<Schema> : unknown;
export type InputGiven<Schema> = Schema extends z.ZodType ? z.input<Schema> : unknown;

type OutputOf<Stage> = Stage extends { readonly output: z.ZodType<infer Output> }
  ? Output
  : Stage extends { readonly gate: { readonly answer: z.ZodType<infer Answer> } }
    ? GateOutput<Answer>
    : Stage extends { readonly gate: GateInput }
      ? GateOutput
      : unknown;

/** What `definePipeline` makes of the stages it is given: literal keys and output types are kept. */
export type DefinedStages<Stages extends readonly StageInput[]> = {
  readonly [Index in keyof Stages]: StageDefinition<Stages[Index]["stage"], OutputOf<Stages[Index]>>;
};

type ResultOf<Schema extends z.ZodType> = z.input<Schema> | Promise<z.input<Schema>>;

type CheckedRun<Stage> = Stage extends {
  readonly output: infer Schema extends z.ZodType;
  readonly run: (ctx: never) => infer Result;
}
  ? [Awaited<Result>] extends [z.input<Schema>]
    ? unknown
    : { readonly run: (ctx: StageContext) => ResultOf<Schema> }
  : unknown;

/** Makes a `run` whose result does not fit its `output` a type error; asks nothing of other stages. */
export type CheckedStages<Stages extends readonly StageInput[]> = {
  readonly [Index in keyof Stages]: CheckedRun<Stages[Index]>;
};
