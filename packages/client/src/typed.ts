import type { Project, Stage } from "./api.ts";

/** A pipeline as far as the client cares: `typeof` anything that `definePipeline` made is one. */
export interface PipelineLike {
  readonly name: string;
  readonly stages: readonly StageLike[];
  /** JSON Schema, with the types that only the compiler sees. */
  readonly input?: { readonly "~input"?: unknown };
}

interface StageLike {
  readonly stage: string;
  /** A schema, as zod and others make it (Standard Schema). */
  readonly output?: unknown;
}

type SchemaOutput<Schema> = Schema extends { readonly "~standard": { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly output: infer Output }
    ? Output
    : unknown
  : unknown;

type OutputOf<S extends StageLike> = S extends { readonly output?: infer Schema }
  ? SchemaOutput<NonNullable<Schema>>
  : unknown;

/** `{ [stage key]: output }` of a pipeline's type; `unknown` for stages without an output schema. */
export type OutputsOf<P extends PipelineLike> = {
  [S in P["stages"][number] as S["stage"]]: OutputOf<S>;
};

/** Whether nothing is known of a pipeline but that it is one. */
type IsAny<P extends PipelineLike> = string extends P["stages"][number]["stage"] ? true : false;

/** What a build of a pipeline is given; `unknown` where its type does not tell. */
export type GivenOf<P extends PipelineLike> = P extends {
  readonly input?: { readonly "~input"?: { readonly given: infer Given } };
}
  ? Given
  : unknown;

/** How a build is created: with the input that its pipeline takes, where that is known. */
export type CreateOf<P extends PipelineLike, Input extends object> =
  unknown extends GivenOf<P>
    ? Input
    : Record<never, never> extends GivenOf<P>
      ? Omit<Input, "input"> & { readonly input?: GivenOf<P> }
      : Omit<Input, "input" | "pipeline"> & { readonly pipeline: P["name"]; readonly input: GivenOf<P> };

/** The gates of a pipeline, and what answers each. */
type AnswersOf<P extends PipelineLike> = {
  [Key in keyof OutputsOf<P> & string]: OutputsOf<P>[Key] extends {
    readonly answer: infer Value;
    readonly at: string;
  }
    ? { readonly stage: Key; readonly value: Value }
    : never;
}[keyof OutputsOf<P> & string];

/** How a gate is answered: by its stage, with what its schema takes, where that is known. */
export type AnswerOf<P extends PipelineLike, Input extends object> =
  IsAny<P> extends true ? Input : Omit<Input, "stage" | "value"> & AnswersOf<P>;

/** A stage with this key, and this output once it has completed, unless its `output_ref` is set. */
type StageWith<Key, Own> = Stage & {
  stage: Key;
  output_data: unknown extends Own ? unknown : Partial<Own>;
  /** Type only, never there: what the stage returns. */
  readonly "~output"?: Own;
};

/** The stages of a pipeline's builds: `stage` tells which, and narrows `output_data`. */
export type StageOf<P extends PipelineLike> = string extends P["stages"][number]["stage"]
  ? Stage
  : { [Key in keyof OutputsOf<P> & string]: StageWith<Key, OutputsOf<P>[Key]> }[keyof OutputsOf<P> & string];

type WithStages<T, S> = T extends { stages_snapshot: object }
  ? Omit<T, "stages_snapshot"> & {
      stages_snapshot: Omit<T["stages_snapshot"], "stages"> & { stages: S[] };
    }
  : never;

/** A build of a pipeline, whose stages are typed by their keys. Without a pipeline: any build. */
export type ProjectOf<P extends PipelineLike> = string extends P["stages"][number]["stage"]
  ? Project
  : WithStages<Project, StageOf<P>>;

/** What the API answers, with the projects and stages in it typed by a pipeline. */
export type Typed<Answer, P extends PipelineLike> = string extends P["stages"][number]["stage"]
  ? Answer
  : Answer extends Project
    ? ProjectOf<P>
    : Answer extends Stage
      ? StageOf<P> & Omit<Answer, keyof Stage>
      : Answer extends { project: Project }
        ? Omit<Answer, "project"> & { project: ProjectOf<P> }
        : Answer extends { items: Stage[] }
          ? Omit<Answer, "items"> & { items: StageOf<P>[] }
          : Answer;

/** What a stage of a typed project returns; any fields where that is not known. */
export type StageOutput<S> = S extends { readonly "~output"?: infer Own; stage: string }
  ? unknown extends Own
    ? Record<string, unknown>
    : NonNullable<Own>
  : never;

/** A build as far as its stages' outputs are concerned. */
export interface HasStages<S extends Stage = Stage> {
  readonly project_id: string;
  readonly stages_snapshot: { readonly stages: readonly S[] };
}

type StageAt<S, Key> = S extends { stage: infer Own } ? (Key extends Own ? S : never) : never;

/** Names beside the stage's own output. */
const RESERVED: ReadonlySet<string> = new Set(["artifacts", "artifact_info", "artifact_count"]);

/**
 * What a stage returned: undefined until it has completed, and when the output was too large for the item
 * (then `output_ref` of the stage names the artifact that has it).
 * Throws a RangeError when the project has no such stage.
 */
export function stageOutput<S extends Stage, Key extends S["stage"]>(
  project: HasStages<S>,
  key: Key,
): StageOutput<StageAt<S, Key>> | undefined;
export function stageOutput(project: HasStages, key: string): Record<string, unknown> | undefined {
  const { stages } = project.stages_snapshot;
  const stage = stages.find((one) => one.stage === key);
  if (!stage) {
    const known = stages.map((one) => one.stage).join(", ") || "none";
    throw new RangeError(`Project ${project.project_id} has no stage ${key}; its stages are ${known}.`);
  }
  if (stage.status !== "completed" || stage.output_ref !== undefined) return undefined;
  return Object.fromEntries(Object.entries(stage.output_data).filter(([name]) => !RESERVED.has(name)));
}
