import type { Artifact, ProjectSummary } from "@stagefold/client";
import { escaped } from "./escape.ts";
import { clockTime, percent, size } from "./format.ts";
import { type Paint, PROJECT_COLOUR } from "./status.ts";
import { cell, cellRight, cut, widthOf } from "./width.ts";

interface Look {
  readonly paint: Paint;
  /** The last column is cut to what is left of it; undefined where nothing needs to be cut. */
  readonly columns: number | undefined;
}

/** A line for each project, under a line of headings. */
export function projectTable(projects: readonly ProjectSummary[], { paint, columns }: Look): string[] {
  const rows = projects.map((project) => {
    const status = paint[PROJECT_COLOUR[project.status]](cell(project.status, 9));
    const progress = cellRight(percent(project.progress_percentage), 5);
    const before = `${project.project_id}  ${status}  ${progress}  ${clockTime(project.created_at)}  `;
    const { unmet_total = 0 } = project.build_summary ?? {};
    const unmet = unmet_total > 0 ? `${unmet_total} unmet: ` : "";
    return before + rest(unmet + escaped(project.project_name), BEFORE_NAME, columns);
  });
  const heading = `${cell("PROJECT", 17)}  ${cell("STATUS", 9)}  ${cellRight("DONE", 5)}  ${cell("CREATED", 16)}  NAME`;
  return [paint.dim(heading), ...rows];
}

/** Columns before the name: id, status, progress, time, and two spaces after each. */
const BEFORE_NAME = 17 + 9 + 5 + 16 + 8;

interface ArtifactsLook extends Look {
  /** With the build of each. */
  readonly builds?: boolean;
}

/** A line for each artifact, under a line of headings. */
export function artifactTable(
  artifacts: readonly Artifact[],
  { paint, columns, builds = false }: ArtifactsLook,
): string[] {
  const build = (id: string) => (builds ? `${cell(id, 17)}  ` : "");
  const before = 13 + (builds ? 19 : 0);
  const stageColumns = Math.max(5, ...artifacts.map(({ stage }) => widthOf(stage)));
  const rows = artifacts.map((artifact) => {
    const bytes = cellRight(artifact.size === undefined ? "" : size(artifact.size), 9);
    const path = rest(escaped(artifact.path), before + stageColumns, columns);
    return `${build(artifact.project_id)}${bytes}  ${cell(artifact.stage, stageColumns)}  ${path}`;
  });
  const heading = `${build("PROJECT")}${cellRight("SIZE", 9)}  ${cell("STAGE", stageColumns)}  PATH`;
  return [paint.dim(heading), ...rows];
}

/** A path or a name that is cut is of no use as one: at least this much of it is shown. */
const LEAST = 20;

function rest(text: string, before: number, columns: number | undefined): string {
  return columns === undefined ? text : cut(text, Math.max(LEAST, columns - before));
}
