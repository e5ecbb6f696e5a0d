import {
  type Item,
  isCurrentVersion,
  isStagefoldError,
  normalise,
  type Project,
  type Repository,
} from "@stagefold/core";
import { mergeRows, type Outcome, type Rules } from "../merge/merge-rows.ts";
import { isOrphan, orphanProject, settled } from "../merge/orphan-project.ts";
import { parseExactly } from "../rows/dynamo-json.ts";
import type { ArtifactRow, ProjectRow, Row, StageRow } from "../rows/row.ts";
import type { ProjectFate } from "./tally.ts";

export interface Placing {
  readonly repository: Repository;
  readonly rules: Rules;
  readonly dryRun: boolean;
  /** Bring an older item to today's form also when no row adds to it. */
  readonly upgrade: boolean;
}

/** What became of the rows of one project, and of the project; undefined when there is none. */
export interface Placed {
  readonly outcomes: readonly Outcome[];
  readonly fate: ProjectFate | undefined;
  /** Why the stored item was left in its older form. */
  readonly refused?: string;
}

type Part = StageRow | ArtifactRow;

/** Brings the rows of one project into the table, in one write. `stored` is what the table has of it. */
export async function placeGroup(
  placing: Placing,
  projectId: string,
  rows: readonly Row[],
  stored: Item | undefined,
): Promise<Placed> {
  const projects = rows.filter((row) => row.kind === "project");
  const parts = rows.filter((row) => row.kind !== "project");
  if (stored) return await intoStored(placing, stored, projects, parts);
  const chosen = projects.find((row) => readable(row.item) !== undefined) ?? projects[0];
  const others = projects.filter((row) => row !== chosen);
  const placed = chosen
    ? await asNew(placing, chosen, parts)
    : await withoutProject(placing, projectId, parts);
  // Made by another meanwhile: what is there now decides.
  if ("taken" in placed) return await intoStored(placing, placed.taken, projects, parts);
  return { ...placed, outcomes: [...placed.outcomes, ...others.map(repeated)] };
}

/** The rows of a project that the table has. */
async function intoStored(
  { repository, rules, dryRun, upgrade }: Placing,
  stored: Item,
  projects: readonly ProjectRow[],
  parts: readonly Part[],
): Promise<Placed> {
  const made = isOrphan(readable(stored));
  const there = projects.map((row): Outcome => {
    if (!readable(row.item)) return unreadable(row, whyUnreadable(row.item));
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
  placing: Placing,
  row: ProjectRow,
  parts: readonly Part[],
): Promise<Placed | { taken: Item }> {
  const { repository, rules, dryRun } = placing;
  const project = readable(row.item);
  if (!project) return await asItIs(placing, row, parts, whyUnreadable(row.item));
  try {
    const { project: next, outcomes } = await mergeRows(project, parts, rules, (known, at) =>
      repository.imports.inflate(known, at),
    );
    const placed: Placed = { outcomes: [{ row }, ...outcomes], fate: "created" };
    if (dryRun) return placed;
    const same = next === project && isCurrentVersion(row.item);
    const { created, item } = same
      ? await repository.imports.createAsIs(row.project_id, parseExactly(row.text))
      : await repository.imports.create(next);
    return created ? placed : { taken: item };
  } catch (error) {
    return await asItIs(placing, row, parts, refusal(error));
  }
}

/** An item that cannot be read, or not be kept in today's form, stays what it was, to the byte. */
async function asItIs(
  { repository, dryRun }: Placing,
  row: ProjectRow,
  parts: readonly Part[],
  why: string,
): Promise<Placed | { taken: Item }> {
  const detail = `${why}; the item is kept as it is`;
  const outcomes = [unreadable(row, detail), ...parts.map((one) => unreadable(one, why))];
  if (dryRun) return { outcomes, fate: "created" };
  try {
    const { created, item } = await repository.imports.createAsIs(row.project_id, parseExactly(row.text));
    return created ? { outcomes, fate: "created" } : { taken: item };
  } catch (error) {
    const second = `${why}; the table does not take it as it is either: ${refusal(error)}`;
    return { outcomes: [row, ...parts].map((one) => unreadable(one, second)), fate: undefined };
  }
}

/** Rows of a project that neither the table nor the input has. */
async function withoutProject(
  { repository, rules, dryRun }: Placing,
  projectId: string,
  parts: readonly Part[],
): Promise<Placed | { taken: Item }> {
  const nowhere: Placed = {
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
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return undefined;
    throw error;
  }
}

function whyUnreadable(item: Item): string {
  try {
    normalise(item);
  } catch (error) {
    return refusal(error);
  }
  return "it can be read";
}

/** What an item or a row is refused for; a store that does not answer ends the run. */
function refusal(error: unknown): string {
  const codes = [
    "SNAPSHOT_UNREADABLE",
    "SNAPSHOT_TOO_LARGE",
    "PROJECT_CONFLICT",
    "INVALID_INPUT",
    "INTERNAL",
  ] as const;
  if (isStagefoldError(error) && codes.some((code) => code === error.code)) return error.message;
  throw error;
}

function repeated(row: Row): Outcome {
  return { row, reason: "already there" };
}

function unreadable(row: Row, detail: string): Outcome {
  return { row, reason: "unreadable", detail };
}
