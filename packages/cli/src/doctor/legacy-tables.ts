import { type Item, normaliseReadable, type Project } from "@stagefold/core";
import { describeTable, scanTable } from "@stagefold/core/dynamodb";
import { formatLine, placeOf, type Row, readBuildRow, UnreadableRow } from "@stagefold/migrate";
import type { OpenTable } from "@stagefold/runtime";

/** The tables that an older platform kept beside the projects. */
const LEGACY = ["AgentArtifacts", "BuildStages", "BuildStatistics"] as const;
const OWN = "AgentProjects";
const BATCH = 100;

export interface LegacyTable {
  readonly table: string;
  readonly kind: (typeof LEGACY)[number];
  readonly looked_at: number;
  readonly all: boolean;
  /** Rows whose artifact or stage the snapshots have. */
  readonly there: number;
  /** Rows that the snapshots lack. */
  readonly lacking: number;
  /** Rows of projects that are not in the table, or of stages that their project lacks. */
  readonly without_place: number;
  /** Rows that name no artifact, or cannot be read. */
  readonly unusable: number;
}

/** The older tables that are there, and how much of them the snapshots lack. Read only. */
export async function legacyTables(
  table: OpenTable,
  atMost: number | undefined,
  signal: AbortSignal,
): Promise<LegacyTable[]> {
  const { client } = table;
  if (!client) return [];
  const found: LegacyTable[] = [];
  for (const kind of LEGACY) {
    // Platforms that prefix one name prefix them all.
    const name = table.table.includes(OWN) ? table.table.replace(OWN, kind) : kind;
    if (await describeTable(client, name))
      found.push(await compare(table, client, kind, name, atMost, signal));
  }
  return found;
}

type Client = NonNullable<OpenTable["client"]>;
type Counts = Pick<LegacyTable, "there" | "lacking" | "without_place" | "unusable">;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

async function compare(
  table: OpenTable,
  client: Client,
  kind: LegacyTable["kind"],
  name: string,
  atMost = Number.POSITIVE_INFINITY,
  signal: AbortSignal,
): Promise<LegacyTable> {
  const counts: Mutable<Counts> = { there: 0, lacking: 0, without_place: 0, unusable: 0 };
  let looked_at = 0;
  let all = true;
  for await (const page of scanTable(client, name, { pageSize: BATCH, signal })) {
    const rows = page.slice(0, atMost - looked_at);
    all = rows.length === page.length;
    looked_at += rows.length;
    // Statistics are made of the projects themselves: there is nothing to lack.
    if (kind !== "BuildStatistics") await countPage(table, rows, name, counts);
    if (looked_at >= atMost) {
      all = false;
      break;
    }
  }
  signal.throwIfAborted();
  return { table: name, kind, looked_at, all, ...counts };
}

async function countPage(
  table: OpenTable,
  items: readonly Item[],
  source: string,
  counts: Mutable<Counts>,
): Promise<void> {
  const rows = items.map((item) => rowOf(item, source));
  const ids = [...new Set(rows.flatMap((row) => row?.project_id ?? []))];
  const projects = new Map<string, Project>();
  for (const item of await table.store.getMany(ids)) {
    const project = normaliseReadable(item);
    if (project) projects.set(project.project_id, project);
  }
  const paths = new Map<string, Set<string>>();
  for (const project of projects.values()) {
    const artifacts = await table.repository.artifactsOf(project);
    paths.set(project.project_id, new Set(artifacts.map(({ path }) => path)));
  }
  for (const row of rows) counts[fateOf(row, row && projects.get(row.project_id), paths)] += 1;
}

function fateOf(
  row: Row | undefined,
  project: Project | undefined,
  paths: ReadonlyMap<string, ReadonlySet<string>>,
): keyof Counts {
  if (row === undefined || row.kind === "project") return "unusable";
  if (row.kind === "artifact" && row.path === undefined) return "unusable";
  if (!project) return "without_place";
  if (row.kind === "stage") return placeOf(project, row.stage) ? "there" : "lacking";
  if (paths.get(project.project_id)?.has(row.path ?? "")) return "there";
  return placeOf(project, row.stage) ? "lacking" : "without_place";
}

function rowOf(item: Item, source: string): Row | undefined {
  try {
    return readBuildRow(formatLine(item), { source, line: 0 });
  } catch (error) {
    if (error instanceof UnreadableRow) return undefined;
    throw error;
  }
}
