import type { createProjectSchema, Project } from "@stagefold/core";
import type { z } from "zod";
import { askerOf, userIdFor } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { resolvePipeline } from "./resolve-pipeline.ts";

/** Makes a build for the principal of the context: for `projects.create`, and for all that makes builds by itself. */
export async function createBuild(
  ctx: Context,
  request: z.output<typeof createProjectSchema>,
): Promise<Project> {
  const user_id = userIdFor(ctx.principal, request.user_id);
  const plan = resolvePipeline(request, ctx.pipelines);
  return await ctx.repository.control.create({ ...request, user_id }, plan, askerOf(ctx.principal));
}
