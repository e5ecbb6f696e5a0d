import {
  type Asker,
  agentIdOf,
  type createProjectSchema,
  isStagefoldError,
  type Project,
  requireOwner,
} from "@stagefold/core";
import type { z } from "zod";
import { askerOf, userIdFor, userNameFor } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { resolvePipeline } from "./resolve-pipeline.ts";

/**
 * Makes a build for the principal of the context: for `projects.create`, and for all that makes builds by itself.
 * `again`: its key had made it before.
 */
export async function createBuild(
  ctx: Context,
  given: z.output<typeof createProjectSchema>,
): Promise<{ readonly project: Project; readonly again: boolean }> {
  const user_id = userIdFor(ctx.principal, given.user_id);
  const user_name = given.user_name ?? userNameFor(ctx.principal, user_id);
  const asker = askerOf(ctx.principal);
  if (given.agent_id !== undefined) await requireOwnAgent(ctx, given.agent_id, asker);
  const { request, plan } = resolvePipeline(given, ctx.pipelines);
  const agent_id = request.agent_id === undefined ? undefined : await agentIdOf(request.agent_id);
  return await ctx.repository.control.createOnce(
    { ...request, user_id, user_name, agent_id },
    plan,
    asker,
    ctx.traceparent,
  );
}

/**
 * An agent that is not there yet may be named, unless it is the one that a build of another user makes.
 * Errors: FORBIDDEN.
 */
export async function requireOwnAgent(
  { agentRecords, repository }: Pick<Context, "agentRecords" | "repository">,
  ref: string,
  asker: Asker,
): Promise<void> {
  if (asker.owner === undefined || (await agentRecords.agents.requireOwn(ref, asker))) return;
  const agent_id = await agentIdOf(ref);
  try {
    // See `agentIdOfBuild`. The build may have been made a moment ago.
    const build = await repository.get(agent_id.replace(/^agent_/, "proj_"), { consistent: true });
    requireOwner(build, asker, "agent");
  } catch (error) {
    if (!isStagefoldError(error, "PROJECT_NOT_FOUND")) throw error;
  }
}
