import {
  isUnderway,
  type Project,
  type Repository,
  readyStages,
  type Stage,
  withStage,
} from "@stagefold/core";
import { conditionHolds, type Pipeline } from "@stagefold/pipeline";
import type { EarlierOutputs } from "./earlier-outputs.ts";

/** What becomes of stages whose needs are met. */
export interface NextStages {
  /** Their conditions do not hold. */
  readonly skipped: readonly { readonly stage: string; readonly reason: string }[];
  /** Positions of those that begin. */
  readonly begin: readonly number[];
}

export interface NextOptions {
  readonly repository: Repository;
  readonly outputs: EarlierOutputs;
  /** How many stages of the build may run at once. */
  readonly atOnce: number;
}

/**
 * What may begin in a project. A gate begins alone, when nothing else runs or will: no worker holds a build that waits.
 * Errors: what the store answers where a condition reads a large output.
 */
export async function nextStages(
  pipeline: Pipeline,
  project: Project,
  { repository, outputs, atOnce }: NextOptions,
): Promise<NextStages> {
  const skipped: { stage: string; reason: string }[] = [];
  for (let next = project; ; ) {
    const { stages } = next.stages_snapshot;
    const ready = readyStages(next);
    const unwanted = await firstUnwanted(pipeline, next, ready, { repository, outputs });
    const stage = unwanted && stages[unwanted.position];
    if (!unwanted || !stage)
      return { skipped, begin: beginning(pipeline, next, ready, atOnce, repository.now()) };
    skipped.push({ stage: stage.stage, reason: `Its condition does not hold: ${unwanted.condition}` });
    next = withStage(next, unwanted.position, { ...stage, status: "skipped" });
  }
}

/** The first ready stage whose condition does not hold. A stage that has begun before has had its condition met. */
async function firstUnwanted(
  pipeline: Pipeline,
  project: Project,
  ready: readonly number[],
  { repository, outputs }: Pick<NextOptions, "repository" | "outputs">,
): Promise<{ readonly position: number; readonly condition: string } | undefined> {
  for (const position of ready) {
    const condition = pipeline.stages[position]?.if;
    if (condition === undefined || waits(project.stages_snapshot.stages[position])) continue;
    const input = await repository.inputOf(project);
    const scope = await outputs.scopeOf(project, position, pipeline, input);
    if (!conditionHolds(condition, scope)) return { position, condition };
  }
  return undefined;
}

/** It has failed in this run and is tried again. */
function waits(stage: Stage | undefined): boolean {
  return (stage?.failed_attempts ?? 0) > 0;
}

function beginning(
  pipeline: Pipeline,
  project: Project,
  ready: readonly number[],
  atOnce: number,
  now: string,
): number[] {
  const { stages } = project.stages_snapshot;
  const isGate = (position: number) => pipeline.stages[position]?.action.kind === "gate";
  const running = stages.filter(isUnderway).length;
  const others = ready.filter((position) => !isGate(position));
  const due = others.filter((position) => (stages[position]?.retry_at ?? now) <= now);
  if (others.length > 0 || running > 0) return due.slice(0, Math.max(0, atOnce - running));
  return ready.slice(0, 1);
}
