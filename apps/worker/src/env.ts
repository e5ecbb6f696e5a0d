import { inheritedFrom } from "@stagefold/node-files";

/** The environment of this process, unchecked. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** All that the processes of stages inherit. */
export function inheritedEnv(): Record<string, string> {
  return inheritedFrom(process.env);
}

/** What a stage's processes find of it in their environment. */
export function stageEnv(
  projectId: string,
  requirement: string,
  stage: string,
  attempt: number,
): Record<string, string> {
  return {
    STAGEFOLD_PROJECT_ID: projectId,
    // The environment cannot carry NUL.
    STAGEFOLD_REQUIREMENT: requirement.replaceAll("\0", ""),
    STAGEFOLD_STAGE: stage,
    STAGEFOLD_ATTEMPT: String(attempt),
  };
}

/** Tells this process, and those that it starts from now on, which stage it runs. */
export function announceStage(projectId: string, requirement: string, stage: string, attempt: number): void {
  Object.assign(process.env, stageEnv(projectId, requirement, stage, attempt));
}
