import { z } from "zod";
import {
  type Agent,
  type AgentVersion,
  agentToolSchema,
  type versionFileSchema,
} from "../../agents/agent-schema.ts";
import { AGENT_LIMITS } from "../../agents/limits.ts";
import { type Asker, requireOwner } from "../../commands/control-patch.ts";
import { invalidInput } from "../../errors.ts";
import type { Artifact } from "../../item-budget/manifest.ts";
import { artifactPathSchema } from "../../snapshot/ids.ts";
import { LIMITS, truncateUtf8 } from "../../snapshot/limits.ts";
import type { Project } from "../../snapshot/schema.ts";
import { textSchema } from "../../snapshot/storable.ts";
import type { Agents } from "./agents.ts";

const name = textSchema(AGENT_LIMITS.toolName, 1);

/** What the last stage of a build says of the agent that it made: what a pipeline with `publishes: agent` answers. */
export const publishedAgentSchema = z.object({
  /** Of the project's artifacts: what is run, and the prompt. */
  entry: artifactPathSchema,
  prompt: artifactPathSchema.optional(),
  kind: z.enum(["rules", "model"]).default("rules"),
  tools: z
    .array(
      agentToolSchema.extend({ name, description: textSchema(AGENT_LIMITS.toolDescription).default("") }),
    )
    .max(AGENT_LIMITS.tools)
    .default(() => []),
  agent_name: textSchema(LIMITS.projectName, 1).optional(),
  title: textSchema(AGENT_LIMITS.title, 1).optional(),
  description: textSchema(AGENT_LIMITS.description).optional(),
  category: textSchema(AGENT_LIMITS.category, 1).optional(),
  language: textSchema(35, 1).optional(),
  unmet: z
    .array(textSchema(200, 1))
    .max(AGENT_LIMITS.unmet)
    .default(() => []),
  self_tests: z.object({ passed: z.number().int().min(0), total: z.number().int().min(0) }).optional(),
  /** Names of secrets that its process gets. */
  secrets: z
    .array(name)
    .max(32)
    .default(() => []),
});
export type PublishedAgent = z.output<typeof publishedAgentSchema>;

/**
 * Publishes what a build made, keyed by its project and run: a version of the agent, or the agent with its first one.
 * `artifacts`: all of the project, in the order of its stages. `asker`: left out by the worker that runs the build.
 * Errors: INVALID_INPUT, FORBIDDEN.
 */
export async function publishBuild(
  agents: Pick<Agents, "publish">,
  ref: string,
  project: Project,
  artifacts: readonly Artifact[],
  made: PublishedAgent,
  asker?: Asker,
): Promise<Agent> {
  if (asker) requireOwner(project, asker);
  const { entry, prompt, kind, tools, unmet, self_tests, secrets } = made;
  const files = filesOf(artifacts);
  const found = files.find(({ path }) => path === entry);
  const missing = [entry, prompt].find(
    (path) => path !== undefined && !files.some((file) => file.path === path),
  );
  if (!found || missing !== undefined) {
    const message = `Expected ${missing ?? entry} among the artifacts of ${project.project_id}.`;
    throw invalidInput(message, [
      `${missing === prompt ? "prompt" : "entry"}: expected the path of an artifact`,
    ]);
  }
  if (files.length > AGENT_LIMITS.versionFiles)
    throw invalidInput(`An agent may have ${AGENT_LIMITS.versionFiles} files; this has ${files.length}.`);
  const sha256 = artifacts.findLast(({ path }) => path === entry)?.sha256;
  const version: AgentVersion = {
    version: 1,
    project_id: project.project_id,
    run: project.run,
    stage: found.stage,
    attempt: found.attempt,
    // The build's own time, so that a repeat says the same.
    at: project.updated_at,
    kind,
    entry,
    ...(prompt !== undefined && { prompt }),
    ...(sha256 !== undefined && { sha256 }),
    tools,
    unmet,
    ...(self_tests && { self_tests }),
    secrets,
    files,
  };
  const { agent_name = project.project_name, title, description, category, language } = made;
  const facts = {
    agent_name,
    title: title ?? project.project_name,
    description: description ?? truncateUtf8(project.requirement, 2000),
    category,
    language,
    tags: project.tags,
    user_id: project.user_id,
  };
  return await agents.publish(ref, facts, version, asker ?? { build: project });
}

/** Each path once: the last stage that lists it has the file as it is in the end. */
function filesOf(artifacts: readonly Artifact[]): z.output<typeof versionFileSchema>[] {
  const files = new Map(
    artifacts.map(({ path, stage, attempt }) => [path, { path, stage, attempt }] as const),
  );
  return [...files.values()];
}
