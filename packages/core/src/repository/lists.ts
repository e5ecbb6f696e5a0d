import { z } from "zod";
import { scopeOf } from "../errors.ts";
import { type Artifact, inlineArtifactsOf } from "../item-budget/manifest.ts";
import { normaliseReadable } from "../legacy/normalise.ts";
import { summaryOfRow } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import type { ListFilter } from "../ports/list-filter.ts";
import { projectIdSchema } from "../snapshot/ids.ts";
import type { ProjectSummary } from "../snapshot/schema.ts";
import type { RepositoryContext } from "./context.ts";
import { cursorsOf } from "./cursor.ts";

export interface Page<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
}

/** Which artifacts of which build come next: those of the build behind `at`, without the first `skip`. */
const artifactPlaceSchema = z.object({
  /** The store's cursor of the rows that `at` is among; null for the first. */
  page: z.string().min(1).nullable(),
  at: z.object({ created_at: z.string().min(1), project_id: z.string().min(1) }).nullable(),
  skip: z.number().int().min(0),
});
type ArtifactPlace = z.output<typeof artifactPlaceSchema>;

/** Rows of an agent's index that are read at once; their builds are read as they are needed. */
const AGENT_ROWS = 50;
/** Builds read at the most for one page, where few have artifacts. */
const MAX_BUILDS = 200;

/** Lists over the indexes: summaries, newest first, whole snapshots never. */
export class Lists {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** A page has at most `limit` items, and may have fewer before the end when a filter passes few. */
  async projects(filter: ListFilter, limit: number, cursor?: string): Promise<Page<ProjectSummary>> {
    const cursors = await cursorsOf(["projects", filter], z.string().min(1));
    const from = cursor === undefined ? undefined : cursors.decode(cursor);
    const { items, next } = await this.#context.store.list({ ...filter, limit, cursor: from });
    return {
      // What is not one of ours cannot be asked for either.
      items: items.map(summaryOfRow).filter(({ project_id }) => isProjectId(project_id)),
      next_cursor: next === undefined ? null : cursors.encode(next),
    };
  }

  /** Artifacts of every build of an agent, newest build first. Reads as many builds as a page takes. */
  async artifactsByAgent(agentId: string, limit: number, cursor?: string): Promise<Page<Artifact>> {
    const cursors = await cursorsOf(["artifacts", agentId], artifactPlaceSchema);
    let place: ArtifactPlace =
      cursor === undefined ? { page: null, at: null, skip: 0 } : cursors.decode(cursor);
    const items: Artifact[] = [];
    for (let [builds, artifacts] = [0, 0]; ; ) {
      const { store } = this.#context;
      const query = { agent_id: agentId, limit: AGENT_ROWS, fields: [], cursor: place.page ?? undefined };
      const page = await store.list(query);
      for (let rows = rowsBehind(page.items, place.at); rows.length > 0; ) {
        const batch = rows.slice(0, buildsToRead(limit - items.length, artifacts, builds));
        rows = rows.slice(batch.length);
        const read = await store.getMany(batch.map((row) => String(row.project_id)));
        for (const row of batch) {
          const item = read.find((one) => one.project_id === row.project_id);
          const all = item ? await this.#artifactsOf(item) : [];
          artifacts += all.length;
          const left = all.slice(place.skip);
          const taken = left.slice(0, limit - items.length);
          items.push(...taken);
          if (taken.length < left.length) {
            const next = { ...place, skip: place.skip + taken.length };
            return { items, next_cursor: cursors.encode(next) };
          }
          place = { page: place.page, at: positionOf(row), skip: 0 };
        }
        builds += batch.length;
        const atEnd = rows.length === 0 && page.next === undefined;
        if (!atEnd && (items.length === limit || builds >= MAX_BUILDS))
          return { items, next_cursor: cursors.encode(place) };
      }
      if (page.next === undefined) return { items, next_cursor: null };
      place = { page: page.next, at: null, skip: 0 };
    }
  }

  /** A damaged project, or one without a document that it names, has fewer to show and does not take the list down. */
  async #artifactsOf(item: Item): Promise<Artifact[]> {
    const project = normaliseReadable(item);
    if (!project) return [];
    try {
      return await this.#context.artifactsOf(project);
    } catch (error) {
      if (scopeOf(error) !== "project") throw error;
      return project.stages_snapshot.stages.flatMap((stage) => inlineArtifactsOf(project, stage));
    }
  }
}

/** One build at first, then as many as those before let expect, but at most four times as many as were read. */
function buildsToRead(wanted: number, found: number, builds: number): number {
  if (builds === 0) return 1;
  return Math.min(4 * builds, found === 0 ? Number.POSITIVE_INFINITY : Math.ceil((wanted * builds) / found));
}

/** A build that was deleted since is no place any more; those that are older than it come next. */
function rowsBehind(rows: readonly Item[], at: ArtifactPlace["at"]): readonly Item[] {
  if (!at) return rows;
  const place = rows.findIndex((row) => row.project_id === at.project_id);
  return place >= 0 ? rows.slice(place + 1) : rows.filter((row) => String(row.created_at) < at.created_at);
}

function positionOf(row: Item) {
  return { created_at: String(row.created_at), project_id: String(row.project_id) };
}

function isProjectId(id: string): boolean {
  return projectIdSchema.safeParse(id).success;
}
