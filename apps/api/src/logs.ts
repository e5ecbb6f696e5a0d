import {
  type Cursors,
  cursorsOf,
  findStage,
  invalidInput,
  isStagefoldError,
  type LogLine,
  type LogPage,
  logLineSchema,
  type Page,
  type Project,
  readHistory,
  type Stage,
} from "@stagefold/core";
import { z } from "zod";
import type { Context } from "./context.ts";

/** What logs are read by. */
export type LogReader = Pick<Context, "repository" | "logs" | "artifacts" | "watch">;

export interface LogRef {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface LogQuery extends LogRef {
  readonly limit: number;
  /** Only lines with this text, in whatever case. */
  readonly text?: string | undefined;
}

/** Which attempt a reader is at, and where in its log; null before the first line. `line`: complete lines before it. */
const logPositionSchema = z.object({
  attempt: z.number().int().min(1),
  at: z.string().nullable(),
  line: z.number().int().min(0).optional(),
});
type LogPosition = z.output<typeof logPositionSchema>;

/** A line, or a piece of one. What a search found has the number of its line, from 1. */
export const loggedLineSchema = logLineSchema.extend({ number: z.number().int().optional() });
export type LoggedLine = z.output<typeof loggedLineSchema>;

/** One read: its lines, where the next begins, and whether none can come any more. */
interface Read {
  readonly lines: readonly LoggedLine[];
  readonly position: LogPosition;
  /** All that there is was read. */
  readonly end: boolean;
  /** No more can come. */
  readonly over: boolean;
}

/** One page of the full log of an attempt: the present one unless another is named. */
export async function logPage(reader: LogReader, query: LogQuery): Promise<Page<LoggedLine>> {
  const project = await reader.repository.get(query.project_id);
  const cursors = await cursorsFor(project, query.stage);
  const position = positionOf(query, findStage(project, query.stage).stage, cursors);
  const read = await readLines(reader, project, query.stage, position, query);
  return { items: [...read.lines], next_cursor: read.over ? null : cursors.encode(read.position) };
}

/**
 * New lines of a watched log. `from`: the cursor that they begin at, null for the beginning of the log. `cursor`: where
 * the next begin. `over`: no more can come, and this is the last event.
 */
export interface LogChange {
  readonly lines: readonly LogLine[];
  readonly attempt: number;
  readonly from: string | null;
  readonly cursor: string;
  readonly over: boolean;
}

/** Lines of one event of a watched log. */
const WATCHED_LINES = 5000;

/** The lines of one attempt from a cursor on: those that are there at once, later ones as they are acknowledged. */
export async function* watchLog(
  reader: LogReader,
  ref: LogRef,
  signal?: AbortSignal,
): AsyncGenerator<LogChange, void, undefined> {
  const query = { limit: WATCHED_LINES };
  let position: LogPosition | undefined;
  let cursors: Cursors<LogPosition> | undefined;
  let from = ref.cursor ?? null;
  let seen = "";
  for await (const project of reader.watch.projects.watch(ref.project_id, { signal })) {
    const { stage } = findStage(project, ref.stage);
    cursors ??= await cursorsFor(project, ref.stage);
    position ??= positionOf(ref, stage, cursors);
    // Most changes of a project bring no line.
    const state = [project.status, stage.status, stage.attempt, stage.log_seq].join();
    if (state === seen) continue;
    seen = state;
    for (let end = false; !end && !signal?.aborted; ) {
      const read: Read = await readLines(reader, project, ref.stage, position, query);
      ({ position, end } = read);
      const { lines, over } = read;
      const cursor = cursors.encode(position);
      if (lines.length > 0 || over) yield { lines, attempt: position.attempt, from, cursor, over };
      if (over) return;
      from = cursor;
    }
  }
}

/** Whether nothing can be watched where this was found. */
export function endsLog(error: unknown): boolean {
  return (
    isStagefoldError(error, "PROJECT_NOT_FOUND") ||
    isStagefoldError(error, "STAGE_NOT_FOUND") ||
    isStagefoldError(error, "SNAPSHOT_UNREADABLE") ||
    isStagefoldError(error, "INVALID_INPUT")
  );
}

async function cursorsFor(project: Project, key: string): Promise<Cursors<LogPosition>> {
  const { stage } = findStage(project, key);
  return await cursorsOf(["logs", project.project_id, stage.stage], logPositionSchema);
}

async function readLines(
  reader: LogReader,
  project: Project,
  key: string,
  position: LogPosition,
  { limit, text }: { readonly limit: number; readonly text?: string | undefined },
): Promise<Read> {
  const { stage } = findStage(project, key);
  const { attempt } = position;
  // The next attempt has not begun; unless the build is over, it may.
  if (attempt > stage.attempt) return { lines: [], position, end: true, over: isOver(project, stage) };
  const upTo = await lastWriteOf(reader, project, stage, attempt);
  const over = attempt < stage.attempt || stage.status !== "running";
  if (upTo === undefined && !over) return { lines: [], position, end: true, over: false };
  const ref = { project_id: project.project_id, stage: stage.stage, attempt };
  const pageAt = (cursor: string | null, most: number) =>
    upTo === undefined
      ? Promise.resolve(inItem(stage, attempt, cursor, most))
      : reader.logs.read(ref, { cursor: cursor ?? undefined, limit: most, upTo });
  if (text !== undefined) return await search(pageAt, position, { limit, text, over });
  const page = await pageAt(position.at, limit);
  return {
    lines: page.lines,
    position: { attempt, at: page.cursor },
    end: page.end,
    over: over && page.end,
  };
}

type PageAt = (cursor: string | null, limit: number) => Promise<LogPage>;

/** Lines that a search reads at once. */
const SEARCHED_LINES = 20_000;
/** After so long a search answers with what it has, in milliseconds: its cursor continues it. */
const SEARCH_MS = 1000;

/**
 * The next lines that have the text, also where a worker has cut a long line: then the piece that has its end. A page
 * may have few or none before the end of the log: the cursor continues.
 */
async function search(
  pageAt: PageAt,
  from: LogPosition,
  { limit, text, over }: { readonly limit: number; readonly text: string; readonly over: boolean },
): Promise<Read> {
  const start = performance.now();
  const finder = new Finder(text, from.line ?? 0);
  const { attempt } = from;
  const found: LoggedLine[] = [];
  let at = from.at;
  for (;;) {
    const page = await pageAt(at, SEARCHED_LINES);
    for (const [i, line] of page.lines.entries()) {
      const match = finder.look(line);
      if (match) found.push(match);
      if (found.length < limit) continue;
      const { cursor, end } = await pageAt(at, i + 1);
      const position = { attempt, at: cursor, line: finder.line };
      return { lines: found, position, end, over: over && end };
    }
    at = page.cursor;
    const position = { attempt, at, line: finder.line };
    if (page.end) return { lines: found, position, end: true, over };
    if (performance.now() - start > SEARCH_MS) return { lines: found, position, end: false, over: false };
  }
}

/** Looks for a text in lines that come in pieces. */
class Finder {
  /** Complete lines so far. */
  line: number;
  readonly #text: string;
  /** By stream: the end of a line that continues, as much as may be the beginning of the text. */
  readonly #begun = new Map<string, string>();

  constructor(text: string, line: number) {
    this.#text = text.toLowerCase();
    this.line = line;
  }

  look(line: LogLine): LoggedLine | undefined {
    const stream = line.stream ?? "";
    const begun = this.#begun.get(stream) ?? "";
    const whole = begun + line.text.toLowerCase();
    const matches = whole.includes(this.#text);
    if (line.end === "") this.#begun.set(stream, whole.slice(-(this.#text.length - 1) || whole.length));
    else this.#begun.delete(stream);
    const number = this.line + 1;
    if (line.end === undefined) this.line = number;
    // A line that rewrites itself is found as it is in the end.
    return matches && line.end !== "\r" ? { ...line, number } : undefined;
  }
}

function isOver(project: Project, stage: Stage): boolean {
  return project.completed_at !== undefined || stage.status === "skipped" || stage.status === "completed";
}

function positionOf(query: LogRef, stage: Stage, cursors: Cursors<LogPosition>): LogPosition {
  const position =
    query.cursor === undefined
      ? { attempt: query.attempt ?? Math.max(1, stage.attempt), at: null }
      : cursors.decode(query.cursor);
  if (query.attempt !== undefined && query.attempt !== position.attempt)
    throw invalidInput(`The cursor is one of attempt ${position.attempt}, not of ${query.attempt}.`, [
      "cursor",
    ]);
  if (position.attempt > stage.attempt + 1)
    throw invalidInput(
      `Stage ${stage.stage} has had ${stage.attempt} attempt${stage.attempt === 1 ? "" : "s"}.`,
      [`attempt: expected at most ${Math.max(1, stage.attempt)}, found ${position.attempt}`],
    );
  return position;
}

/** The item alone has the short log of a stage that was imported; no other has lines without a write of its lease owner. */
function inItem(stage: Stage, attempt: number, cursor: string | null, limit: number): LogPage {
  // What is no number would be a place that no page gets past.
  if (cursor !== null && !/^\d{1,15}$/.test(cursor))
    throw invalidInput("The cursor is not one that this log gave.", ["cursor"]);
  const lines = attempt === stage.attempt ? (stage.logs ?? []) : [];
  const from = Number(cursor ?? 0);
  const next = from + limit;
  return {
    lines: lines.slice(from, next).map((text) => ({ text })),
    cursor: String(Math.min(next, lines.length)),
    end: next >= lines.length,
  };
}

/** The number of the write that brought the attempt's last lines, or undefined when it had none. */
async function lastWriteOf(
  reader: LogReader,
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
    history_ref === undefined ? [] : await readHistory(project.project_id, history_ref, reader.artifacts);
  const found = earlier.find(ofAttempt);
  // The item keeps the last attempts alone: of an older one, which is long over, all that is there was acknowledged.
  return found ? found.log_seq : Number.MAX_SAFE_INTEGER;
}
