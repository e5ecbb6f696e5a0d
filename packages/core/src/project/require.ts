import { StagefoldError } from "../errors.ts";
import { blockerOf } from "../snapshot/graph.ts";
import type { Project, ProjectStatus, Stage, StageStatus } from "../snapshot/schema.ts";

/** Refuses unless the project is in one of these states. */
export function requireStatus<S extends ProjectStatus>(
  project: Project,
  allowed: readonly S[],
): asserts project is Extract<Project, { status: S }> {
  if (allowed.some((status) => status === project.status)) return;
  throw projectConflict(allowed, project.status);
}

function projectConflict(expected: readonly string[] | string, actual: string) {
  const wanted = typeof expected === "string" ? expected : expected.join(" or ");
  return new StagefoldError(
    "PROJECT_CONFLICT",
    `The project must be ${wanted} for this, but it is ${actual}.`,
    { expected: wanted, actual },
  );
}

export function stageConflict(stage: string, expected: string, actual: string) {
  return new StagefoldError(
    "STAGE_CONFLICT",
    `Stage ${stage} must be ${expected} for this, but it is ${actual}.`,
    {
      stage,
      expected,
      actual,
    },
  );
}

/** Refuses unless the stage is in one of these states. */
export function requireStage<S extends StageStatus>(
  stage: Stage,
  allowed: readonly S[],
): asserts stage is Extract<Stage, { status: S }> {
  if (allowed.some((status) => status === stage.status)) return;
  throw stageConflict(stage.stage, allowed.join(" or "), stage.status);
}

/** Refuses while the stage runs: its lease owner reports what it makes then. */
export function requireNotRunning(stage: Stage): void {
  if (stage.status === "running")
    throw stageConflict(stage.stage, "not running (its lease owner reports its artifacts)", stage.status);
}

/** Refuses to start a stage while one that it needs is not finished. */
export function requireReady(project: Project, position: number): void {
  const open = blockerOf(project, position);
  if (open) throw stageConflict(open.stage, "completed or skipped", open.status);
}
