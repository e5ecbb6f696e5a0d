import {
  type Agents,
  type Artifact,
  type Project,
  parseInput,
  publishBuild,
  publishedAgentSchema,
  type ReportEvent,
  type Repository,
  type Stage,
} from "@stagefold/core";

/**
 * Publishes the agent that a build has made, before the write that completes it: so a build is completed only when its
 * agent exists. Done again after a crash, it changes nothing. `said`: events of the last stage that are not written yet.
 * Errors: INVALID_INPUT for an output that says no agent, FORBIDDEN, STORE_UNAVAILABLE.
 */
export async function publishAgent(
  agents: Pick<Agents, "publish">,
  repository: Repository,
  project: Project,
  stage: Stage,
  output: Readonly<Record<string, unknown>>,
  said: readonly ReportEvent[],
): Promise<void> {
  const { agent_id } = project;
  // Other pipelines, and builds before 0.3, name none.
  if (agent_id === undefined) return;
  const made = parseInput(publishedAgentSchema, output, "What the last stage says of its agent");
  const recorded = await repository.artifactsOf(project);
  await publishBuild(agents, agent_id, project, [...recorded, ...artifactsIn(project, stage, said)], made);
}

function artifactsIn(project: Project, { stage, attempt }: Stage, said: readonly ReportEvent[]): Artifact[] {
  return said.flatMap((event) =>
    event.event === "artifacts"
      ? event.artifacts.map((one) => {
          const artifact = typeof one === "string" ? { path: one } : one;
          return { ...artifact, project_id: project.project_id, stage, attempt };
        })
      : [],
  );
}
