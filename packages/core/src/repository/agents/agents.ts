import {
  createAgent,
  deleteAgent,
  replaceAgent,
  versionOfRun,
  withCurrent,
  withoutFilesOf,
  withVersion,
} from "../../agents/agent-commands.ts";
import {
  type Agent,
  type AgentSettings,
  type AgentVersion,
  agentSettingsSchema,
} from "../../agents/agent-schema.ts";
import { agentIdOf, agentIdOfBuild, type BuildOfAgent } from "../../agents/ids.ts";
import { agentKey, publishedBy, publishedKey } from "../../agents/keys.ts";
import { readAgent } from "../../agents/read-item.ts";
import { type Asker, requireOwner } from "../../commands/control-patch.ts";
import { StagefoldError } from "../../errors.ts";
import type { Project } from "../../snapshot/schema.ts";
import type { AgentContext } from "./context.ts";
import { agentNotFound } from "./errors.ts";
import { optimisticRecordWrite, upsertRecord } from "./record-write.ts";

const MAX_RETRIES = 5;

/** What a build says of its agent, beside the version that it made. Left out: as it is, or empty for a new agent. */
export interface AgentFacts {
  readonly agent_name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly category?: string | undefined;
  readonly language?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly user_id?: string | undefined;
  readonly settings?: Partial<AgentSettings> | undefined;
}

/** Who publishes: a caller, or a worker for a build, of whose creator it knows no more than the build says. */
export interface Publisher extends Asker {
  readonly build?: Pick<Project, "project_id" | "user_id" | "created_at" | "created_by">;
}

/** What people change of an agent; what is left out stays. */
export interface AgentChange {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly category?: string | undefined;
  readonly tags?: string[] | undefined;
  readonly settings?: Partial<AgentSettings> | undefined;
}

/** Agents: made by builds, each build one version. */
export class Agents {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** Errors: AGENT_NOT_FOUND. `ref`: its id, or an id that it has elsewhere. */
  async get(ref: string): Promise<Agent> {
    const item = await this.#context.records.get(agentKey(await agentIdOf(ref)));
    if (!item) throw agentNotFound(ref);
    return readAgent(item);
  }

  /** Errors: FORBIDDEN for an agent that the asker may not change. False for one that is not there. */
  async requireOwn(ref: string, asker: Asker): Promise<boolean> {
    const agent = await this.#find(ref);
    if (agent) requireOwner(agent, asker, "agent");
    return agent !== undefined;
  }

  /** The agents that have a version which needs the files of a build, whichever agent the build names. */
  async usersOf(build: BuildOfAgent): Promise<Agent[]> {
    const { project_id } = build;
    // Records of publishing began with 0.3: of an agent that was published before, the build tells.
    const ids = new Set([await agentIdOf(agentIdOfBuild(build))]);
    for (let cursor: string | undefined; ; ) {
      const page = await this.#context.records.query({ pk: publishedBy(project_id), limit: 100, cursor });
      for (const { sk } of page.items) ids.add(String(sk));
      cursor = page.next;
      if (cursor === undefined) break;
    }
    const agents = await Promise.all([...ids].map((id) => this.#find(id)));
    const needs = ({ versions }: Agent) =>
      versions.some((one) => one.project_id === project_id && one.files_gone !== true);
    return agents.filter((agent) => agent !== undefined).filter(needs);
  }

  async #find(ref: string): Promise<Agent | undefined> {
    const item = await this.#context.records.get(agentKey(await agentIdOf(ref)));
    return item && readAgent(item);
  }

  /**
   * The agent with the version that a build made of it: created, or one version more. Keyed by project and run, so that
   * doing it twice changes nothing. Errors: FORBIDDEN for an agent of another user, SNAPSHOT_TOO_LARGE.
   */
  async publish(ref: string, facts: AgentFacts, made: AgentVersion, by: Publisher = {}): Promise<Agent> {
    const agent_id = await agentIdOf(ref);
    const at = this.#context.now();
    const fresh: Agent = {
      agent_id,
      agent_name: facts.agent_name,
      title: facts.title ?? facts.agent_name,
      description: facts.description ?? "",
      ...(facts.category !== undefined && { category: facts.category }),
      ...(facts.language !== undefined && { language: facts.language }),
      tags: [...(facts.tags ?? [])],
      ...(facts.user_id !== undefined && { user_id: facts.user_id }),
      aliases: ref === agent_id ? [] : [ref],
      status: "ready",
      version: 1,
      revision: 1,
      created_at: at,
      updated_at: at,
      settings: agentSettingsSchema.parse(facts.settings ?? {}),
      versions: [{ ...made, version: 1 }],
    };
    // Before the version: a build that is deleted asks who needs it.
    await upsertRecord(this.#context.records, publishedKey(made.project_id, agent_id), {});
    const isPublished = (agent: Agent) => versionOfRun(agent, made.project_id, made.run) !== undefined;
    const { item } = await optimisticRecordWrite(this.#context.records, {
      stored: await this.#context.records.get(agentKey(agent_id)),
      decide: (stored) => {
        if (!stored) return createAgent(fresh);
        const known = readAgent(stored);
        requireOwner(known, by, "agent");
        if (isPublished(known)) return undefined;
        if (by.build) requireNamed(known, by.build);
        return replaceAgent(known, { ...withVersion(known, made), agent_name: facts.agent_name }, at);
      },
      isOwnWrite: (stored) => isPublished(readAgent(stored)),
      maxRetries: MAX_RETRIES,
    });
    return item ? readAgent(item) : fresh;
  }

  /** Errors: AGENT_NOT_FOUND, FORBIDDEN. */
  async update(ref: string, change: AgentChange, asker: Asker = {}): Promise<Agent> {
    const { settings, ...fields } = change;
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    return await this.#change(ref, asker, (agent) => ({
      ...agent,
      ...given,
      settings: { ...agent.settings, ...settings },
    }));
  }

  /** From now on it answers no question, until it is enabled again. Turns that run end as they would. */
  async disable(ref: string, asker: Asker = {}): Promise<Agent> {
    return await this.#change(ref, asker, (agent) => ({ ...agent, status: "disabled" }));
  }

  async enable(ref: string, asker: Asker = {}): Promise<Agent> {
    return await this.#change(ref, asker, (agent) => ({ ...agent, status: "ready" }));
  }

  /** Rolls the agent back, or forward: one write. Errors: INVALID_INPUT for a version that it has not. */
  async setVersion(ref: string, version: number, asker: Asker = {}): Promise<Agent> {
    return await this.#change(ref, asker, (agent) => withCurrent(agent, version));
  }

  /** After a build was deleted with force: its versions cannot run any more. An agent that is gone is no error. */
  async forgetFilesOf(agentId: string, projectId: string): Promise<void> {
    const item = await this.#context.records.get(agentKey(agentId));
    if (item) await this.#change(agentId, {}, (agent) => withoutFilesOf(agent, projectId));
  }

  /** Its sessions stay: see `AgentRecords.deleteAgent`. Errors: AGENT_NOT_FOUND, FORBIDDEN. */
  async delete(ref: string, asker: Asker = {}): Promise<Agent> {
    const agent_id = await agentIdOf(ref);
    const known = await this.get(ref);
    await optimisticRecordWrite(this.#context.records, {
      stored: { ...known },
      decide: (stored) => {
        const agent = stored && readAgent(stored);
        if (!agent) throw agentNotFound(agent_id);
        requireOwner(agent, asker, "agent");
        return deleteAgent(agent);
      },
      isOwnWrite: () => false,
      maxRetries: MAX_RETRIES,
    });
    return known;
  }

  async #change(ref: string, asker: Asker, change: (agent: Agent) => Agent): Promise<Agent> {
    const agent_id = await agentIdOf(ref);
    const at = this.#context.now();
    const { item } = await optimisticRecordWrite(this.#context.records, {
      stored: await this.#context.records.get(agentKey(agent_id)),
      decide: (stored) => {
        if (!stored) throw agentNotFound(ref);
        const known = readAgent(stored);
        requireOwner(known, asker, "agent");
        const after = change(known);
        return isSame(known, after) ? undefined : replaceAgent(known, after, at);
      },
      // Decided again from what is there: a change that took effect is then found to be nothing to do.
      isOwnWrite: () => false,
      maxRetries: MAX_RETRIES,
    });
    if (!item) throw agentNotFound(ref);
    return readAgent(item);
  }
}

/**
 * Errors: FORBIDDEN for a build that may have named the agent while there was none, which anyone may: another user's build
 * has made it since. One that was there was checked when the build was made. Without sign-in nothing is anyone's own.
 */
function requireNamed(agent: Agent, build: NonNullable<Publisher["build"]>): void {
  const { project_id, user_id, created_at, created_by } = build;
  if (created_by === undefined || user_id === agent.user_id) return;
  if (agent.versions.some((one) => one.project_id === project_id)) return;
  // The agent that a build makes unless it names one was not checked.
  if (agent.created_at < created_at && agent.agent_id !== agentIdOfBuild({ project_id })) return;
  throw new StagefoldError(
    "FORBIDDEN",
    `The agent ${agent.agent_id} is ${agent.user_id ?? "no user"}'s, and was made after ${project_id} had named it: make a new build that names another one, or none.`,
    {},
  );
}

function isSame(before: Agent, after: Agent): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
