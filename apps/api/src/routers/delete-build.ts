import { isStagefoldError, type Project, StagefoldError } from "@stagefold/core";
import { askerOf } from "../auth/principal.ts";
import type { Context } from "../context.ts";

/** Errors: AGENT_IN_USE unless forced, PROJECT_NOT_FOUND, FORBIDDEN. */
export async function deleteBuild(ctx: Context, projectId: string, force: boolean): Promise<void> {
  const { agents } = ctx.agentRecords;
  const users = await agents.usersOf((await readable(ctx, projectId)) ?? { project_id: projectId });
  const [agent] = users;
  if (agent && !force) {
    const message = `A version of the agent ${agent.agent_id} needs the files of ${projectId}: delete it with force.`;
    throw new StagefoldError("AGENT_IN_USE", message, { agent_id: agent.agent_id, project_id: projectId });
  }
  await ctx.repository.control.delete(projectId, askerOf(ctx.principal));
  for (const { agent_id } of users) await agents.forgetFilesOf(agent_id, projectId);
}

/** One that cannot be read can still be deleted. */
async function readable(ctx: Context, projectId: string): Promise<Project | undefined> {
  try {
    return await ctx.repository.get(projectId);
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return undefined;
    throw error;
  }
}
