import type { Project } from "@stagefold/core";
import { type Pipeline, type PipelineRegistry, stagesNamed } from "@stagefold/pipeline";

export type Match =
  | { readonly kind: "same"; readonly pipeline: Pipeline }
  /** This worker's files are older than the build: another worker may have what it was created from. */
  | { readonly kind: "outdated"; readonly message: string }
  | { readonly kind: "changed"; readonly message: string };

/**
 * Whether this worker's pipelines can continue a build: its stages must be the pipeline's, in the same order.
 * `changedAt` is when the pipelines of this worker last changed, in epoch milliseconds.
 */
export function matchPipeline(
  project: Project,
  pipelines: PipelineRegistry,
  changedAt: number | undefined,
): Match {
  const { pipeline: name = "", created_at } = project;
  const pipeline = pipelines.get(name);
  const expected = project.stages_snapshot.stages.map((stage) => stage.stage);
  if (!pipeline) return { kind: "outdated", message: `This worker does not have the pipeline ${name}.` };
  const stages = stagesNamed(pipeline, expected);
  if (stages) return { kind: "same", pipeline: { ...pipeline, stages } };
  const actual = pipeline.stages.map((stage) => stage.stage);
  const found = `expected the stages ${expected.join(", ")}; found ${actual.join(", ")}.`;
  if (changedAt !== undefined && changedAt < Date.parse(created_at))
    return {
      kind: "outdated",
      message: `The pipeline ${name} of this worker is older than the build: ${found}`,
    };
  return { kind: "changed", message: `The pipeline ${name} has changed since this build started: ${found}` };
}
