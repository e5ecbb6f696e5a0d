import { invalidInput, StagefoldError } from "../errors.ts";
import type { Guard, Item, RecordPatch } from "../patch/index.ts";
import { itemBytes } from "../snapshot/limits.ts";
import type { Agent, AgentVersion } from "./agent-schema.ts";
import { AGENTS, agentKey, timeKey } from "./keys.ts";
import { AGENT_LIMITS } from "./limits.ts";
import { agentRow } from "./rows.ts";

/** Changes of an agent are decided from the agent as known and written under its revision. */

export function createAgent(agent: Agent): RecordPatch {
  return { ...agentKey(agent.agent_id), kind: "put", guards: [], item: itemOf(agent) };
}

/** Puts `after` in the place of `before`. Errors: SNAPSHOT_TOO_LARGE. */
export function replaceAgent(before: Agent, after: Agent, at: string): RecordPatch {
  const next = itemOf(withRoom({ ...after, revision: before.revision + 1, updated_at: at }));
  const gone = Object.keys(before).filter((field) => next[field] === undefined);
  const guards: Guard[] = [{ path: ["revision"], is: "equals", value: before.revision }];
  return {
    ...agentKey(before.agent_id),
    kind: "update",
    guards,
    edits: [
      ...Object.entries(next)
        .filter(([field, value]) => field !== "pk" && field !== "sk" && value !== undefined)
        .filter(([field, value]) => Reflect.get(before, field) !== value)
        .map(([field, value]) => ({ op: "set" as const, path: [field], value })),
      ...gone.map((field) => ({ op: "remove" as const, path: [field] })),
    ],
  };
}

export function deleteAgent(known: Agent): RecordPatch {
  const guards: Guard[] = [{ path: ["revision"], is: "equals", value: known.revision }];
  return { ...agentKey(known.agent_id), kind: "delete", guards };
}

/** The version that a build made of the agent, if it did. */
export function versionOfRun(agent: Agent, projectId: string, run: number): AgentVersion | undefined {
  return agent.versions.find((one) => one.project_id === projectId && one.run === run);
}

/** The agent with one version more, numbered here, which answers from now on. */
export function withVersion(agent: Agent, made: AgentVersion): Agent {
  const version = Math.max(0, ...agent.versions.map((one) => one.version)) + 1;
  return { ...agent, version, versions: [...agent.versions, { ...made, version }] };
}

/** The agent answering by another of its versions. Errors: INVALID_INPUT. */
export function withCurrent(agent: Agent, version: number): Agent {
  const chosen = agent.versions.find((one) => one.version === version);
  const known = agent.versions.map((one) => one.version).join(", ");
  if (!chosen)
    throw invalidInput(`Expected a version of the agent (${known}), found ${version}.`, ["version"]);
  if (chosen.files_gone === true)
    throw invalidInput(`Version ${version} cannot run any more: its build was deleted.`, ["version"]);
  return { ...agent, version };
}

/** The agent after a build of it was deleted with force. */
export function withoutFilesOf(agent: Agent, projectId: string): Agent {
  const versions = agent.versions.map((one) =>
    one.project_id === projectId ? { ...one, files_gone: true } : one,
  );
  return { ...agent, versions };
}

/**
 * The agent within its limit, as far as its oldest versions can make room: one that does not answer leaves its files to
 * be read from its build, which lists them unless a later run of it made another version.
 */
function withRoom(agent: Agent): Agent {
  let roomy = agent;
  for (const [i, { files, ...rest }] of agent.versions.entries()) {
    if (itemBytes(stored(roomy)) <= AGENT_LIMITS.agent) break;
    const isRunAgain = agent.versions.some(
      ({ project_id, run }) => project_id === rest.project_id && run > rest.run,
    );
    if (files === undefined || rest.version === agent.version || (isRunAgain && !rest.files_gone)) continue;
    roomy = { ...roomy, versions: roomy.versions.with(i, rest) };
  }
  return roomy;
}

function stored(agent: Agent): Item {
  const { agent_id, created_at } = agent;
  return {
    ...agentKey(agent_id),
    ...agent,
    gsi1_pk: AGENTS,
    gsi1_sk: timeKey(created_at, agent_id),
    listed: agentRow(agent),
  };
}

/** Errors: SNAPSHOT_TOO_LARGE. */
function itemOf(agent: Agent): Item {
  const item = stored(agent);
  const size = itemBytes(item);
  if (size <= AGENT_LIMITS.agent) return item;
  throw new StagefoldError(
    "SNAPSHOT_TOO_LARGE",
    `The agent would have ${size} bytes; an agent may have ${AGENT_LIMITS.agent}.`,
    { size, limit: AGENT_LIMITS.agent },
  );
}
