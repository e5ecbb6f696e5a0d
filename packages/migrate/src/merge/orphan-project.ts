import {
  normalise,
  type Project,
  projectIdSchema,
  projectSchema,
  type Stage,
  summarise,
  toTime,
} from "@stagefold/core";
import type { ArtifactRow, StageRow } from "../rows/row.ts";

/** The project that rows without one make: what they say of it, and its stages to come. Undefined for an id that none can have. */
export function orphanProject(
  projectId: string,
  rows: readonly (StageRow | ArtifactRow)[],
): Project | undefined {
  if (!projectIdSchema.safeParse(projectId).success) return undefined;
  const agent = rows.map((row) => (row.kind === "artifact" ? row.agent_id : undefined)).find(Boolean);
  const times = rows.flatMap((row) => timesOf(row)).sort();
  return normalise({
    project_id: projectId,
    project_name: projectId,
    status: "pending",
    ...(agent !== undefined && { agent_id: agent }),
    ...(times[0] !== undefined && { created_at: times[0], updated_at: times.at(-1) }),
    tags: ["imported"],
    stages_snapshot: { stages: [] },
  });
}

/** Whether a project was made so, and not of an item of its own. */
export function isOrphan(project: Project | undefined): boolean {
  if (project?.requirement !== "" || project.project_name !== project.project_id) return false;
  return project.tags.length === 1 && project.tags[0] === "imported";
}

/** With the state that its stages add up to. */
export function settled(project: Project): Project {
  const { stages } = project.stages_snapshot;
  const failed = stages.find((stage) => stage.status === "failed");
  const done = stages.length > 0 && stages.every(isOver);
  if (!failed && !done) return project;
  const ends = stages.flatMap((stage) => stage.completed_at ?? []).sort();
  const error = failed && {
    stage: failed.stage,
    code: "STAGE_FAILED",
    message: failed.error_message ?? "no error was recorded",
  };
  return projectSchema.parse({
    ...project,
    status: failed ? "failed" : "completed",
    ...(error && { error_info: error }),
    ...(ends.length > 0 && { completed_at: ends.at(-1) }),
    build_summary: summarise(stages),
  });
}

function isOver({ status }: Stage): boolean {
  return status === "completed" || status === "skipped";
}

function timesOf(row: StageRow | ArtifactRow): string[] {
  const given =
    row.kind === "artifact" ? [row.info.created_at] : [row.item.started_at, row.item.completed_at];
  return given.flatMap((one) => {
    const ms = typeof one === "string" ? Date.parse(one) : Number.NaN;
    return Number.isFinite(ms) ? [toTime(ms)] : [];
  });
}
