import type { Outputs, Stage } from "../../../lib/api.ts";

export type Attempt = Outputs["stages"]["get"]["attempts"][number];

/** The attempts that the item knows of, the present one last. The first of very many may be in the store alone. */
export function attemptsOf(stage: Stage): Attempt[] {
  if (stage.attempt === 0 || stage.history.some(({ attempt }) => attempt === stage.attempt))
    return stage.history;
  const { attempt, status, error_code, started_at, completed_at, error_message } = stage;
  const present = {
    attempt,
    status,
    ...(error_code !== undefined && { code: error_code }),
    ...(started_at !== undefined && { started_at }),
    ...(completed_at !== undefined && { completed_at }),
    error_message,
  };
  return [...stage.history, present];
}
