import { invocationKey, sessionKey } from "../../agents/keys.ts";
import { readSession } from "../../agents/read-item.ts";
import { scopeOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { AgentImports } from "./agent-imports.ts";
import { AgentLists } from "./agent-lists.ts";
import { Agents } from "./agents.ts";
import { AgentContext, type AgentRecordsOptions } from "./context.ts";
import { completeInvocation, completeSession } from "./rescue.ts";
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
