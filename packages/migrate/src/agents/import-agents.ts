import { type AgentRecords, agentIdOf, scopeOf } from "@stagefold/core";
import type { Rules } from "../merge/merge-rows.ts";
import type { AgentsRow, OlderAgent } from "../rows/agents-row.ts";
import { isOfAgents, readRow } from "../rows/read-row.ts";
import type { Reason } from "../rows/row.ts";
import type { DeferredRows } from "../run/deferred-rows.ts";
import type { SummaryCounter } from "../run/import-summary.ts";
import { KeyedOrder } from "../run/keyed-order.ts";
import type { SpilledRow } from "../spill/buckets.ts";
import { agentOfRow, emptyAgent } from "./agent-of-row.ts";

/** What became of one row; without a reason it was merged. */
export interface AgentsOutcome {
  readonly row: AgentsRow;
  readonly reason?: Reason;
  readonly detail?: string;
}

export interface AgentsImportOptions {
  readonly records: AgentRecords;
  readonly rules: Pick<Rules, "orphans">;
  readonly dryRun: boolean;
  readonly summary: SummaryCounter;
  readonly deferredRows: DeferredRows;
  /** Used where an agent's row has no time. */
  readonly now: string;
}

/** What imports of agents and of their sessions share in one run. */
export class AgentsImport {
  readonly options: AgentsImportOptions;
  /** Of groups, by the ids of their invocations. */
  readonly order = new KeyedOrder();
  /** Agents that are there, or would be after a dry run; several sessions may ask for the same one at once. */
  readonly #known = new Map<string, Promise<boolean>>();
  /** Invocations that a dry run would have made. */
  readonly #wouldBe = new Set<string>();

  constructor(options: AgentsImportOptions) {
    this.options = options;
  }

  /** Imports the rows of one agent, and accounts for each. */
  async agents(given: readonly SpilledRow[]): Promise<void> {
    for (const row of given.map(rowOf)) {
      if (row.kind !== "agent") throw new TypeError(`expected rows of one agent, found a ${row.kind}`);
      await this.account(await this.#agent(row));
    }
  }

  async #agent(row: OlderAgent): Promise<AgentsOutcome> {
    const { records, dryRun, summary, now } = this.options;
    try {
      const agent = await agentOfRow(row, now);
      const before = dryRun ? await records.imports.findAgent(agent.agent_id) : undefined;
      const would = before ? (before.imported ? "unchanged" : "changed") : "created";
      const isRepeat = dryRun && this.#known.has(agent.agent_id);
      const fate = isRepeat ? "unchanged" : dryRun ? would : await records.imports.agent(agent);
      summary.agent(fate);
      this.#known.set(agent.agent_id, Promise.resolve(true));
      return fate === "unchanged" ? { row, reason: "already there" } : { row };
    } catch (error) {
      return unreadable(row, error);
    }
  }

  /** Whether calls reach the agent of an older row; where rows may make what they need, it is made of its id. */
  async requireAgent(ref: string): Promise<boolean> {
    const agent_id = await agentIdOf(ref);
    const known = this.#known.get(agent_id) ?? this.#findOrMake(ref, agent_id);
    this.#known.set(agent_id, known);
    return await known;
  }

  async #findOrMake(ref: string, agent_id: string): Promise<boolean> {
    const { records, rules, dryRun, summary, now } = this.options;
    if (await records.imports.findAgent(agent_id)) return true;
    if (rules.orphans === "wait") return false;
    summary.agent(dryRun ? "created" : await records.imports.agent(await emptyAgent(ref, now)));
    return true;
  }

  /** For a dry run: whether the invocation would be made. The same one may come in several groups. */
  async wouldInvoke(invocationId: string): Promise<boolean> {
    const isThere = await this.options.records.imports.hasInvocation(invocationId);
    const isRepeat = this.#wouldBe.has(invocationId);
    this.#wouldBe.add(invocationId);
    return !isThere && !isRepeat;
  }

  async account({ row, reason, detail }: AgentsOutcome): Promise<void> {
    const { summary } = this.options;
    if (reason === undefined) return summary.merged();
    const { origin, kind, key } = row;
    const { agent_id, session_id } = { session_id: undefined, ...row };
    await summary.notMerged({
      ...origin,
      kind,
      key,
      ...(agent_id !== undefined && { agent_id }),
      ...(session_id !== undefined && { session_id }),
      reason,
      ...(detail !== undefined && { detail }),
    });
  }
}

export function rowOf({ origin, text }: SpilledRow): AgentsRow {
  const row = readRow(text, origin);
  if (!isOfAgents(row)) throw new TypeError(`expected a row of agents, found a ${row.kind}`);
  return row;
}

/** What one row is refused for. What concerns the store or this process ends the run. */
export function unreadable(row: AgentsRow, error: unknown): AgentsOutcome {
  if (scopeOf(error) !== "project") throw error;
  return { row, reason: "unreadable", detail: error instanceof Error ? error.message : String(error) };
}
