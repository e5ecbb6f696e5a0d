import {
  type Item,
  isCurrentVersion,
  normalise,
  type Project,
  type Repository,
  scopeOf,
} from "@stagefold/core";
import { mergeRows, type Outcome, type Rules } from "../merge/merge-rows.ts";
import { isOrphan, orphanProject, settled } from "../merge/orphan-project.ts";
import { parseExactly } from "../rows/dynamo-json.ts";
import { readBuildRow } from "../rows/read-row.ts";
import type { ArtifactRow, ProjectRow, Row, StageRow } from "../rows/row.ts";
import type { SpilledRow } from "../spill/buckets.ts";
import type { DeferredRows } from "./deferred-rows.ts";
import type { Fate, SummaryCounter } from "./import-summary.ts";

export interface ImportRun extends ImportTarget {
  readonly deferredRows: DeferredRows;
  readonly summary: SummaryCounter;
}

/** Rows that may be placed later, once what they need has come. */
const DEFERRABLE = new Set(["no such project", "no such stage", "unreadable"]);

/**
 * Imports the rows of one project together with those deferred until now, and accounts for each. Gives why the
 * stored item was left as it is, where it was refused.
 */
export async function importProject(
  importing: ImportRun,
  projectId: string,
  given: readonly SpilledRow[],
  stored: Item | undefined,
): Promise<string | undefined> {
  const { deferredRows, summary, dryRun } = importing;
  const deferred = await deferredRows.of(projectId);
  const texts = new Set(given.map(({ text }) => text));
  // Deferred rows came first; one that comes again is counted as what comes now.
  const earlier = deferred.filter(({ text }) => !texts.has(text)).map(rowOf);
  const now = given.map(rowOf);
  const { outcomes, fate, refused } = await writeProject(importing, projectId, [...earlier, ...now], stored);
  if (!dryRun) await keepDeferred(deferredRows, projectId, deferred, outcomes);
  if (fate !== undefined && !(importing.upgrade && refused !== undefined)) summary.project(fate);
  const fromInput = new Set<Row>(now);
  for (const outcome of outcomes)
    if (fromInput.has(outcome.row)) await account(summary, outcome);
    else if (outcome.reason === undefined) summary.deferredAndMerged();
  return refused;
}

function rowOf({ origin, text }: SpilledRow): Row {
  return readBuildRow(text, origin);
}

/** After the write: a run that is killed in between finds them merged when it looks again. */
async function keepDeferred(
  deferredRows: DeferredRows,
  projectId: string,
  deferred: readonly SpilledRow[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const left = outcomes.filter(
    ({ row, reason }) => reason !== undefined && DEFERRABLE.has(reason) && row.kind !== "project",
  );
  const rows = new Map(left.map(({ row: { origin, text } }) => [text, { origin, text }]));
  const before = deferred.map(({ text }) => text);
  if (before.length === rows.size && before.every((text) => rows.has(text))) return;
  await deferredRows.put(projectId, [...rows.values()]);
}

async function account(summary: SummaryCounter, { row, reason, detail }: Outcome): Promise<void> {
  if (reason === undefined) {
    summary.merged();
    return;
  }
  const { origin, kind, key, project_id } = row;
  await summary.notMerged({
    ...origin,
    kind,
    key,
    project_id,
    reason,
    ...(detail !== undefined && { detail }),
  });
}

export interface ImportTarget {
  readonly repository: Repository;
  readonly rules: Rules;
  readonly dryRun: boolean;
  /** Bring an older item to today's form also when no row adds to it. */
  readonly upgrade: boolean;
}

/** What became of the rows of one project, and of the project; undefined when there is none. */
export interface WrittenProject {
  readonly outcomes: readonly Outcome[];
  readonly fate: Fate | undefined;
  /** Why the stored item was left in its older form. */
  readonly refused?: string;
}

type Part = StageRow | ArtifactRow;

/** Brings the rows of one project into the table, in one write. `stored` is what the table has of it. */
export async function writeProject(
  target: ImportTarget,
  projectId: string,
  rows: readonly Row[],
  stored: Item | undefined,
): Promise<WrittenProject> {
  const projects = rows.filter((row) => row.kind === "project");
  const parts = rows.filter((row) => row.kind !== "project");
  if (stored) return await intoStored(target, stored, projects, parts);
  const chosen = projects.find((row) => readable(row.item) !== undefined) ?? projects[0];
  const others = projects.filter((row) => row !== chosen);
  const placed = chosen ? await asNew(target, chosen, parts) : await withoutProject(target, projectId, parts);
  // Made by another meanwhile: what is there now decides.
  if ("taken" in placed) return await intoStored(target, placed.taken, projects, parts);
  return { ...placed, outcomes: [...placed.outcomes, ...others.map(repeated)] };
}

/** The rows of a project that the table has. */
async function intoStored(
  { repository, rules, dryRun, upgrade }: ImportTarget,
  stored: Item,
  projects: readonly ProjectRow[],
  parts: readonly Part[],
): Promise<WrittenProject> {
  const made = isOrphan(readable(stored));
  const there = projects.map((row): Outcome => {
    if (!readable(row.item)) return unreadable(row, whyUnreadable(row.item) ?? "");
    return made ? { ...repeated(row), detail: MADE_OF_ROWS } : repeated(row);
  });
  const merged = new Set<Row>();
  let outcomes: readonly Outcome[] = [];
  const decide = async (known: Project): Promise<Project | undefined> => {
    const next = await mergeRows(known, parts, rules, (project, at) =>
      repository.imports.inflate(project, at),
    );
    // Decided again: what an earlier turn has added may be there already, by a write whose reply was lost.
    outcomes = next.outcomes.map((outcome) => (merged.has(outcome.row) ? { row: outcome.row } : outcome));
    for (const { row, reason } of outcomes) if (reason === undefined) merged.add(row);
    return next.project === known ? undefined : next.project;
  };
  try {
    const { changed } = dryRun
      ? await wouldChange(stored, decide, upgrade)
      : await repository.imports.merge(stored, decide, { upgrade });
    return { outcomes: [...there, ...outcomes], fate: changed ? "changed" : "unchanged" };
  } catch (error) {
    const detail = refusal(error);
    const refused = parts.map((row) => unreadable(row, detail));
    return { outcomes: [...there, ...refused], fate: "unchanged", refused: detail };
  }
}

async function wouldChange(
  stored: Item,
  decide: (known: Project) => Promise<Project | undefined>,
  upgrade: boolean,
): Promise<{ changed: boolean }> {
  const next = await decide(normalise(stored));
  return { changed: next !== undefined || (upgrade && !isCurrentVersion(stored)) };
}

/** A project that the table does not have, with its rows. */
async function asNew(
  target: ImportTarget,
  row: ProjectRow,
  parts: readonly Part[],
): Promise<WrittenProject | { taken: Item }> {
  const { repository, rules, dryRun } = target;
  const project = readable(row.item);
  if (!project) return await asItIs(target, row, parts, whyUnreadable(row.item) ?? "");
  try {
    const { project: next, outcomes } = await mergeRows(project, parts, rules, (known, at) =>
      repository.imports.inflate(known, at),
    );
    const placed: WrittenProject = { outcomes: [{ row }, ...outcomes], fate: "created" };
    if (dryRun) return placed;
    const same = next === project && isCurrentVersion(row.item);
    const { created, item } = same
      ? await repository.imports.createAsIs(row.project_id, parseExactly(row.text))
      : await repository.imports.create(next);
    return created ? placed : { taken: item };
  } catch (error) {
    return await asItIs(target, row, parts, refusal(error));
  }
}

/**
 * An item that cannot be read, or not be kept in the current version, stays what it was. It is not queued: a worker could
 * not claim it either, and would find it first for ever.
 */
async function asItIs(
  { repository, dryRun }: ImportTarget,
  row: ProjectRow,
  parts: readonly Part[],
  why: string,
): Promise<WrittenProject | { taken: Item }> {
  const { work_queue, work_due_at: _due, ...kept } = parseExactly(row.text);
  const detail = `${why}; the item is kept as it is${work_queue === undefined ? "" : ", but not queued"}`;
  const outcomes = [unreadable(row, detail), ...parts.map((one) => unreadable(one, why))];
  if (dryRun) return { outcomes, fate: "created" };
  try {
    const { created, item } = await repository.imports.createAsIs(row.project_id, kept);
    return created ? { outcomes, fate: "created" } : { taken: item };
  } catch (error) {
    const second = `${why}; the table does not take it as it is either: ${refusal(error)}`;
    return { outcomes: [row, ...parts].map((one) => unreadable(one, second)), fate: undefined };
  }
}

/** Rows of a project that neither the table nor the input has. */
async function withoutProject(
  { repository, rules, dryRun }: ImportTarget,
  projectId: string,
  parts: readonly Part[],
): Promise<WrittenProject | { taken: Item }> {
  const nowhere: WrittenProject = {
    outcomes: parts.map((row) => ({ row, reason: "no such project" as const })),
    fate: undefined,
  };
  if (rules.orphans === "wait") return nowhere;
  const given = orphanProject(projectId, parts);
  if (!given) return { ...nowhere, outcomes: nowhere.outcomes.map((one) => ({ ...one, detail: NO_ID })) };
  const { project, outcomes } = await mergeRows(
    given,
    parts,
    { ...rules, unknownStage: "append" },
    (known, at) => repository.imports.inflate(known, at),
  );
  if (!outcomes.some(({ reason }) => reason === undefined)) return nowhere;
  if (dryRun) return { outcomes, fate: "created" };
  const { created, item } = await repository.imports.create(settled(project));
  return created ? { outcomes, fate: "created" } : { taken: item };
}

const MADE_OF_ROWS =
  "the project was made of rows without one; to have its own item, delete it and import all its rows again";
const NO_ID = "no project can have this id: expected proj_ and 12 hex digits";

function readable(item: Item): Project | undefined {
  try {
    return normalise(item);
  } catch (error) {
    // Any other error that this one item causes ends here too: it must not stop the rest.
    refusal(error);
    return undefined;
  }
}

/** Undefined when it can be read. */
export function whyUnreadable(item: Item): string | undefined {
  try {
    normalise(item);
    return undefined;
  } catch (error) {
    return refusal(error);
  }
}

/** What an item or a row is refused for. What concerns the store or this process, and not one project, ends the run. */
function refusal(error: unknown): string {
  if (scopeOf(error) !== "project") throw error;
  return error instanceof Error ? error.message : String(error);
}

function repeated(row: Row): Outcome {
  return { row, reason: "already there" };
}

function unreadable(row: Row, detail: string): Outcome {
  return { row, reason: "unreadable", detail };
}
