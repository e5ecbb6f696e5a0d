import { z } from "zod";
import { type AgentRow, type AgentStatus, agentRowSchema } from "../../agents/agent-schema.ts";
import {
  AGENTS,
  agentSessions,
  agentTurns,
  dayTurns,
  OPEN_TURNS,
  timeKey,
  userSessions,
} from "../../agents/keys.ts";
import {
  type SessionRow,
  sessionRowSchema,
  type TurnRow,
  type TurnStatus,
  turnRowSchema,
} from "../../agents/turn-schema.ts";
import { invalidInput } from "../../errors.ts";
import type { Item } from "../../patch/index.ts";
import { cursorsOf } from "../cursor.ts";
import type { Page } from "../lists.ts";
import type { AgentContext } from "./context.ts";

/** A page is cut short rather than reading more rows than this for it. */
const MAX_READ = 1000;
const ROWS_AT_ONCE = 100;

/** The key of the last row that was given. Keys of these lists are a time and an id. */
const placeSchema = z.object({ behind: z.string().min(1).max(300) });

export interface AgentFilter {
  readonly user_id?: string | undefined;
  readonly status?: AgentStatus | undefined;
  readonly category?: string | undefined;
  readonly tag?: string | undefined;
  /** Somewhere in its name, title or description; upper and lower case are the same. */
  readonly text?: string | undefined;
}

export interface TurnFilter {
  readonly status?: TurnStatus | undefined;
  /** Times: begun from `since` on, and before `until`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** What one list reads: a partition of an index, whose rows sort by time. */
interface Source {
  readonly index: "gsi1" | "gsi2";
  readonly pk: string;
  readonly from?: string | undefined;
}

/** Lists of agents, sessions and turns, newest first. */
export class AgentLists {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  async agents(filter: AgentFilter, limit: number, cursor?: string): Promise<Page<AgentRow>> {
    const text = filter.text?.toLowerCase();
    const fits = (row: AgentRow) =>
      (filter.user_id === undefined || row.user_id === filter.user_id) &&
      (filter.status === undefined || row.status === filter.status) &&
      (filter.category === undefined || row.category === filter.category) &&
      (filter.tag === undefined || row.tags.includes(filter.tag)) &&
      (text === undefined ||
        `${row.agent_id}\n${row.agent_name}\n${row.title}\n${row.description}`.toLowerCase().includes(text));
    const place = (row: AgentRow) => timeKey(row.created_at, row.agent_id);
    const source = { index: "gsi1", pk: AGENTS } as const;
    return await this.#page(
      { list: "agents", filter },
      source,
      agentRowSchema,
      { place, fits },
      [],
      limit,
      cursor,
    );
  }

  async *agentIds(): AsyncGenerator<string> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.#context.records.query({
        index: "gsi1",
        pk: AGENTS,
        limit: ROWS_AT_ONCE,
        cursor,
      });
      for (const { pk } of page.items) yield String(pk).replace(/^agent#/, "");
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** Those of an agent, or of a user. A session whose turn is running is among them. */
  async sessions(
    of: { readonly agent_id: string } | { readonly user_id: string },
    limit: number,
    cursor?: string,
  ): Promise<Page<SessionRow>> {
    const isOfAgent = "agent_id" in of;
    const source = isOfAgent
      ? ({ index: "gsi1", pk: agentSessions(of.agent_id) } as const)
      : ({ index: "gsi2", pk: userSessions(of.user_id) } as const);
    // While its turn runs, a session is in no partition of its agent or user but among what runs.
    const isOwn = (row: SessionRow) =>
      isOfAgent ? row.agent_id === of.agent_id : row.user_id === of.user_id;
    const own = (await this.running()).filter((row) => isOwn(row) && row.status === "open");
    const place = (row: SessionRow) => timeKey(row.last_active_at, row.session_id);
    const fits = (row: SessionRow) => row.status === "open";
    return await this.#page(
      { list: "sessions", of },
      source,
      sessionRowSchema,
      { place, fits },
      own,
      limit,
      cursor,
    );
  }

  /** The calls of an agent, in sessions and without; those that run are among them. */
  async turns(agentId: string, filter: TurnFilter, limit: number, cursor?: string): Promise<Page<TurnRow>> {
    const { status, since, until } = filter;
    const place = (row: TurnRow) =>
      timeKey(row.started_at, row.invocation_id ?? `${row.session_id}#${row.turn}`);
    const fits = (row: TurnRow) =>
      (status === undefined || row.status === status) &&
      (since === undefined || row.started_at >= since) &&
      (until === undefined || row.started_at < until);
    const running = (await this.running()).filter((row) => row.agent_id === agentId && row.status === "open");
    const open = running.flatMap((row) => (row.running ? [row.running] : [])).filter(fits);
    const source = { index: "gsi1", pk: agentTurns(agentId), from: since } as const;
    return await this.#page(
      { list: "turns", agentId, filter },
      source,
      turnRowSchema,
      { place, fits },
      open,
      limit,
      cursor,
    );
  }

  /** The ended turns of all agents, or of one, that began at or after a time: for statistics. */
  async *ended(since: string, until: string, agentId?: string): AsyncGenerator<TurnRow> {
    if (agentId === undefined) {
      for (let day = since.slice(0, 10); day <= until.slice(0, 10); day = nextDay(day))
        yield* this.#rows({ index: "gsi2", pk: dayTurns(day), from: since }, until);
      return;
    }
    yield* this.#rows({ index: "gsi1", pk: agentTurns(agentId), from: since }, until);
  }

  async *#rows(source: Source, until: string): AsyncGenerator<TurnRow> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.#context.records.query({ ...source, to: until, limit: 500, cursor });
      for (const row of page.items) {
        const parsed = turnRowSchema.safeParse(row.listed);
        if (parsed.success && parsed.data.status !== "running") yield parsed.data;
      }
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** Heads of sessions with an open turn, and those that are being deleted. Few: what all processes run at a time. */
  async running(): Promise<SessionRow[]> {
    const rows: SessionRow[] = [];
    for await (const { listed } of this.openItems()) {
      const parsed = sessionRowSchema.safeParse(listed);
      if (parsed.success) rows.push(parsed.data);
    }
    return rows;
  }

  /** Rows of what is open, by hard deadline: sessions and invocations. */
  async *openItems(): AsyncGenerator<Item> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.#context.records.query({
        index: "gsi2",
        pk: OPEN_TURNS,
        limit: ROWS_AT_ONCE,
        cursor,
      });
      yield* page.items;
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** `also`: rows that are elsewhere. A damaged row is left out: the others are listed. */
  async #page<T>(
    name: object,
    source: Source,
    schema: z.ZodType<T>,
    { place, fits }: { place: (row: T) => string; fits: (row: T) => boolean },
    also: readonly T[],
    limit: number,
    cursor: string | undefined,
  ): Promise<Page<T>> {
    const cursors = await cursorsOf(name, placeSchema);
    const behind = cursor === undefined ? undefined : cursors.decode(cursor).behind;
    // DynamoDB refuses a range that ends before it begins.
    if (behind !== undefined && behind < (source.from ?? ""))
      throw invalidInput("The cursor is not one that this list gave.", ["cursor"]);
    const isBehind = (key: string) => behind === undefined || key < behind;
    const found = new Map(also.map((row) => [place(row), row] as const).filter(([key]) => isBehind(key)));
    let last: string | undefined;
    let next: string | undefined;
    let own = 0;
    for (let read = 0; own <= limit && read < MAX_READ; read += ROWS_AT_ONCE) {
      const page = await this.#context.records.query({
        ...source,
        to: behind,
        newestFirst: true,
        limit: ROWS_AT_ONCE,
        cursor: next,
      });
      for (const row of page.items) {
        const key = String(row[`${source.index}_sk`]);
        const parsed = schema.safeParse(row.listed);
        last = key;
        if (!parsed.success || !isBehind(key) || !fits(parsed.data)) continue;
        found.set(key, parsed.data);
        own += 1;
      }
      next = page.next;
      if (next === undefined) break;
    }
    const sorted = [...found].sort(([a], [b]) => (a < b ? 1 : -1));
    // Rows from elsewhere that are older than what was read wait for the page that gets there.
    const reached = next === undefined ? sorted : sorted.filter(([key]) => last === undefined || key >= last);
    const items = reached.slice(0, limit);
    const isMore = reached.length > items.length || next !== undefined;
    const end = reached.length > items.length ? items.at(-1)?.[0] : last;
    return {
      items: items.map(([, row]) => row),
      next_cursor: isMore && end !== undefined ? cursors.encode({ behind: end }) : null,
    };
  }
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) + 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}
