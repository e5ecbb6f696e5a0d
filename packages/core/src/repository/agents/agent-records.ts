import type { Agent } from "../../agents/agent-schema.ts";
import { invocationKey, sessionKey } from "../../agents/keys.ts";
import { readSession } from "../../agents/read-item.ts";
import type { Asker } from "../../commands/control-patch.ts";
import { isStagefoldError, scopeOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { AgentImports } from "./agent-imports.ts";
import { AgentLists } from "./agent-lists.ts";
import { Agents } from "./agents.ts";
import { completeInvocation, completeSession } from "./complete-turn.ts";
import { AgentContext, type AgentRecordsOptions } from "./context.ts";
import { Sessions } from "./sessions.ts";
import { Turns } from "./turns.ts";

/** The one way to agents, sessions and turns: every transition is one conditional write. */
export class AgentRecords {
  readonly agents: Agents;
  readonly sessions: Sessions;
  readonly turns: Turns;
  readonly lists: AgentLists;
  /** Rows of older tables. */
  readonly imports: AgentImports;
  readonly #context: AgentContext;

  constructor(options: AgentRecordsOptions) {
    const context = new AgentContext(options);
    this.#context = context;
    this.agents = new Agents(context);
    this.sessions = new Sessions(context);
    this.turns = new Turns(context);
    this.lists = new AgentLists(context);
    this.imports = new AgentImports(context);
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  /** Milliseconds. */
  get leaseMs(): number {
    return this.#context.leaseMs;
  }

  /**
   * Deletes an agent with its sessions, its calls and their files. It is disabled first; what is left when this process
   * ends is deleted by asking again. Errors: AGENT_NOT_FOUND, FORBIDDEN.
   */
  async deleteAgent(ref: string, asker: Asker = {}): Promise<Agent> {
    const { agent_id } = await this.agents.disable(ref, asker);
    // Those that run first: one that ends meanwhile is then among the others.
    for (const row of await this.lists.running())
      if (row.agent_id === agent_id && row.status === "open")
        await this.sessions.delete(row.session_id).catch(ifGone);
    for await (const id of this.sessions.ofAgent(agent_id)) await this.sessions.delete(id).catch(ifGone);
    await this.turns.removeCalls(agent_id);
    return await this.agents.delete(ref, asker);
  }

  /**
   * Removes sessions that were not used for the days that they are kept, with turns and files. One that cannot be
   * removed is handed to `onError`. Errors: STORE_UNAVAILABLE.
   */
  async removeExpired(onError: (error: unknown, key: string) => void): Promise<void> {
    const before = this.#context.keptSince();
    if (before === undefined) return;
    for await (const agent_id of this.lists.agentIds())
      for await (const id of this.sessions.ofAgent(agent_id, before))
        try {
          await this.sessions.expire(id, before);
        } catch (error) {
          if (scopeOf(error) === "store") throw error;
          onError(error, id);
        }
  }

  /** Those of some owners of files that are there: sessions and invocations; others are left out. */
  async existing(ids: readonly string[]): Promise<Set<string>> {
    const found = await this.sessions.existing(ids.filter((id) => id.startsWith("sess_")));
    for (const id of ids)
      if (id.startsWith("inv_") && (await this.#context.records.get(invocationKey(id)))) found.add(id);
    return found;
  }

  /**
   * Completes what dead owners left: turns whose lease is over become interrupted, deleted sessions are removed. One
   * that cannot be completed is handed to `onError` and does not keep others from it. Errors: STORE_UNAVAILABLE.
   */
  async reconcile(onError: (error: unknown, key: string) => void): Promise<void> {
    const context = this.#context;
    for await (const { pk } of this.lists.openItems()) {
      const key = String(pk);
      try {
        const [kind, id = ""] = key.split("#");
        const item = await context.records.get(kind === "session" ? sessionKey(id) : invocationKey(id));
        if (!item) continue;
        if (kind !== "session") await completeInvocation(context, item);
        else if (readSession(item).status === "deleting") await this.sessions.purge(id);
        else await completeSession(context, item);
      } catch (error) {
        if (scopeOf(error) === "store") throw error;
        onError(error, key);
      }
    }
  }
}

function ifGone(error: unknown): void {
  if (!isStagefoldError(error, "SESSION_NOT_FOUND")) throw error;
}
