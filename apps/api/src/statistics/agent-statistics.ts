import { type AgentRecords, fromTime, roundedCost, type TurnRow, toTime } from "@stagefold/core";
import { z } from "zod";
import { dateIn, lastDates } from "./days.ts";
import { quantile, successRate } from "./totals.ts";

/** Figures are at most so old. Milliseconds. */
const FRESH_MS = 5000;
const MAX_CACHED = 50;

const figuresSchema = z.object({
  calls: z.number(),
  completed: z.number(),
  failed: z.number(),
  cancelled: z.number(),
  interrupted: z.number(),
  /** Completed of those completed, failed or interrupted, 0 … 1; null where there are none. */
  success_rate: z.number().nullable(),
  /** Milliseconds, of completed calls. */
  duration_ms: z.object({ p50: z.number(), p95: z.number() }).nullable(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  tool_calls: z.number(),
  cost_usd: z.number(),
});

/** Calls by the day they began on. */
export const invocationStatsSchema = z.object({
  time_zone: z.string(),
  /** One for each day, the oldest first, today last. */
  days: z.array(figuresSchema.extend({ date: z.string() })),
  all: figuresSchema,
});

/** The same by agent, those with the most calls first. */
export const agentStatsSchema = z.object({
  items: z.array(figuresSchema.extend({ agent_id: z.string() })),
});

type Figures = z.output<typeof figuresSchema>;

/** Statistics of turns that ended: what the index rows say, counted and never invented. */
export class AgentStatistics {
  readonly #records: AgentRecords;
  /** What is fresh: every entry is removed when it no longer is, as a year of rows is large. */
  readonly #cached = new Map<string, Promise<TurnRow[]>>();

  constructor(records: AgentRecords) {
    this.#records = records;
  }

  async invocations(query: {
    readonly days: number;
    readonly time_zone: string;
    readonly agent_id?: string | undefined;
  }): Promise<z.output<typeof invocationStatsSchema>> {
    const { days, time_zone, agent_id } = query;
    const { dates, notBefore } = lastDates(days, time_zone, this.#records.clock.now());
    const rows = await this.#rows(notBefore, agent_id);
    const dateOf = dateIn(time_zone);
    const byDate = new Map<string, TurnRow[]>(dates.map((date) => [date, []]));
    for (const row of rows) byDate.get(dateOf(fromTime(row.started_at)))?.push(row);
    return {
      time_zone,
      days: [...byDate].map(([date, some]) => ({ date, ...figuresOf(some) })),
      all: figuresOf([...byDate.values()].flat()),
    };
  }

  /** Of the last days in UTC, today included. */
  async agents(days: number): Promise<z.output<typeof agentStatsSchema>> {
    const { dates, notBefore } = lastDates(days, "UTC", this.#records.clock.now());
    const rows = await this.#rows(notBefore, undefined);
    const byAgent = new Map<string, TurnRow[]>();
    for (const row of rows) {
      if (row.started_at.slice(0, 10) < (dates[0] ?? "")) continue;
      const known = byAgent.get(row.agent_id);
      if (known) known.push(row);
      else byAgent.set(row.agent_id, [row]);
    }
    const items = [...byAgent].map(([agent_id, some]) => ({ agent_id, ...figuresOf(some) }));
    return { items: items.sort((a, b) => b.calls - a.calls) };
  }

  /** Readers that come together share what is read. */
  #rows(notBefore: number, agentId: string | undefined): Promise<TurnRow[]> {
    const name = JSON.stringify([notBefore, agentId]);
    const known = this.#cached.get(name);
    if (known) return known;
    const rows = this.#read(notBefore, agentId);
    this.#cached.set(name, rows);
    if (this.#cached.size > MAX_CACHED) this.#cached.delete(this.#cached.keys().next().value ?? "");
    const remove = () => {
      if (this.#cached.get(name) === rows) this.#cached.delete(name);
    };
    setTimeout(remove, FRESH_MS).unref();
    rows.catch(remove);
    return rows;
  }

  async #read(notBefore: number, agentId: string | undefined): Promise<TurnRow[]> {
    const rows: TurnRow[] = [];
    // A clock that is ahead elsewhere is no reason to leave a call out.
    const until = toTime(this.#records.clock.now() + 24 * 60 * 60 * 1000);
    for await (const row of this.#records.lists.ended(toTime(notBefore), until, agentId)) rows.push(row);
    return rows;
  }
}

function figuresOf(rows: readonly TurnRow[]): Figures {
  const count = { completed: 0, failed: 0, cancelled: 0, interrupted: 0 };
  const used = { input_tokens: 0, output_tokens: 0, tool_calls: 0 };
  const durations: number[] = [];
  let cost = 0;
  for (const { status, duration_ms, input_tokens, output_tokens, tool_calls, cost_usd } of rows) {
    if (status === "running") continue;
    count[status] += 1;
    if (status === "completed" && duration_ms !== undefined) durations.push(duration_ms);
    used.input_tokens += input_tokens;
    used.output_tokens += output_tokens;
    used.tool_calls += tool_calls;
    cost += cost_usd;
  }
  return {
    calls: rows.length,
    ...count,
    success_rate: successRate(count.completed, count.failed + count.interrupted),
    duration_ms:
      durations.length === 0 ? null : { p50: quantile(durations, 0.5), p95: quantile(durations, 0.95) },
    ...used,
    cost_usd: roundedCost(cost),
  };
}
