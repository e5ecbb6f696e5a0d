import {
  canonicalJson,
  isUnderway,
  itemBytes,
  type Project,
  type ProjectStatus,
  type Stage,
} from "@stagefold/core";
import { budgetOverrun, inputChanged, startedEarly } from "./given-checks.ts";
import { type Account, reportKeyOf, tokenOf } from "./ledger.ts";
import { isSameJson } from "./same.ts";
import type { PlannedStage } from "./specification.ts";
import { isDone, percent, summary } from "./sums.ts";
import { type Effect, operationOf } from "./table.ts";

export const VIOLATIONS = [
  "older_token",
  "number_used_twice",
  "operation_done_twice",
  "revision",
  "numbers_fall",
  "state_not_allowed",
  "finished_stage_changed",
  "progress_fell",
  "counters",
  "foresight",
  "work_queue",
  "two_outcomes",
  "artifacts_lost",
  "stages_of_others",
  "needs_not_met",
  "started_early",
  "budget_overrun",
  "input_changed",
  "refused_though_done",
  "acknowledged_not_done",
  "log_wrong",
  "stuck",
  "lists_wrong",
  "unreadable",
  "unexpected_error",
] as const;
export type ViolationKind = (typeof VIOLATIONS)[number];

/** What a write that took effect must not have done; undefined when all is well. */
type Check = (change: Change) => string | undefined;

/** A change of a project that still exists afterwards. */
export interface Change {
  readonly effect: Effect;
  readonly before: Project;
  readonly after: Project;
  readonly account: Account;
  /** What its project was to be made with, whatever the item says. */
  readonly plan: readonly PlannedStage[];
}

const CHECKS: readonly (readonly [ViolationKind, Check])[] = [
  ["older_token", underOlderToken],
  ["number_used_twice", numberUsedTwice],
  ["operation_done_twice", operationDoneTwice],
  ["revision", wrongRevision],
  ["numbers_fall", numbersFall],
  ["state_not_allowed", stateNotAllowed],
  ["finished_stage_changed", finishedStageChanged],
  ["progress_fell", progressFell],
  ["counters", wrongCounters],
  ["foresight", wrongForesight],
  ["work_queue", wrongQueue],
  ["artifacts_lost", artifactsLost],
  ["stages_of_others", stagesOfOthers],
  ["needs_not_met", needsNotMet],
  ["started_early", startedEarly],
  ["budget_overrun", budgetOverrun],
  ["input_changed", inputChanged],
];

/** Every check of one write that took effect. */
export function checkEffect(
  effect: Effect,
  account: Account,
  plan: readonly PlannedStage[],
): { kind: ViolationKind; message: string }[] {
  const { before, after, unreadable } = effect;
  if (unreadable !== undefined) return [{ kind: "unreadable", message: unreadable }];
  if (before && after) {
    const found = CHECKS.flatMap(([kind, check]) => {
      const message = check({ effect, before, after, account, plan });
      return message === undefined ? [] : [{ kind, message }];
    });
    return [...found, ...twoOutcomes(after, account)];
  }
  if (!before && after && after.lease_token < account.token)
    return [
      {
        kind: "older_token",
        message: `made again with token ${after.lease_token}; it had ${account.token} before`,
      },
    ];
  return [];
}

function underOlderToken({ effect, before, account }: Change): string | undefined {
  const token = tokenOf(effect.patch);
  const newest = Math.max(before.lease_token, account.token);
  return token === undefined || token === newest
    ? undefined
    : `${effect.patch.transition} under token ${token}; ${newest} was there before`;
}

function numberUsedTwice({ effect, account }: Change): string | undefined {
  const key = reportKeyOf(effect.patch);
  return key && account.reports.has(`${key.token}/${key.seq}`)
    ? `report ${key.seq} of token ${key.token} took effect twice`
    : undefined;
}

function operationDoneTwice({ effect, account }: Change): string | undefined {
  const op = operationOf(effect.patch);
  return op !== undefined && account.operation === op ? `${op} took effect twice` : undefined;
}

function wrongRevision({ effect, before, after }: Change): string | undefined {
  const heartbeat = effect.patch.transition === "heartbeat";
  const expected = before.revision + (heartbeat ? 0 : 1);
  if (after.revision !== expected) return `expected revision ${expected}, found ${after.revision}`;
  if (!heartbeat) return undefined;
  const same = JSON.stringify(withoutTimes(before)) === JSON.stringify(withoutTimes(after));
  return same ? undefined : "a heartbeat changed something that a reader can see";
}

function withoutTimes({ lease: { expires_at: _e, ...lease }, work_due_at: _d, ...rest }: Project) {
  return { ...rest, lease };
}

function numbersFall({ before, after }: Change): string | undefined {
  const fallen = (["lease_token", "lease_seq", "run"] as const).filter((name) => after[name] < before[name]);
  return fallen.length > 0 ? `${fallen} fell` : undefined;
}

const ALLOWED: Readonly<Record<ProjectStatus, readonly ProjectStatus[]>> = {
  pending: ["queued", "cancelled"],
  queued: ["building", "paused", "cancelled"],
  building: ["completed", "failed", "queued", "waiting", "paused", "cancelled"],
  waiting: ["queued", "building", "cancelled"],
  paused: ["queued", "building", "cancelled", "completed", "failed"],
  completed: ["queued"],
  failed: ["queued"],
  cancelled: ["queued"],
};

function stateNotAllowed({ effect, before, after }: Change): string | undefined {
  const [from, to] = [before.status, after.status];
  if (from !== to && !ALLOWED[from].includes(to)) return `from ${from} to ${to}`;
  const ended = from === "completed" || from === "failed" || from === "cancelled";
  return ended && from !== to && effect.patch.transition !== "retry"
    ? `${from} was left otherwise`
    : undefined;
}

/** A stage begins when all that it needs is done; one that runs finally when nothing else runs. */
function needsNotMet({ before, after, plan }: Change): string | undefined {
  const begun = after.stages_snapshot.stages.filter(
    (stage, i) => stage.status === "running" && before.stages_snapshot.stages[i]?.attempt !== stage.attempt,
  );
  for (const { stage } of begun) {
    const position = plan.findIndex((one) => one.stage === stage);
    const { needs, finally: isFinal } = plan[position] ?? {};
    const open = after.stages_snapshot.stages.find((other, i) => {
      if (isFinal === true) return plan[i]?.finally !== true && isUnderway(other);
      return (needs ? needs.includes(other.stage) : i < position) && !isDone(other);
    });
    if (open) return `${stage} began while ${open.stage} was ${open.status}`;
  }
  return undefined;
}

/** Artifacts of a finished stage may be recorded; all else stays as it is until a retry. */
function finishedStageChanged({ before, after }: Change): string | undefined {
  if (before.restart_from !== undefined && after.restart_from === undefined) return undefined;
  const changed = before.stages_snapshot.stages.find((stage, i) => {
    const now = after.stages_snapshot.stages[i];
    return isDone(stage) && (!now || JSON.stringify(record(stage)) !== JSON.stringify(record(now)));
  });
  return changed && `${changed.stage} was ${changed.status}`;
}

function record({ output_data, artifact_manifest: _, sub_stages: _s, ...rest }: Stage) {
  const { artifacts: _a, artifact_info: _i, artifact_count: _c, ...output } = output_data;
  return { ...rest, output };
}

function progressFell({ before, after }: Change): string | undefined {
  return after.progress_percentage < before.progress_percentage && after.run === before.run
    ? `from ${before.progress_percentage} to ${after.progress_percentage} in run ${after.run}`
    : undefined;
}

const EXACT = ["report", "release", "record_artifacts", "remove_artifacts"];

/** What a lease owner writes is exact; control writes, which know nothing, may put the weight too high, never too low. */
function wrongCounters({ effect, before, after }: Change): string | undefined {
  const { stages, completed, total } = after.stages_snapshot;
  const done = stages.filter(isDone).length;
  if (completed !== done || total !== stages.length)
    return `completed ${completed} of ${total}, found ${done}`;
  const weight = itemBytes(after);
  const { transition } = effect.patch;
  if (EXACT.includes(transition) && after.item_bytes !== weight)
    return `item_bytes ${after.item_bytes}, found ${weight}`;
  // A retry has opened its stages already for readers of the progress, and its next lease owner for all.
  if (after.restart_from === undefined && percent(stages) !== after.progress_percentage)
    return `progress_percentage ${after.progress_percentage}, found ${percent(stages)}`;
  const ends = after.build_summary !== undefined && before.build_summary === undefined;
  return ends && JSON.stringify(after.build_summary) !== JSON.stringify(summary(stages))
    ? `build_summary ${JSON.stringify(after.build_summary)}, found ${JSON.stringify(summary(stages))}`
    : undefined;
}

/** A writer that says what its write will come to must be right, but for the times that heartbeats move. */
function wrongForesight({ effect, after }: Change): string | undefined {
  const postImage = effect.patch.kind === "update" ? effect.patch.postImage : undefined;
  if (!postImage) return undefined;
  const [expected, found] = [withoutTimes(postImage), withoutTimes(after)];
  return isSameJson(expected, found)
    ? undefined
    : `expected ${canonicalJson(expected)}, found ${canonicalJson(found)}`;
}

/** What can be run is offered, what cannot is not. */
function wrongQueue({ after }: Change): string | undefined {
  const offered = after.work_queue !== undefined && after.work_due_at !== undefined;
  // What is paused keeps its due time, and is in no queue.
  const none =
    after.work_queue === undefined && (after.status === "paused" || after.work_due_at === undefined);
  // A gate is offered from its time-out on, if it has one.
  const isTimed = after.status === "waiting" && after.waiting.expires_at !== undefined;
  const runs = after.status === "queued" || after.status === "building" || isTimed;
  if (runs ? offered : none) return undefined;
  return `${after.status} with work_queue ${after.work_queue} and work_due_at ${after.work_due_at}`;
}

/** Artifacts go when they are removed or replaced, with a new attempt, and when a retry opens their stage. */
function artifactsLost({ effect, before, after }: Change): string | undefined {
  const { transition } = effect.patch;
  if (transition === "record_artifacts" || transition === "remove_artifacts") return undefined;
  if (before.restart_from !== undefined && after.restart_from === undefined) return undefined;
  for (const [i, stage] of before.stages_snapshot.stages.entries()) {
    const now = after.stages_snapshot.stages[i];
    if (!now || now.attempt > stage.attempt) continue;
    const lost = stage.output_data.artifacts.filter((path) => !now.output_data.artifacts.includes(path));
    if (lost.length > 0) return `${stage.stage} lost ${lost}`;
  }
  return undefined;
}

const CONTROL = ["pause", "resume", "cancel", "retry", "answer", "queue", "heartbeat", "claim"];

/** Only the lease owner edits stages. (What ran in a cancelled build reads as cancelled: no writer has written that.) */
function stagesOfOthers({ effect, before, after }: Change): string | undefined {
  if (!CONTROL.includes(effect.patch.transition)) return undefined;
  const read = (stages: readonly Stage[]) =>
    JSON.stringify(stages.map((stage) => (isUnderway(stage) ? { ...stage, status: "cancelled" } : stage)));
  return read(before.stages_snapshot.stages) === read(after.stages_snapshot.stages)
    ? undefined
    : `${effect.patch.transition} changed stages`;
}

/** How an attempt ended is written down once. Notes it. */
function twoOutcomes(after: Project, account: Account): { kind: ViolationKind; message: string }[] {
  return after.stages_snapshot.stages.flatMap((stage) => {
    const found = endings(stage).flatMap(([attempt, ending]) => {
      const key = `${after.created_at}/${stage.stage}/${attempt}`;
      const known = account.outcomes.get(key) ?? ending;
      account.outcomes.set(key, known);
      return known === ending ? [] : [`attempt ${attempt} of ${stage.stage} was ${known} and is ${ending}`];
    });
    const past = stage.history.map((entry) => entry.attempt);
    const twice = past.filter((attempt, i) => past.indexOf(attempt) !== i);
    const listed = twice.map((attempt) => `attempt ${attempt} of ${stage.stage} is in the history twice`);
    return [...found, ...listed].map((message) => ({ kind: "two_outcomes" as const, message }));
  });
}

function endings(stage: Stage): (readonly [number, string])[] {
  const past = stage.history.map((entry) => [entry.attempt, entry.status] as const);
  const over = stage.status !== "pending" && !isUnderway(stage) && stage.attempt > 0;
  return over ? [...past, [stage.attempt, stage.status]] : past;
}
