import { hideEnvironment, inheritedFrom } from "@stagefold/node-files";
import type { StageJob } from "./runner/protocol.ts";

/** The environment of this process, unchecked; from now on no other process can read it. */
export function environment(): Readonly<Record<string, string | undefined>> {
  hideEnvironment(process.env);
  return process.env;
}

/** All that the processes of stages inherit. */
export function inheritedEnv(): Record<string, string> {
  return inheritedFrom(process.env);
}

/** What a stage's processes find of it in their environment. */
export function stageEnv({ project, input, stage, attempt, traceparent }: StageJob): Record<string, string> {
  return {
    STAGEFOLD_PROJECT_ID: project.project_id,
    // The environment cannot carry NUL; JSON writes it as an escape.
    STAGEFOLD_REQUIREMENT: project.requirement.replaceAll("\0", ""),
    STAGEFOLD_INPUT: JSON.stringify(input ?? {}),
    STAGEFOLD_STAGE: stage,
    STAGEFOLD_ATTEMPT: String(attempt),
    ...(traceparent !== undefined && { TRACEPARENT: traceparent }),
  };
}

/** Tells this process, and those that it starts from now on, which stage it runs. */
export function announceStage(job: StageJob): void {
  // A runner runs one stage after the other.
  delete process.env.TRACEPARENT;
  Object.assign(process.env, stageEnv(job));
}
