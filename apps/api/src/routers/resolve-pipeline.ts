import {
  checkedInput,
  type createProjectSchema,
  EXTERNAL_POOL,
  invalidInput,
  LIMIT_NAMES,
  type Limits,
  type Plan,
  type Project,
  StagefoldError,
} from "@stagefold/core";
import {
  languageOf,
  type Pipeline,
  type PipelineRegistry,
  stageNameIn,
  stagesFor,
  stagesNamed,
} from "@stagefold/pipeline";
import type { z } from "zod";

const DEFAULT_PIPELINE = "agent-build";

type CreateRequest = Omit<z.output<typeof createProjectSchema>, "idempotency_key">;

/**
 * A new project as it will be made, and what will run it: its own stages when it brings some, else those of a pipeline.
 * Errors: PIPELINE_NOT_FOUND; INVALID_INPUT for an input that the pipeline does not take.
 */
export function resolvePipeline<Request extends CreateRequest>(
  request: Request,
  pipelines: PipelineRegistry,
): { readonly request: Request; readonly plan: Plan } {
  const { stages } = request;
  if (stages !== undefined) {
    requireRequirement(request, request.input === undefined);
    return { request, plan: { pipeline: request.pipeline ?? EXTERNAL_POOL, stages } };
  }
  const pipeline = find(pipelines, request.pipeline ?? DEFAULT_PIPELINE);
  requireRequirement(request, pipeline.requirement === "required");
  const input = inputFor(pipeline, request.input);
  const limits = lowest(pipeline.limits, request.limits);
  return { request: { ...request, input, limits }, plan: planOf(pipeline, request.requirement ?? "", input) };
}

function requireRequirement({ requirement }: CreateRequest, isRequired: boolean): void {
  if (isRequired && requirement === undefined)
    throw invalidInput("The build needs a requirement: what is to be built, in words.", [
      "requirement: expected a text",
    ]);
}

/** What a pipeline's builds are given, with the defaults of its schema. Errors: INVALID_INPUT. */
function inputFor(
  { name, input: schema }: Pipeline,
  given: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  if (schema !== undefined) return checkedInput(given ?? {}, schema);
  if (given === undefined) return undefined;
  throw invalidInput(`The pipeline ${name} takes no input.`, ["input: expected none"]);
}

/** Of each limit the lower one. */
function lowest(a: Limits = {}, b: Limits = {}): Limits | undefined {
  const found = LIMIT_NAMES.flatMap((name) => {
    const values = [a[name], b[name]].filter((value) => value !== undefined);
    return values.length === 0 ? [] : [[name, Math.min(...values)] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function planOf(pipeline: Pipeline, requirement: string, input: Record<string, unknown> | undefined): Plan {
  const language = languageOf(requirement);
  const stages = stagesFor(pipeline, input);
  if (!stages.some((stage) => stage.finally !== true))
    throw invalidInput(`The pipeline ${pipeline.name} has no stage for this input.`, [
      "input: expected one that some stage is for",
    ]);
  return {
    pipeline: pipeline.name,
    pipeline_version: pipeline.version,
    publishes: pipeline.publishes,
    stages: stages.map(
      ({ stage, stage_name, weight, agent_name, needs, finally: runsFinally, allow_failure }) => ({
        stage,
        stage_name: stageNameIn(stage_name, language),
        weight,
        agent_name,
        needs,
        finally: runsFinally,
        allow_failure,
      }),
    ),
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

/**
 * The input of a retry as it will be stored. Errors: INVALID_INPUT; PIPELINE_CHANGED when the build would have other
 * stages with it.
 */
export function retryInput(
  project: Project,
  pipelines: PipelineRegistry,
  named: string | undefined,
  given: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const name = named ?? project.pipeline;
  const isOwn = named === undefined && project.pipeline_version === undefined;
  if (given === undefined || isOwn || name === undefined) return given;
  const pipeline = find(pipelines, name);
  const input = inputFor(pipeline, given);
  // Exactly these stages: none that only other inputs ask for may be missing or left over.
  const stages = stagesFor(pipeline, input).map(({ when: _w, ...stage }) => stage);
  requireSameStages(project, { ...pipeline, stages });
  return input;
}

function requireSameStages(project: Project, pipeline: Pipeline): void {
  const expected = project.stages_snapshot.stages.map(({ stage }) => stage);
  if (stagesNamed(pipeline, expected)) return;
  const actual = pipeline.stages.map(({ stage }) => stage);
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
