import type { Project } from "@stagefold/core";
import { definitionDigest, type Pipeline, type StageDefinition, stagesNamed } from "@stagefold/pipeline";
import type { WorkerPipelines } from "../deps.ts";

export type Match =
  /** `remark`: what the log says where it is not the definition that the build began with, or not the files' any more. */
  | {
      readonly kind: "same";
      /** With the stages that this build has. */
      readonly pipeline: Pipeline;
      /** Of the whole definition. */
      readonly digest: string;
      readonly remark?: string;
    }
  /** This worker's files are older than the build: another worker may have what it was created from. */
  | { readonly kind: "outdated"; readonly message: string }
  | { readonly kind: "changed"; readonly message: string };

/** A version that names a definition, and not one that its author gave. */
const DIGEST = /^[0-9a-f]{12}$/;

/**
 * What this worker continues a build with: the definition that it began with, where this worker still has it; else the
 * present one, whose stages must be the build's, in the same order.
 */
export function matchPipeline(project: Project, pipelines: WorkerPipelines): Match {
  const { pipeline: name = "", pipeline_version: began = "", created_at } = project;
  const present = pipelines.get(name);
  const isOther = DIGEST.test(began) && present?.version !== began;
  const past = isOther ? pipelines.past?.(name, began) : undefined;
  const expected = project.stages_snapshot.stages.map((stage) => stage.stage);
  const pastStages = past?.stages.every(isWhole) ? stagesNamed(past, expected) : undefined;
  if (past && pastStages) {
    const now = present === undefined ? "not there any more" : `another one now (${present.version})`;
    const remark = `The pipeline ${name} is ${now}; this build continues with the definition that it began with (${began}).`;
    return { kind: "same", pipeline: { ...past, stages: pastStages }, digest: began, remark };
  }
  if (!present) return { kind: "outdated", message: `This worker does not have the pipeline ${name}.` };
  const stages = stagesNamed(present, expected);
  if (stages) {
    const same = {
      kind: "same",
      pipeline: { ...present, stages },
      digest: definitionDigest(present),
    } as const;
    if (!isOther) return same;
    const remark = `The pipeline ${name} has changed since this build began (${began}), and this worker does not have what it was; the stages run as they are now (${present.version}).`;
    return { ...same, remark };
  }
  const actual = present.stages.map((stage) => stage.stage);
  const found = `expected the stages ${expected.join(", ")}; found ${actual.join(", ")}.`;
  if (pipelines.changedAt !== undefined && pipelines.changedAt < Date.parse(created_at))
    return {
      kind: "outdated",
      message: `The pipeline ${name} of this worker is older than the build: ${found}`,
    };
  return { kind: "changed", message: `The pipeline ${name} has changed since this build started: ${found}` };
}

/**
 * The digest of what a stage runs, and what its log says when that is not what the build runs otherwise: of a module only
 * the present text can be run.
 */
export function runsAs(
  { pipeline, digest }: { readonly pipeline: Pipeline; readonly digest: string },
  stage: StageDefinition,
  pipelines: WorkerPipelines,
): { readonly digest: string; readonly remark?: string } {
  if (stage.action.kind !== "module") return { digest };
  const present = pipelines.get(pipeline.name);
  const now = present?.stages.find((one) => one.stage === stage.stage)?.action;
  if (!present || now?.kind !== "module" || now.source === stage.action.source) return { digest };
  const changed = definitionDigest(present);
  const remark = `The module of ${pipeline.name} has changed while this build ran: this stage runs it as it is now (${changed}, before ${digest}).`;
  return { digest: changed, remark };
}

/** Whether all that it does is in the definition itself. */
function isWhole({ action }: StageDefinition): boolean {
  return action.kind === "command" || (action.kind === "gate" && "question" in action.asks);
}
