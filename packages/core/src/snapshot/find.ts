import { StagefoldError } from "../errors.ts";
import { aliasesOf } from "./aliases.ts";
import type { Project, Stage } from "./schema.ts";

/** Where a stage stands, by its key or an old name of it. */
export function findStage(project: Project, key: string): { stage: Stage; position: number } {
  const { stages } = project.stages_snapshot;
  for (const name of aliasesOf(key)) {
    const position = stages.findIndex((stage) => stage.stage === name);
    const stage = stages[position];
    if (stage) return { stage, position };
  }
  throw new StagefoldError(
    "STAGE_NOT_FOUND",
    `Project ${project.project_id} has no stage ${key}; its stages are ${stages.map((s) => s.stage).join(", ") || "none"}.`,
    { project_id: project.project_id, stage: key },
  );
}
