import {
  type Cursors,
  cursorsOf,
  findStage,
  invalidInput,
  type Page,
  type Project,
  readHistory,
  type Stage,
} from "@stagefold/core";
import { z } from "zod";
import type { Context } from "../context.ts";

export interface LogQuery {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt?: number | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Which attempt a reader is at, and where in its log; null before the first line. */
const placeSchema = z.object({ attempt: z.number().int().min(1), at: z.string().nullable() });
type Place = z.output<typeof placeSchema>;

/** One page of the full log of an attempt: the present one unless another is named. */
export async function logPage(ctx: Context, query: LogQuery): Promise<Page<{ text: string }>> {
  const project = await ctx.repository.get(query.project_id);
  const { stage } = findStage(project, query.stage);
  const cursors = await cursorsOf(["logs", project.project_id, stage.stage], placeSchema);
  const place = placeOf(query, stage, cursors);
  if (place.attempt > stage.attempt) return nothingYet(project, stage, cursors.encode(place));
  const upTo = await lastWriteOf(ctx, project, stage, place.attempt);
  const over = place.attempt < stage.attempt || stage.status !== "running";
  if (upTo === undefined)
    return over
      ? inItem(stage, place, query.limit, cursors)
      : { items: [], next_cursor: cursors.encode(place) };
  const ref = { project_id: project.project_id, stage: stage.stage, attempt: place.attempt };
  const page = await ctx.logs.read(ref, { cursor: place.at ?? undefined, limit: query.limit, upTo });
  const next: Place = { attempt: place.attempt, at: page.cursor };
  return {
    items: page.lines.map((text) => ({ text })),
    next_cursor: over && page.end ? null : cursors.encode(next),
  };
}

function placeOf(query: LogQuery, stage: Stage, cursors: Cursors<Place>): Place {
  const place =
    query.cursor === undefined
      ? { attempt: query.attempt ?? Math.max(1, stage.attempt), at: null }
      : cursors.decode(query.cursor);
  if (query.attempt !== undefined && query.attempt !== place.attempt)
    throw invalidInput(`The cursor is one of attempt ${place.attempt}, not of ${query.attempt}.`, ["cursor"]);
  if (place.attempt > stage.attempt + 1)
    throw invalidInput(
      `Stage ${stage.stage} has had ${stage.attempt} attempt${stage.attempt === 1 ? "" : "s"}.`,
      [`attempt: expected at most ${Math.max(1, stage.attempt)}, found ${place.attempt}`],
    );
  return place;
}

/** The item alone has the short log of a stage that was imported; no other has lines without a write of its lease owner. */
function inItem(stage: Stage, place: Place, limit: number, cursors: Cursors<Place>): Page<{ text: string }> {
  const lines = place.attempt === stage.attempt ? (stage.logs ?? []) : [];
  const from = Number(place.at ?? 0);
  const next: Place = { attempt: place.attempt, at: String(from + limit) };
  return {
    items: lines.slice(from, from + limit).map((text) => ({ text })),
    next_cursor: from + limit < lines.length ? cursors.encode(next) : null,
  };
}

/** The next attempt has not begun; unless the build is over, it may. */
function nothingYet(project: Project, stage: Stage, cursor: string): Page<{ text: string }> {
  const over =
    project.completed_at !== undefined || stage.status === "skipped" || stage.status === "completed";
  return { items: [], next_cursor: over ? null : cursor };
}

/** The number of the write that brought the attempt's last lines, or undefined when it had none. */
async function lastWriteOf(
  ctx: Context,
  project: Project,
  stage: Stage,
  attempt: number,
): Promise<number | undefined> {
  const ofAttempt = (entry: { attempt: number }) => entry.attempt === attempt;
  const entry = stage.history.find(ofAttempt);
  if (entry) return entry.log_seq;
  if (attempt === stage.attempt) return stage.log_seq;
  const { history_ref } = stage;
  const earlier =
    history_ref === undefined ? [] : await readHistory(project.project_id, history_ref, ctx.artifacts);
  const found = earlier.find(ofAttempt);
  // The item keeps the last attempts alone: of an older one, which is long over, all that is there was acknowledged.
  return found ? found.log_seq : Number.MAX_SAFE_INTEGER;
}
