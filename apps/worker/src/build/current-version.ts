import { type Agents, type AgentVersion, isStagefoldError, type Project } from "@stagefold/core";

/**
 * The version of its agent that a build is to change: the one that answers, unless this build made it in an earlier run,
 * then the newest of another build. Undefined where the build's agent is new.
 */
export async function versionToChange(
  agents: Pick<Agents, "get">,
  { agent_id, project_id }: Project,
): Promise<AgentVersion | undefined> {
  if (agent_id === undefined) return undefined;
  try {
    const { version, versions } = await agents.get(agent_id);
    const others = versions.filter((one) => one.project_id !== project_id && one.files_gone !== true);
    return others.find((one) => one.version === version) ?? others.at(-1);
  } catch (error) {
    if (isStagefoldError(error, "AGENT_NOT_FOUND")) return undefined;
    throw error;
  }
}
