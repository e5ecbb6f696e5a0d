import {
  type ArtifactInfo,
  type BuildSummary,
  type HistoryEntry,
  type Project,
  type ProjectSummary,
  projectSummarySchema,
  type Snapshot,
  type Stage,
} from "./schema.ts";
import { secondsBetween } from "./time.ts";

/** Nothing of the stage is left to run: it is completed or skipped, or has failed and may. */
export function isFinished({ status, allow_failure }: Pick<Stage, "status" | "allow_failure">): boolean {
  return status === "completed" || status === "skipped" || (status === "failed" && allow_failure === true);
}

/** A stage that has begun and not ended: it runs, or waits for an answer. */
export function isUnderway({ status }: Stage): boolean {
  return status === "running" || status === "waiting";
}

/**
 * The permission bits of a file as they are recorded, or the usual ones: no set-uid and the like, and its owner may always
 * read it.
 */
export function permissionsOf({ mode, executable }: Pick<ArtifactInfo, "mode" | "executable">): number {
  const bits = Number.parseInt(mode ?? "", 8);
  if (Number.isNaN(bits)) return executable === true ? 0o755 : 0o644;
  return (bits & 0o777) | 0o400;
}

/** 0 … 100: the weight of the finished stages over that of all. */
export function progressOf(stages: readonly Stage[]): number {
  const weight = (some: readonly Stage[]) => some.reduce((sum, stage) => sum + stage.weight, 0);
  const all = weight(stages);
  return all === 0 ? 0 : Math.round((weight(stages.filter(isFinished)) / all) * 100);
}

/** The stage that runs or waits, else the first that is not finished, else the last. */
function currentStage(stages: readonly Stage[]): Stage | undefined {
  return stages.find(isUnderway) ?? stages.find((stage) => !isFinished(stage)) ?? stages.at(-1);
}

/** Every attempt of a stage that `history` has, and the present one last, once. Before the first attempt: none. */
export function attemptsOf(stage: Stage, history: readonly HistoryEntry[] = stage.history): HistoryEntry[] {
  if (stage.attempt === 0 || history.some(({ attempt }) => attempt === stage.attempt)) return [...history];
  const {
    attempt,
    status,
    error_code,
    exit_code,
    signal,
    definition,
    started_at,
    completed_at,
    error_message,
  } = stage;
  const present = {
    attempt,
    status,
    ...(error_code !== undefined && { code: error_code }),
    ...(exit_code !== undefined && { exit_code }),
    ...(signal !== undefined && { signal }),
    ...(definition !== undefined && { definition }),
    ...(started_at !== undefined && { started_at }),
    ...(completed_at !== undefined && { completed_at }),
    error_message,
  };
  return [...history, present];
}

/** A snapshot with its counts, whatever they were. */
export function snapshotOf(stages: readonly Stage[], rest: object = {}): Snapshot {
  return { ...rest, total: stages.length, completed: stages.filter(isFinished).length, stages: [...stages] };
}

/** The project with other contents of one stage. Nothing follows from it: its state is the same. */
export function withContents(project: Project, position: number, stage: Stage): Project {
  const { stages_snapshot } = project;
  return {
    ...project,
    stages_snapshot: { ...stages_snapshot, stages: stages_snapshot.stages.with(position, stage) },
  };
}

/** The project with one stage replaced, and all that follows from it: counts, progress, current stage. */
export function withStage(project: Project, position: number, stage: Stage): Project {
  return withStages(project, project.stages_snapshot.stages.with(position, stage));
}

export function withStages(project: Project, stages: readonly Stage[]): Project {
  const current = currentStage(stages);
  return {
    ...project,
    progress_percentage: progressOf(stages),
    ...(current && { current_stage: current.stage, current_stage_number: current.stage_number }),
    stages_snapshot: snapshotOf(stages, project.stages_snapshot),
  };
}

type State = Pick<Project, "created_at" | "revision">;

/**
 * Whether `a` is a later state than `b` of the project under one id. A project that was deleted and made again counts its
 * revisions from 1: its time of creation is part of what it is.
 */
export function isNewerState(a: State, b: State): boolean {
  return a.created_at === b.created_at ? a.revision > b.revision : a.created_at > b.created_at;
}

/** How many artifacts a stage has, also where the full list is a manifest. */
function artifactCount(stage: Stage): number {
  return stage.output_data.artifact_count ?? stage.output_data.artifacts.length;
}

/** Seconds by stage and the sums of a build. */
export function summarise(stages: readonly Stage[]): BuildSummary {
  const sum = (of: (stage: Stage) => number | undefined) =>
    stages.reduce((total, stage) => total + (of(stage) ?? 0), 0);
  const cost_usd = modelCost(stages);
  // In a sequence it is the sum of the stages' own.
  const overlaps = stages.some(({ needs }) => needs !== undefined);
  return {
    stage_seconds: Object.fromEntries(
      stages.flatMap((stage) =>
        stage.duration_seconds === undefined ? [] : [[stage.stage, stage.duration_seconds] as const],
      ),
    ),
    ...(overlaps && { active_seconds: activeSeconds(stages) }),
    input_tokens: sum((stage) => stage.metrics.input_tokens),
    output_tokens: sum((stage) => stage.metrics.output_tokens),
    tool_calls: sum((stage) => stage.metrics.tool_calls),
    artifacts: sum(artifactCount),
    unmet_total: sum(unmetTotal),
    ...(cost_usd > 0 && { cost_usd }),
  };
}

type Span = Pick<Stage, "status" | "started_at" | "completed_at" | "duration_seconds">;

/** Seconds in which a stage ran, several at once counted once. What still runs counts until `now`, where it is given. */
export function activeSeconds(stages: readonly Span[], now?: string): number {
  const spans = stages.flatMap((stage) => {
    const { started_at, completed_at, duration_seconds } = stage;
    const to = stage.status === "running" ? now : duration_seconds === undefined ? undefined : completed_at;
    return started_at === undefined || to === undefined
      ? []
      : [{ from: Date.parse(started_at), to: Date.parse(to) }];
  });
  let ms = 0;
  let end = 0;
  for (const { from, to } of spans.sort((a, b) => a.from - b.from)) {
    ms += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return ms / 1000;
}

type Timed = Pick<ProjectSummary, "status" | "run" | "started_at" | "completed_at" | "build_summary">;

/**
 * Seconds that a build was active, also while it goes on; with its stages, or as far as its line in a list tells.
 * Undefined where that is not known: the time from its first start to its end has what lay idle before a retry.
 */
export function buildSeconds(
  build: Timed & { readonly stages_snapshot?: { readonly stages: readonly Span[] } },
  nowMs: number,
): number | undefined {
  const { status, run, started_at, completed_at, build_summary: summary, stages_snapshot } = build;
  if (summary?.active_seconds !== undefined) return summary.active_seconds;
  const stages = Object.values(summary?.stage_seconds ?? {});
  if (stages.length > 0) return stages.reduce((sum, seconds) => sum + seconds, 0);
  if (started_at === undefined) return undefined;
  if (completed_at === undefined && stages_snapshot)
    return activeSeconds(stages_snapshot.stages, new Date(nowMs).toISOString());
  // When a later run began is not known, nor what a stage has run that was cut off by a cancel.
  if (run > 1) return undefined;
  const endMs = status === "building" || status === "paused" ? nowMs : Date.parse(completed_at ?? "");
  return Number.isNaN(endMs) ? undefined : Math.max(0, endMs - Date.parse(started_at)) / 1000;
}

/** USD that all attempts of the stages have used of a language model. */
function modelCost(stages: readonly Stage[]): number {
  let usd = 0;
  for (const { attempt, metrics, history, earlier_cost_usd = 0 } of stages) {
    const earlier = history.filter((entry) => entry.metrics !== undefined);
    // A stage that waits for its next attempt has the last one's figures, and so has its history.
    if (!earlier.some((entry) => entry.attempt === attempt)) usd += metrics.cost_usd ?? 0;
    usd += earlier_cost_usd + costOfEntries(earlier);
  }
  return roundedCost(usd);
}

/** The stage, from which these entries of its history, or the figures of its present attempt, are about to go. */
export function withEarlierCost(stage: Stage, gone: readonly Pick<HistoryEntry, "metrics">[]): Stage {
  const usd = costOfEntries(gone);
  return usd === 0 ? stage : { ...stage, earlier_cost_usd: roundedCost((stage.earlier_cost_usd ?? 0) + usd) };
}

function costOfEntries(entries: readonly Pick<HistoryEntry, "metrics">[]): number {
  return entries.reduce((usd, { metrics }) => usd + (metrics?.cost_usd ?? 0), 0);
}

/** USD with nine decimals: more are noise of binary fractions, and sums are the same on every store. */
export function roundedCost(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}

/** A stage may say in its output how much of what was asked for it left out. */
function unmetTotal({ output_data: { unmet_total } }: Stage): number {
  return Number.isSafeInteger(unmet_total) ? Math.max(0, Number(unmet_total)) : 0;
}

/** `completed_at` and, where the start is known, `duration_seconds`. */
export function ended(stage: Stage, at: string): { completed_at: string; duration_seconds?: number } {
  if (stage.started_at === undefined) return { completed_at: at };
  return { completed_at: at, duration_seconds: secondsBetween(stage.started_at, at) };
}

/** One line of a list, from a whole project. */
export function summaryOf(project: Project): ProjectSummary {
  return projectSummarySchema.parse(project);
}
