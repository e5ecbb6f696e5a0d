import type { Project } from "./model/project.ts";
import type { Stage } from "./model/stage.ts";

/** A pipeline as far as the client cares: `typeof` anything that `definePipeline` made is one. */
export interface PipelineLike {
  readonly name: string;
  readonly stages: readonly StageLike[];
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

/** The stages of a pipeline's builds: `stage` tells which, and narrows `output_data`. */
export type StageOf<P extends PipelineLike> = {
  [Key in keyof OutputsOf<P> & string]: Stage<Key, OutputsOf<P>[Key]>;
}[keyof OutputsOf<P> & string];

/** A build of a pipeline, whose stages are typed by their keys. Without a pipeline: any build. */
export type ProjectOf<P extends PipelineLike> = string extends P["stages"][number]["stage"]
  ? Project
  : Project<StageOf<P>>;

/** What a stage of a typed project returns; any fields where that is not known. */
export type StageOutput<S extends Stage> = unknown extends S["~output"]
  ? Record<string, unknown>
  : NonNullable<S["~output"]>;

type StageAt<S extends Stage, Key extends string> = S extends Stage
  ? Key extends S["stage"]
    ? S
    : never
  : never;

/** Names beside the stage's own output. */
const TAKEN: ReadonlySet<string> = new Set(["artifacts", "artifact_info", "artifact_count"]);

/**
 * What a stage returned: undefined until it has completed, and when the output was too large for the item
 * (then `output_ref` of the stage names the artifact that has it).
 * Throws a RangeError when the project has no such stage.
 */
export function stageOutput<S extends Stage, Key extends S["stage"]>(
  project: Project<S>,
  key: Key,
): StageOutput<StageAt<S, Key>> | undefined;
export function stageOutput(project: Project, key: string): Record<string, unknown> | undefined {
  const { stages } = project.stages_snapshot;
  const stage = stages.find((one) => one.stage === key);
  if (!stage) {
    const known = stages.map((one) => one.stage).join(", ") || "none";
    throw new RangeError(`Project ${project.project_id} has no stage ${key}; its stages are ${known}.`);
  }
  if (stage.status !== "completed" || stage.output_ref !== undefined) return undefined;
  return Object.fromEntries(Object.entries(stage.output_data).filter(([name]) => !TAKEN.has(name)));
}
