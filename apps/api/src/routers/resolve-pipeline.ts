import {
  aliasesOf,
  type createProjectSchema,
  EXTERNAL_POOL,
  type Plan,
  type Project,
  StagefoldError,
} from "@stagefold/core";
import { languageOf, type Pipeline, type PipelineRegistry, stageNameIn } from "@stagefold/pipeline";
import type { z } from "zod";

const DEFAULT_PIPELINE = "agent-build";

/** What will run a new project: its own stages when it brings some, else those of a pipeline. */
export function resolvePipeline(
  input: z.output<typeof createProjectSchema>,
  pipelines: PipelineRegistry,
): Plan {
  if (input.stages !== undefined) return { pipeline: input.pipeline ?? EXTERNAL_POOL, stages: input.stages };
  const pipeline = find(pipelines, input.pipeline ?? DEFAULT_PIPELINE);
  const language = languageOf(input.requirement);
  return {
    pipeline: pipeline.name,
    pipeline_version: pipeline.version,
    stages: pipeline.stages.map(({ stage, stage_name, weight, agent_name }) => ({
      stage,
      stage_name: stageNameIn(stage_name, language),
      weight,
      agent_name,
    })),
  };
}

/**
 * The pipeline that is to run this project from here on, or undefined when a program with stages of its own does.
 * Errors: PIPELINE_NOT_FOUND, PIPELINE_CHANGED when the pipeline does not have the project's stages.
 */
export function requireRunner(
  project: Project,
  pipelines: PipelineRegistry,
  named?: string,
): { name: string; version: string } | undefined {
  const name = named ?? project.pipeline;
  if (name === undefined)
    throw new StagefoldError(
      "PIPELINE_NOT_FOUND",
      `Project ${project.project_id} names no pipeline: a retry may name one that has its stages.`,
      { pipeline: "" },
    );
  if (named === undefined && project.pipeline_version === undefined) return undefined;
  const pipeline = find(pipelines, name);
  requireSameStages(project, pipeline);
  return { name: pipeline.name, version: pipeline.version };
}

function requireSameStages(project: Project, pipeline: Pipeline): void {
  const expected = project.stages_snapshot.stages.map(({ stage }) => stage);
  const actual = pipeline.stages.map(({ stage }) => stage);
  const same =
    expected.length === actual.length && expected.every((key, i) => aliasesOf(key).includes(actual[i] ?? ""));
  if (same) return;
  throw new StagefoldError(
    "PIPELINE_CHANGED",
    `Pipeline ${pipeline.name} has the stages ${actual.join(", ")}; the project has ${expected.join(", ")}.`,
    { pipeline: pipeline.name, expected, actual },
  );
}

function find(pipelines: PipelineRegistry, name: string): Pipeline {
  const pipeline = pipelines.get(name);
  if (pipeline) return pipeline;
  const known = pipelines.list().map((one) => one.name);
  throw new StagefoldError(
    "PIPELINE_NOT_FOUND",
    `There is no pipeline ${name}; there are ${known.join(", ") || "none"}.`,
    { pipeline: name },
  );
}
