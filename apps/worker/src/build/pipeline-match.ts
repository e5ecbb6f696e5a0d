import { aliasesOf, type Project } from "@stagefold/core";
import type { Pipeline, PipelineRegistry } from "@stagefold/pipeline";

export type Match =
  | { readonly kind: "same"; readonly pipeline: Pipeline }
  | { readonly kind: "unknown" }
  | { readonly kind: "changed"; readonly message: string };

/** Whether this worker's pipelines can go on with a build: its stages must be the pipeline's, in the same order. */
export function matchPipeline(project: Project, pipelines: PipelineRegistry): Match {
  const pipeline = project.pipeline === undefined ? undefined : pipelines.get(project.pipeline);
  if (!pipeline) return { kind: "unknown" };
  const expected = project.stages_snapshot.stages.map((stage) => stage.stage);
  const actual = pipeline.stages.map((stage) => stage.stage);
  const same =
    expected.length === actual.length && actual.every((key, i) => aliasesOf(key).includes(expected[i] ?? ""));
  if (same) return { kind: "same", pipeline };
  const message = `The pipeline ${pipeline.name} has changed since this build started: expected the stages ${expected.join(", ")}; found ${actual.join(", ")}.`;
  return { kind: "changed", message };
}
