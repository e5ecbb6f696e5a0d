import { z } from "zod";
import { isStagefoldError } from "../errors.ts";
import type { Artifact } from "../item-budget/manifest.ts";
import { normalise } from "../legacy/normalise.ts";
import { summaryOfRow } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import type { ListPage, ListPosition } from "../ports/project-store.ts";
import { projectIdSchema } from "../snapshot/ids.ts";
import {
  PROJECT_STATUSES,
  type Project,
  type ProjectStatus,
  type ProjectSummary,
} from "../snapshot/schema.ts";
import type { RepositoryContext } from "./context.ts";
import { cursorsOf } from "./cursor.ts";
import { type ProjectFilter, passesFilter } from "./filter.ts";

export interface Page<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
}

/** Rows read at the most for one page of a list whose filter the indexes do not know; the cursor goes on from there. */
const MAX_ROWS = 2000;

const positionSchema = z.object({ created_at: z.string().min(1), project_id: z.string().min(1) });
/** The last row that was taken of each partition; a cursor exists only after the first. */
const positionsSchema = z
  .record(z.string(), positionSchema)
  .refine((positions) => Object.keys(positions).length > 0, "expected a position");
type Positions = z.output<typeof positionsSchema>;
/** Which artifacts of which build come next: those of the build behind `at`, without the first `skip`. */
const artifactPlaceSchema = z.object({ at: positionSchema.nullable(), skip: z.number().int().min(0) });

/** Lists over the indexes: summaries, newest first, whole snapshots never. */
export class Lists {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** A page has at most `limit` items, and may have fewer before the end when a filter passes few. */
  async projects(filter: ProjectFilter, limit: number, cursor?: string): Promise<Page<ProjectSummary>> {
    const sources = sourcesOf(filter);
    const cursors = await cursorsOf(["projects", filter], positionsSchema);
    const given: Positions = cursor === undefined ? {} : cursors.decode(cursor);
    let positions = given;
    const items: ProjectSummary[] = [];
    for (let rows = 0; rows < MAX_ROWS; ) {
      const page = await this.#merge(sources, filter, rowsOf(filter, limit), positions);
      for (const [i, row] of page.rows.entries()) {
        const position = positionOf(row.item);
        positions = { ...positions, [row.source]: position };
        const summary = summaryOfRow(row.item);
        // What is not one of ours cannot be asked for either.
        const isListed = isProjectId(summary.project_id) && passesFilter(summary, filter);
        if (isListed && !wasGiven(position, given)) putOnce(items, summary);
        if (items.length < limit) continue;
        const last = page.end && i === page.rows.length - 1;
        return { items, next_cursor: last ? null : cursors.encode(positions) };
      }
      if (page.end) return { items, next_cursor: null };
      rows += page.rows.length;
    }
    return { items, next_cursor: cursors.encode(positions) };
  }

  /**
   * The next rows of all sources together, newest first. The sources are asked in the order a build goes through the
   * states: one that goes on meanwhile is seen twice rather than not at all.
   */
  async #merge(sources: readonly Source[], filter: ProjectFilter, limit: number, positions: Positions) {
    const pages = await Promise.all(
      sources.map(async (source) => ({
        source,
        page: await this.#page(source, filter, limit, positions[source.name]),
      })),
    );
    const all = pages.map(({ source, page }) => page.items.map((item) => ({ source: source.name, item })));
    const rows = merged(all).slice(0, limit);
    return { rows, end: rows.length === all.flat().length && pages.every(({ page }) => !page.more) };
  }

  #page(
    source: Source,
    filter: ProjectFilter,
    limit: number,
    after: ListPosition | undefined,
  ): Promise<ListPage> {
    return this.#context.store.list({
      ...source.key,
      since: filter.since,
      until: filter.until,
      limit,
      after,
    });
  }

  /** Artifacts of every build of an agent, newest build first: one query and one batch read a page. */
  async artifactsByAgent(agentId: string, limit: number, cursor?: string): Promise<Page<Artifact>> {
    const cursors = await cursorsOf(["artifacts", agentId], artifactPlaceSchema);
    const from = cursor === undefined ? { at: null, skip: 0 } : cursors.decode(cursor);
    const page = await this.#context.store.list({ agent_id: agentId, limit, after: from.at ?? undefined });
    const read = await this.#context.store.getMany(page.items.map((row) => String(row.project_id)));
    const items: Artifact[] = [];
    let { at, skip } = from;
    for (const row of page.items) {
      const item = read.find((one) => one.project_id === row.project_id);
      const all = item ? await this.#artifactsOf(item) : [];
      for (const artifact of all.slice(skip)) {
        if (items.length === limit) return { items, next_cursor: cursors.encode({ at, skip }) };
        items.push(artifact);
        skip += 1;
      }
      at = positionOf(row);
      skip = 0;
    }
    return { items, next_cursor: page.more ? cursors.encode({ at, skip }) : null };
  }

  /** A damaged project has no artifacts to show and does not take the list down. */
  async #artifactsOf(item: Item): Promise<Artifact[]> {
    const project = readable(item);
    return project ? await this.#context.artifactsOf(project) : [];
  }
}

/** Rows to ask for at once: more than are wanted where the index does not know the filter. */
function rowsOf(filter: ProjectFilter, limit: number): number {
  const known =
    filter.tag === undefined &&
    filter.text === undefined &&
    filter.status !== "pending" &&
    !(filter.user_id && filter.status);
  return known ? limit : Math.max(limit, 100);
}

interface Source {
  readonly name: string;
  readonly key: { readonly user_id?: string; readonly status?: ProjectStatus };
}

/** One partition where the filter names one; all states, merged, where it does not. */
function sourcesOf(filter: ProjectFilter): readonly Source[] {
  if (filter.user_id !== undefined) return [{ name: "user", key: { user_id: filter.user_id } }];
  const statuses = filter.status === undefined ? PROJECT_STATUSES : storedAs(filter.status);
  return statuses.map((status) => ({ name: status, key: { status } }));
}

/** Where rows of a status are: an older `building` or `queued`, which nobody holds, reads as `pending`. */
function storedAs(status: ProjectStatus): readonly ProjectStatus[] {
  return status === "pending" ? ["pending", "queued", "building"] : [status];
}

function isProjectId(id: string): boolean {
  return projectIdSchema.safeParse(id).success;
}

function readable(item: Item): Project | undefined {
  try {
    return normalise(item);
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return undefined;
    throw error;
  }
}

function positionOf(row: Item): ListPosition {
  return { created_at: String(row.created_at), project_id: String(row.project_id) };
}

/**
 * Whether an earlier page had the project: one that changed its state since is in another partition now, newer than
 * what that page ended with.
 */
function wasGiven({ project_id, created_at }: ListPosition, positions: Positions): boolean {
  return Object.values(positions).some(
    (given) => given.project_id === project_id || given.created_at < created_at,
  );
}

/** A project that changed its state while the partitions were read may be in two of them: the later state is kept. */
function putOnce(items: ProjectSummary[], summary: ProjectSummary): void {
  const place = items.findLastIndex((item) => item.project_id === summary.project_id);
  const before = items[place];
  if (!before) items.push(summary);
  else if (ageOf(summary) > ageOf(before)) items[place] = summary;
}

/** Grows in the life of a project, in as far as a list can tell. */
function ageOf({ run, status }: ProjectSummary): number {
  return run * PROJECT_STATUSES.length + PROJECT_STATUSES.indexOf(status);
}

interface Row {
  readonly source: string;
  readonly item: Item;
}

/**
 * The rows of several sources, newest first. Those of one keep their order, also where they are of the same millisecond:
 * where it goes on is said by its last row alone, and how it orders such rows is its own business.
 */
function merged(sources: readonly (readonly Row[])[]): Row[] {
  const queues = sources.map((rows) => [...rows]);
  const rows: Row[] = [];
  for (;;) {
    let newest: Row[] | undefined;
    for (const queue of queues) if (isNewer(queue[0], newest?.[0])) newest = queue;
    const next = newest?.shift();
    if (!next) return rows;
    rows.push(next);
  }
}

function isNewer(row: Row | undefined, other: Row | undefined): boolean {
  if (!row || !other) return row !== undefined;
  const [a, b] = [positionOf(row.item), positionOf(other.item)];
  return a.created_at !== b.created_at ? a.created_at > b.created_at : a.project_id > b.project_id;
}
