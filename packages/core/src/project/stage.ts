// Long because: all that becomes of a stage is read in one place.
import { type FailureCode, StagefoldError } from "../errors.ts";
import { ended, isUnderway, withEarlierCost } from "../snapshot/derive.ts";
import { LIMITS, utf8Bytes, valueBytes } from "../snapshot/limits.ts";
import { type ReportedLine, wholeTexts } from "../snapshot/log-line.ts";
import type { HistoryEntry, Metrics, OutputData, Stage } from "../snapshot/schema.ts";
import { inNaturalOrder, storableText } from "../snapshot/storable.ts";
import { requireStage, stageConflict } from "./require.ts";

/** What a stage has before it makes anything. */
export function emptyOutput(): OutputData {
  return { artifacts: [], artifact_info: {} };
}

/** pending → running: a new attempt, without what an earlier one left. */
export function startStage(
  stage: Stage,
  by: { readonly agent_name?: string | undefined; readonly definition?: string | undefined },
  at: string,
): Stage {
  requireStage(stage, ["pending"]);
  const {
    completed_at: _c,
    duration_seconds: _d,
    retry_at: _r,
    ...rest
  } = stage.attempt === 0 ? stage : cleared(stage);
  return {
    ...rest,
    status: "running",
    attempt: stage.attempt + 1,
    progress: 0,
    started_at: at,
    ...(by.agent_name !== undefined && { agent_name: by.agent_name }),
    ...(by.definition !== undefined && { definition: by.definition }),
    error_message: null,
    logs: [],
  };
}

/** A stage without the results of its attempts; the history stays. */
function cleared(stage: Stage): Stage {
  const isCounted = stage.history.some(
    ({ attempt, metrics }) => attempt === stage.attempt && metrics !== undefined,
  );
  const {
    artifact_manifest: _a,
    output_ref: _o,
    sub_stage_errors_ref: _s,
    logs: _l,
    log_seq: _q,
    error_code: _e,
    exit_code: _x,
    signal: _g,
    definition: _d,
    notes: _n,
    summary: _m,
    ...rest
  } = isCounted ? stage : withEarlierCost(stage, [stage]);
  return { ...rest, output_data: emptyOutput(), metrics: {}, sub_stages: {} };
}

/** Progress within the stage, 0 … 100; it never falls. */
export function progressStage(stage: Stage, progress: number): Stage {
  requireStage(stage, ["running"]);
  if (progress < stage.progress)
    throw stageConflict(stage.stage, `given a progress of at least ${stage.progress}`, String(progress));
  return { ...stage, progress };
}

/** The last lines of the log, within the caps of the item; the full text is in the log store. */
export function logStage(stage: Stage, lines: readonly ReportedLine[]): Stage {
  requireStage(stage, ["running"]);
  return { ...stage, logs: tailOf(wholeTexts(stage.logs ?? [], lines)) };
}

/** The end of a log, within the caps of the item. */
export function tailOf(lines: readonly string[]): string[] {
  const tail: string[] = [];
  let bytes = 0;
  for (const line of lines.toReversed()) {
    const short = storableText(line, 512);
    bytes += utf8Bytes(short);
    if (tail.length === LIMITS.tailLines || bytes > LIMITS.tail) break;
    tail.unshift(short);
  }
  return tail;
}

export type Notes = Readonly<Record<string, unknown>>;

/** Notes replace those of the same name; a value `null` takes one away. Errors: INVALID_INPUT when they are too many. */
export function withNotes(before: Notes, notes: Notes): Notes {
  const all = Object.entries({ ...before, ...notes }).filter(([, value]) => value !== null);
  const found = all.length > LIMITS.notes ? all.length : valueBytes(Object.fromEntries(all));
  const [max, what] =
    all.length > LIMITS.notes ? [LIMITS.notes, "notes"] : [LIMITS.allNotes, "bytes of notes"];
  if (found > max)
    throw new StagefoldError(
      "INVALID_INPUT",
      `A stage may have ${max} ${what}; this one would have ${found}.`,
      { issues: [`notes: expected at most ${max} ${what}`] },
    );
  return Object.fromEntries(all);
}

/** What readers see of a running stage. `summary` is the path of one of its artifacts. */
export function noteStage(
  stage: Stage,
  { notes, summary }: { readonly notes?: Notes | undefined; readonly summary?: string | undefined },
): Stage {
  requireStage(stage, ["running"]);
  return {
    ...stage,
    ...(notes !== undefined && { notes: withNotes(stage.notes ?? {}, notes) }),
    ...(summary !== undefined && { summary }),
  };
}

/** Adds figures up: `{ input_tokens: 5 }` twice is 10. */
export function addMetrics(stage: Stage, metrics: Metrics | undefined): Stage {
  if (!metrics) return stage;
  const sums = new Map<string, unknown>(Object.entries(stage.metrics));
  for (const [name, value] of Object.entries(metrics)) {
    const before = sums.get(name);
    sums.set(name, typeof value === "number" && typeof before === "number" ? before + value : value);
  }
  if (sums.size > LIMITS.metrics)
    throw new StagefoldError(
      "INVALID_INPUT",
      `Stage ${stage.stage} may add up ${LIMITS.metrics} figures, and would have ${sums.size}.`,
      { issues: [`metrics: expected at most ${LIMITS.metrics} figures`] },
    );
  return { ...stage, metrics: Object.fromEntries(sums) };
}

/** running → completed. `output` is the stage's own; its artifacts stay beside it. */
export function completeStage(stage: Stage, output: { readonly [key: string]: unknown }, at: string): Stage {
  requireStage(stage, ["running"]);
  const taken = ["artifacts", "artifact_info", "artifact_count"].filter((name) =>
    Object.hasOwn(output, name),
  );
  if (taken.length > 0)
    throw new StagefoldError(
      "INVALID_INPUT",
      `The output of ${stage.stage} uses names that are taken: ${taken}.`,
      {
        issues: taken.map((name) => `output.${name}: a name of the item`),
      },
    );
  const { logs: _tail, ...rest } = endSubStages(stage, at);
  return {
    ...rest,
    status: "completed",
    progress: 100,
    ...ended(stage, at),
    output_data: { ...stage.output_data, ...inNaturalOrder(output) },
    error_message: null,
  };
}

export interface Failure extends ProcessEnd {
  readonly message: string;
  readonly code: FailureCode;
}

/** How the process ended that failed, where one did. */
export interface ProcessEnd {
  readonly exit_code?: number | undefined;
  readonly signal?: string | undefined;
}

export function processEndOf({ exit_code, signal }: ProcessEnd): { exit_code?: number; signal?: string } {
  return { ...(exit_code !== undefined && { exit_code }), ...(signal !== undefined && { signal }) };
}

/** running → failed, for good. */
export function failStage(stage: Stage, failure: Failure, at: string): Stage {
  requireStage(stage, ["running"]);
  return {
    ...endSubStages(stage, at),
    status: "failed",
    ...ended(stage, at),
    error_message: errorText(failure.message),
    error_code: failure.code,
    ...processEndOf(failure),
  };
}

/** running → pending: this attempt goes to the history and the stage waits for its next one. */
export function retryStageLater(stage: Stage, failure: Failure, at: string): Stage {
  requireStage(stage, ["running"]);
  const message = errorText(failure.message);
  const ended = { status: "failed" as const, code: failure.code, completed_at: at };
  const entry = { ...attemptOf(stage), ...ended, ...processEndOf(failure), error_message: message };
  const { started_at: _s, ...rest } = withEntry(stage, entry);
  return {
    ...endSubStages({ ...rest, status: "pending" }, at),
    status: "pending",
    progress: 0,
    error_message: message,
    failed_attempts: (stage.failed_attempts ?? 0) + 1,
  };
}

/** running → pending without being the stage's fault: its worker died, gave it back, or the build was cancelled. */
export function interruptStage(
  stage: Stage,
  status: "failed" | "cancelled",
  reason: string,
  at: string,
): Stage {
  const entry = {
    ...attemptOf(stage),
    status,
    code: "WORKER_LOST" as const,
    completed_at: at,
    error_message: reason,
  };
  const { started_at: _s, ...rest } = withEntry(stage, entry);
  return {
    ...endSubStages({ ...rest, status: "pending" }, at),
    status: "pending",
    progress: 0,
    error_message: reason,
  };
}

/** running → cancelled: its build is failing because of another stage. */
export function cancelStage(stage: Stage, reason: string, at: string): Stage {
  requireStage(stage, ["running"]);
  const { logs: _tail, ...rest } = endSubStages(stage, at);
  return { ...rest, status: "cancelled", ...ended(stage, at), error_message: errorText(reason) };
}

/** pending or running → skipped. */
export function skipStage(stage: Stage, reason: string, at: string): Stage {
  requireStage(stage, ["pending", "running"]);
  const { logs: _tail, retry_at: _r, ...rest } = endSubStages(stage, at);
  return {
    ...rest,
    status: "skipped",
    ...ended(stage, at),
    output_data: { ...stage.output_data, skipped_reason: errorText(reason) },
    error_message: null,
  };
}

/** Any state → pending, for a retry: what the last attempt came to goes to the history. */
export function reopenStage(stage: Stage): Stage {
  // Nothing came of it yet; what others recorded for it stays.
  if (stage.status === "pending" && stage.attempt === 0) return stage;
  // A pending stage's attempts are in the history already, and so is the last one of a build that was given up.
  const there = stage.attempt === 0 || stage.history.at(-1)?.attempt === stage.attempt;
  const kept = there || stage.status === "pending" ? stage : withEntry(stage, attemptOf(stage));
  const {
    started_at: _s,
    completed_at: _c,
    duration_seconds: _d,
    failed_attempts: _f,
    retry_at: _r,
    ...rest
  } = cleared(kept);
  return { ...rest, status: "pending", progress: 0, error_message: null };
}

/** What still runs inside a stage ends with it. */
export function endSubStages(stage: Stage, at: string): Stage {
  const running = Object.entries(stage.sub_stages).filter(([, part]) => part.status === "running");
  if (running.length === 0) return stage;
  const closed = running.map(([key, part]) => [
    key,
    { ...part, status: "cancelled" as const, completed_at: at },
  ]);
  return { ...stage, sub_stages: { ...stage.sub_stages, ...Object.fromEntries(closed) } };
}

function attemptOf(stage: Stage): HistoryEntry {
  return {
    attempt: stage.attempt,
    // A stage that was underway when its build was cancelled reads as cancelled.
    status: isUnderway(stage) ? "cancelled" : stage.status,
    ...(stage.error_code !== undefined && { code: stage.error_code }),
    ...(stage.log_seq !== undefined && { log_seq: stage.log_seq }),
    ...processEndOf(stage),
    ...(stage.definition !== undefined && { definition: stage.definition }),
    ...(stage.started_at !== undefined && { started_at: stage.started_at }),
    ...(stage.completed_at !== undefined && { completed_at: stage.completed_at }),
    ...(stage.error_message !== null && { error_message: stage.error_message }),
    // A later attempt counts anew: what this one has cost stays with it.
    ...((stage.metrics.model_calls ?? stage.metrics.cost_usd) !== undefined && { metrics: stage.metrics }),
  };
}

/** The stage with one entry more in its history, which keeps the last ones, and what those cost that go. */
function withEntry(stage: Stage, entry: HistoryEntry): Stage {
  const all = [...stage.history, entry];
  const history = all.slice(-LIMITS.history);
  return { ...withEarlierCost(stage, all.slice(0, -LIMITS.history)), history };
}

export function errorText(message: string): string {
  return storableText(message, LIMITS.error);
}
