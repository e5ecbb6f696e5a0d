import type { Project, RetryRequest } from "@stagefold/core";
import { askerOf } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { requireRunner, retryInput } from "./resolve-pipeline.ts";

interface OnProject {
  readonly project_id: string;
  readonly operation_id?: string | undefined;
}

/** Errors: PIPELINE_NOT_FOUND, PIPELINE_CHANGED where no pipeline has the build's stages. */
export async function resumeBuild(ctx: Context, { project_id, operation_id }: OnProject): Promise<Project> {
  requireRunner(await ctx.repository.get(project_id), ctx.pipelines);
  return await ctx.repository.control.resume(project_id, operation_id, askerOf(ctx.principal));
}

/** The same, and INVALID_INPUT for an input that the pipeline does not take. */
export async function retryBuild(
  ctx: Context,
  given: OnProject & Omit<RetryRequest, "pipeline"> & { readonly pipeline?: string | undefined },
): Promise<Project> {
  const { project_id, operation_id, from_stage, limits } = given;
  const project = await ctx.repository.get(project_id);
  const pipeline = requireRunner(project, ctx.pipelines, given.pipeline);
  const input = retryInput(project, ctx.pipelines, given.pipeline, given.input);
  const intent = { from_stage, pipeline, input, limits };
  return await ctx.repository.control.retry(project_id, intent, operation_id, askerOf(ctx.principal));
}
