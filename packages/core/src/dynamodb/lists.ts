import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { rowPasses } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import { hasNote } from "../ports/note-filter.ts";
import type { ListPage, ListQuery } from "../ports/project-store.ts";
import { PROJECT_STATUSES, type ProjectStatus } from "../snapshot/schema.ts";
import { cursorKeySchema } from "./limits.ts";
import { type Partition, partitionQuery } from "./queries.ts";
import { INDEXES } from "./table.ts";

/** Rows taken at the most for one page; the cursor continues behind them. Only filters that no index knows need so many. */
const MAX_ROWS = 2000;
/** Projects of one millisecond that a cursor remembers, to tell those that were given and then changed their state. */
const MAX_SEEN = 50;
/** Rows to ask for at once where an index does not know the filter. */
const FILTERED_PAGE = 100;

/** What a list asks of the store. */
export interface ListReads {
  /** One page of a query. `more`: the page was cut, by its limit or at 1 MB. */
  query(input: QueryCommandInput): Promise<{ readonly items: readonly Item[]; readonly more: boolean }>;
  /** Several items as they are in the table, strongly consistent. */
  items(projectIds: readonly string[]): Promise<readonly Item[]>;
}

const positionSchema = z.tuple([cursorKeySchema("sortKey"), cursorKeySchema("partitionKey")]);
const cursorSchema = z.object({
  /** By partition: time of creation and id of the last row that was taken of it. */
  taken: z.record(z.string(), positionSchema),
  /** Time of creation of the last row that was taken of any, and the ids that were taken with the same time. */
  at: z.string().min(1),
  seen: z.array(z.string()),
});
type Cursor = z.output<typeof cursorSchema>;

/**
 * One page of a list: the rows of one index partition, or of those of several states merged. A merge takes the newest
 * row of all partitions only while it has a row of each that is not at its end, wherever the store cut its pages.
 */
export async function readList(table: string, query: ListQuery, reads: ListReads): Promise<ListPage> {
  const { since = "", until = "~", limit } = query;
  // DynamoDB refuses a range that ends before it begins.
  if (until <= since) return { items: [], next: undefined };
  const given = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const size = isKnownToIndex(query) ? limit + 1 : Math.max(limit + 1, FILTERED_PAGE);
  const sources = partitionsOf(query).map((partition) => {
    const last = given?.taken[partition.value];
    const ask = (after: Position | undefined) =>
      reads.query(partitionQuery(table, partition, { ...query, limit: size }, after));
    return new Source(partition.value, ask, last && { created_at: last[0], project_id: last[1] });
  });
  const position = new ListPosition(given);
  const found = new Map<string, Item>();
  const twice = new Set<string>();
  for (let rows = 0; found.size < limit && rows < MAX_ROWS; rows++) {
    await Promise.all(sources.map((source) => source.fill()));
    const row = newest(sources)?.take();
    if (!row) break;
    const { project_id } = positionOf(row);
    if (found.has(project_id)) twice.add(project_id);
    else if (position.isNew(row) && rowPasses(row, query)) found.set(project_id, row);
    position.take(row);
  }
  await settle(found, [...twice], query, reads);
  const atEnd = sources.every((source) => source.atEnd);
  return { items: [...found.values()], next: atEnd ? undefined : position.cursor(sources) };
}

/** Items read at the most for one page of a list by note. */
const MAX_NOTED_READS = 500;

/**
 * One page of a list by note. No index has notes, so each row that passes the rest is read as an item. The page ends once
 * it is half full: the reads that remain would be small ones.
 */
export async function readNoted(
  query: ListQuery,
  note: string,
  list: (query: ListQuery) => Promise<ListPage>,
  items: (projectIds: readonly string[]) => Promise<readonly Item[]>,
): Promise<ListPage> {
  const found: Item[] = [];
  let { cursor } = query;
  for (let read = 0; found.length * 2 < query.limit && read < MAX_NOTED_READS; ) {
    // As many as the page still takes: the position behind them is then that of the next page.
    const page = await list({ ...query, cursor, limit: query.limit - found.length });
    const ids = page.items.map((row) => String(row.project_id));
    const noted = new Set(
      (await items(ids)).filter((item) => hasNote(item, note)).map((item) => item.project_id),
    );
    found.push(...page.items.filter(({ project_id }) => noted.has(project_id)));
    read += Math.max(1, ids.length);
    cursor = page.next;
    if (cursor === undefined) break;
  }
  return { items: found, next: cursor };
}

/**
 * A project that changed its state while the partitions were read is in two of them. No row says which is later, so the
 * item decides.
 */
async function settle(
  found: Map<string, Item>,
  twice: readonly string[],
  query: ListQuery,
  reads: ListReads,
): Promise<void> {
  if (twice.length === 0) return;
  const items = await reads.items(twice);
  for (const id of twice) {
    const item = items.find((one) => one.project_id === id);
    if (item && rowPasses(item, query)) found.set(id, item);
    else found.delete(id);
  }
}

interface Position {
  readonly created_at: string;
  readonly project_id: string;
}

type Ask = (after: Position | undefined) => ReturnType<ListReads["query"]>;

/** One partition, page by page. */
class Source {
  readonly name: string;
  readonly #ask: Ask;
  #rows: readonly Item[] = [];
  #next = 0;
  #more = true;
  /** The last row that was taken. */
  #taken: Position | undefined;

  constructor(name: string, ask: Ask, after: Position | undefined) {
    this.name = name;
    this.#ask = ask;
    this.#taken = after;
  }

  get head(): Item | undefined {
    return this.#rows[this.#next];
  }

  get atEnd(): boolean {
    return !this.#more && this.head === undefined;
  }

  get taken(): Position | undefined {
    return this.#taken;
  }

  /** Has a row at hand afterwards, or is at its end. */
  async fill(): Promise<void> {
    while (this.head === undefined && this.#more) {
      const page = await this.#ask(this.#taken);
      this.#rows = page.items;
      this.#next = 0;
      // A page without rows has no position to continue from.
      this.#more = page.more && page.items.length > 0;
    }
  }

  take(): Item | undefined {
    const row = this.head;
    if (!row) return undefined;
    this.#next += 1;
    this.#taken = positionOf(row);
    return row;
  }
}

/**
 * How far a list has come. Rows come newest first, so one that is newer than the last was given before: its project has
 * changed its state since and is in another partition now.
 */
class ListPosition {
  #at: string | undefined;
  #seen: string[];

  constructor(given: Cursor | undefined) {
    this.#at = given?.at;
    this.#seen = given?.seen ?? [];
  }

  isNew(row: Item): boolean {
    const { created_at, project_id } = positionOf(row);
    if (this.#at === undefined || created_at < this.#at) return true;
    return created_at === this.#at && !this.#seen.includes(project_id);
  }

  take(row: Item): void {
    const { created_at, project_id } = positionOf(row);
    if (this.#at !== undefined && created_at > this.#at) return;
    this.#seen = created_at === this.#at ? [...this.#seen, project_id].slice(-MAX_SEEN) : [project_id];
    this.#at = created_at;
  }

  cursor(sources: readonly Source[]): string {
    const taken = sources.flatMap(({ name, taken: last }) =>
      last ? [[name, [last.created_at, last.project_id]] as const] : [],
    );
    return JSON.stringify({ taken: Object.fromEntries(taken), at: this.#at, seen: this.#seen });
  }
}

function decodeCursor(text: string): Cursor {
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = "The cursor is not one that this list gave.";
    throw new StagefoldError("INVALID_INPUT", message, { issues: ["cursor"] }, { cause: error });
  }
}

/** One partition where the filter names one; those of all states where it does not. */
function partitionsOf({ user_id, agent_id, status }: ListQuery): readonly Partition[] {
  if (user_id !== undefined) return [{ index: INDEXES.UserIndex, value: user_id }];
  if (agent_id !== undefined) return [{ index: INDEXES.AgentIndex, value: agent_id }];
  const statuses = status === undefined ? PROJECT_STATUSES : storedAs(status);
  return statuses.map((value) => ({ index: INDEXES.StatusIndex, value }));
}

/** Where rows of a state are: an older `building` or `queued`, which has no lease owner, reads as `pending`. */
function storedAs(status: ProjectStatus): readonly ProjectStatus[] {
  return status === "pending" ? ["pending", "queued", "building"] : [status];
}

/** Whether each row of the partitions passes, but for some in legacy formats. */
function isKnownToIndex({ user_id, agent_id, status, pipeline, tag, text }: ListQuery): boolean {
  if (pipeline !== undefined || tag !== undefined || text !== undefined || status === "pending") return false;
  return [user_id, agent_id, status].filter((value) => value !== undefined).length <= 1;
}

function newest(sources: readonly Source[]): Source | undefined {
  return sources.reduce<Source | undefined>(
    (best, source) => (isNewer(source.head, best?.head) ? source : best),
    undefined,
  );
}

function isNewer(row: Item | undefined, other: Item | undefined): boolean {
  if (!row || !other) return row !== undefined;
  const [a, b] = [positionOf(row), positionOf(other)];
  return a.created_at !== b.created_at ? a.created_at > b.created_at : a.project_id > b.project_id;
}

function positionOf(row: Item): Position {
  return { created_at: String(row.created_at), project_id: String(row.project_id) };
}
