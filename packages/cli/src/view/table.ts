import type { Artifact, ProjectSummary } from "@stagefold/client";
import { escaped } from "./escape.ts";
import { clockTime, percent, size } from "./format.ts";
import { type Paint, PROJECT_COLOUR } from "./status.ts";
import { cell, cellRight, cut, widthOf } from "./width.ts";

interface Look {
  readonly paint: Paint;
  /** Of the terminal; undefined where nothing needs to be cut. */
  readonly columns: number | undefined;
}

/** A column of a list before its last one. */
export interface Column<Row> {
  readonly heading: string;
  readonly width: number;
  readonly text: (row: Row) => string;
  /** Its text is at the right. */
  readonly isRight?: true;
  /** It is left out where the last column would have no room. */
  readonly isSpare?: true;
}

/** A title or a path that is cut is of no use as one: at least this much of it is shown. */
const LEAST = 20;

/** A line for each row, under a line of headings. The last column is cut to what is left of the terminal. */
export function listTable<Row>(
  rows: readonly Row[],
  fixed: readonly Column<Row>[],
  last: Pick<Column<Row>, "heading" | "text">,
  { paint, columns = Number.POSITIVE_INFINITY }: Look,
): string[] {
  let shown = fixed;
  for (const spare of fixed.toReversed().filter(({ isSpare }) => isSpare))
    if (before(shown) + LEAST > columns) shown = shown.filter((column) => column !== spare);
  const room = Math.max(LEAST, columns - before(shown));
  const line = (text: (column: Pick<Column<Row>, "heading" | "text">) => string) => {
    const cells = shown.map((column) => (column.isRight ? cellRight : cell)(text(column), column.width));
    return [...cells, cut(text(last), room)].join("  ");
  };
  return [paint.dim(line(({ heading }) => heading)), ...rows.map((row) => line(({ text }) => text(row)))];
}

/** The width of these columns, with two spaces after each. */
function before(columns: readonly { readonly width: number }[]): number {
  return columns.reduce((sum, { width }) => sum + width + 2, 0);
}

/** A line for each project. */
export function projectTable(projects: readonly ProjectSummary[], look: Look): string[] {
  const fixed: Column<ProjectSummary>[] = [
    { heading: "PROJECT", width: 17, text: (project) => project.project_id },
    {
      heading: "STATUS",
      width: 9,
      text: ({ status }) => look.paint[PROJECT_COLOUR[status]](status),
    },
    {
      heading: "DONE",
      width: 5,
      isRight: true,
      text: (project) => percent(project.progress_percentage),
    },
    { heading: "CREATED", width: 16, text: (project) => clockTime(project.created_at) },
  ];
  return listTable(projects, fixed, { heading: "NAME", text: nameOf }, look);
}

function nameOf({ project_name, build_summary }: ProjectSummary): string {
  const { unmet_total = 0 } = build_summary ?? {};
  return (unmet_total > 0 ? `${unmet_total} unmet: ` : "") + escaped(project_name);
}

/** A line for each artifact; `builds`: with the build of each. */
export function artifactTable(
  artifacts: readonly Artifact[],
  { builds = false, ...look }: Look & { readonly builds?: boolean },
): string[] {
  const fixed: Column<Artifact>[] = [
    ...(builds ? [{ heading: "PROJECT", width: 17, text: (artifact: Artifact) => artifact.project_id }] : []),
    {
      heading: "SIZE",
      width: 9,
      isRight: true,
      text: (artifact) => (artifact.size === undefined ? "" : size(artifact.size)),
    },
    {
      heading: "STAGE",
      width: Math.max(5, ...artifacts.map(({ stage }) => widthOf(stage))),
      text: ({ stage }) => stage,
    },
  ];
  return listTable(artifacts, fixed, { heading: "PATH", text: ({ path }) => escaped(path) }, look);
}
