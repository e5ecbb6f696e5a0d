import type { Project, ProjectStatus, StageStatus } from "@stagefold/client";
import type { Colors } from "picocolors/types.js";

/** How a text is coloured; changes nothing where colours are off. */
export type Paint = Pick<Colors, "bold" | "dim" | "red" | "green" | "yellow" | "cyan">;
type Colour = keyof Paint;

interface Look {
  readonly colour: Colour;
  readonly mark: string;
}

export const STAGE_LOOK = {
  pending: { colour: "dim", mark: "·" },
  running: { colour: "cyan", mark: "●" },
  waiting: { colour: "yellow", mark: "?" },
  completed: { colour: "green", mark: "✓" },
  failed: { colour: "red", mark: "✗" },
  skipped: { colour: "dim", mark: "–" },
  cancelled: { colour: "yellow", mark: "–" },
} as const satisfies Record<StageStatus, Look>;

export const PROJECT_COLOUR = {
  pending: "dim",
  queued: "dim",
  building: "cyan",
  waiting: "yellow",
  paused: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
} as const satisfies Record<ProjectStatus, Colour>;

/** What people read: a paused build whose stage still runs is pausing. */
export function statusText(project: Project): string {
  const running = project.stages_snapshot.stages.some((stage) => stage.status === "running");
  return project.status === "paused" && running ? "pausing" : project.status;
}
