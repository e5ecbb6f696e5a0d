import type { ErrorCode, ReportEvent } from "@stagefold/core";
import type { Spec, SpecGate, SpecStage } from "./specification.ts";

/** Lease owners that may die in a row, without progress, before their build is given up. */
const DEATHS = 3;
/** What a gate that ends by itself is completed with. */
const BY_ITSELF = "by itself";
const FREE = { held: false, fresh: false, claims: 0 };

export function isDone({ status, plan }: SpecStage): boolean {
  return (
    status === "completed" || status === "skipped" || (status === "failed" && plan.allow_failure === true)
  );
}

function isOver({ status }: SpecStage): boolean {
  return status !== "pending" && status !== "running" && status !== "waiting";
}

/** Keys of the stages that one waits for: those it names, or all before it. What runs finally waits for all others. */
function needed(stages: readonly SpecStage[], key: string): string[] {
  const position = stages.findIndex(({ stage }) => stage === key);
  const { plan } = stages[position] ?? {};
  const own = stages.filter(
    (other, i) =>
      (other.plan.finally === true) === (plan?.finally === true) &&
      (plan?.needs ? plan.needs.includes(other.stage) : i < position),
  );
  const others = plan?.finally === true ? stages.filter((other) => other.plan.finally !== true) : [];
  return [...own, ...others].map(({ stage }) => stage);
}

/** The same, and what those wait for. */
export function allNeeded(stages: readonly SpecStage[], key: string): Set<string> {
  const found = new Set<string>();
  const look = (one: string) => {
    for (const need of needed(stages, one)) {
      if (found.has(need)) continue;
      found.add(need);
      look(need);
    }
  };
  look(key);
  return found;
}

/** What a retry from a stage runs again. */
export function restarted(stages: readonly SpecStage[], from: string): Set<string> {
  const first = stages.filter((stage) => stage.stage === from || !isDone(stage)).map(({ stage }) => stage);
  const after = stages.filter(({ stage }) => first.some((one) => allNeeded(stages, stage).has(one)));
  return new Set([...first, ...after.map(({ stage }) => stage)]);
}

/** 0 … 100, of stages that all weigh the same. */
export function percentOf(stages: readonly SpecStage[]): number {
  return stages.length === 0 ? 0 : Math.round((stages.filter(isDone).length * 100) / stages.length);
}

/** As a retry leaves a stage. */
export function reopen(stage: SpecStage): SpecStage {
  if (stage.status === "pending" && stage.attempt === 0) return stage;
  return { ...stage, status: "pending", progress: 0, artifacts: [], answer: null };
}

/** What a lease owner finds: what came before it is put in order. */
export function begun(state: Spec): Spec {
  if (!state.fresh) return state;
  const opened = state.restart === null ? new Set<string>() : restarted(state.stages, state.restart);
  const stages = state.stages.map((stage) => (opened.has(stage.stage) ? reopen(stage) : stage));
  const begun = settled(withStages({ ...state, fresh: false, restart: null }, stages));
  if (begun.status === "failed") return begun;
  if (begun.failing && !finalsLeft(begun)) return ended(begun, "failed");
  if (begun.stages.every(isDone) && !begun.failing) return ended(begun, "completed");
  if (state.claims <= DEATHS) return interrupted(begun);
  const first = begun.stages.findIndex(({ status }) => status === "running");
  const failed = begun.stages.map((stage, i) =>
    i === first && stage.plan.allow_failure !== true ? { ...stage, status: "failed" as const } : stage,
  );
  return ended(interrupted(withStages(begun, failed)), "failed");
}

/** A gate that was open: completed with the answer, or as its time-out says. */
function settled(state: Spec): Spec {
  const { gate, answer } = state;
  const open: Spec = { ...state, gate: null, answer: null };
  const settle = (changed: Partial<SpecStage>) =>
    withStages(
      open,
      open.stages.map((stage) => (stage.status === "waiting" ? { ...stage, ...changed } : stage)),
    );
  if (answer !== null) return settle({ status: "completed", progress: 100, answer });
  if (!gate) return open;
  const { ends } = gate;
  switch (ends) {
    case "skip":
      return settle({ status: "skipped" });
    case "answer":
      return settle({ status: "completed", progress: 100, answer: BY_ITSELF });
    case "fail":
      return gateFailed(settle({ status: "failed" }), gate.stage);
    default:
      return ends satisfies never;
  }
}

/** One report: all of its events, or the reason why none of them. */
export function afterEvents(state: Spec, events: readonly ReportEvent[], release: boolean): Spec | ErrorCode {
  let next = state;
  for (const event of events) {
    const after = afterEvent(next, event);
    if (typeof after === "string") return after;
    next = after;
    // The build has failed for its budget: what was to follow the start did not happen.
    const begun = next.stages.find(({ stage }) => stage === event.stage)?.status === "running";
    if (event.event === "started" && !begun) break;
  }
  return release && next.held ? givenUp(interrupted(next)) : next;
}

function afterEvent(state: Spec, event: ReportEvent): Spec | ErrorCode {
  if (state.status !== "building" && state.status !== "paused") return "PROJECT_CONFLICT";
  const position = state.stages.findIndex((stage) => stage.stage === event.stage);
  const stage = state.stages[position];
  if (!stage) return "STAGE_NOT_FOUND";
  const having = (changed: Partial<SpecStage>) =>
    withStages(state, state.stages.with(position, { ...stage, ...changed }));
  const runs = stage.status === "running";
  switch (event.event) {
    case "started":
      if (state.status !== "building") return "PROJECT_CONFLICT";
      if (!isReady(state, stage) || stage.status !== "pending") return "STAGE_CONFLICT";
      // Beyond its budget a build fails in place of the start; what runs finally does so all the same.
      if (state.limit !== null && state.spent >= state.limit && stage.plan.finally !== true)
        return failing(state);
      return {
        ...having({
          status: "running",
          attempt: stage.attempt + 1,
          progress: 0,
          ...(stage.attempt > 0 && { artifacts: [], answer: null }),
        }),
        spent: state.spent + (state.limit === null ? 0 : 1),
      };
    case "log":
    case "noted":
      return runs ? state : "STAGE_CONFLICT";
    case "progress":
      if (!runs || event.progress < stage.progress) return "STAGE_CONFLICT";
      return { ...having({ progress: event.progress }), claims: 1 };
    case "artifacts":
      return having({ artifacts: merged(event.mode === "add" ? stage.artifacts : [], event.artifacts) });
    case "completed":
      if (!runs) return "STAGE_CONFLICT";
      return finished(
        having({
          status: "completed",
          progress: 100,
          artifacts: merged(stage.artifacts, event.artifacts ?? []),
        }),
      );
    case "skipped":
      return runs || stage.status === "pending" ? finished(having({ status: "skipped" })) : "STAGE_CONFLICT";
    case "failed":
      if (!runs) return "STAGE_CONFLICT";
      if (event.retry_in_seconds !== undefined) {
        const later = having({ status: "pending", progress: 0 });
        // Others go on under the same lease.
        return later.stages.some(({ status }) => status === "running") ? later : givenUp(later);
      }
      return stage.plan.allow_failure === true
        ? finished(having({ status: "failed" }))
        : failing(having({ status: "failed" }));
    case "waiting": {
      if (state.status !== "building") return "PROJECT_CONFLICT";
      const opens = stage.status === "pending" && isReady(state, stage);
      const others = state.stages.some((one) => one !== stage && one.status === "running");
      if ((!runs && !opens) || others) return "STAGE_CONFLICT";
      const gate: SpecGate = {
        stage: event.stage,
        ends: typeof event.on_timeout === "string" ? event.on_timeout : "answer",
        timed: event.timeout_seconds !== undefined,
      };
      const begins = {
        attempt: stage.attempt + 1,
        progress: 0,
        ...(stage.attempt > 0 && { artifacts: [], answer: null }),
      };
      return { ...having({ status: "waiting", ...(opens && begins) }), ...FREE, status: "waiting", gate };
    }
    default:
      return event satisfies never;
  }
}

/** A gate as chance makes it: with a time-out or without, and each way to end by itself. */
export function gateEvent(stage: string, chance: number): Extract<ReportEvent, { event: "waiting" }> {
  const ends = ["fail", "skip", { answer: BY_ITSELF }] as const;
  const timeout = chance % 2 === 0 ? undefined : 1 + (chance % 7);
  return {
    event: "waiting",
    stage,
    question: "Go on?",
    answer_schema: { type: "string" },
    on_timeout: ends[chance % 3] ?? "fail",
    ...(timeout !== undefined && { timeout_seconds: timeout }),
  };
}

function isReady({ stages, failing: isFailing }: Spec, own: SpecStage): boolean {
  const isFinal = own.plan.finally === true;
  if (isFailing && !isFinal) return false;
  const keys = needed(stages, own.stage);
  return stages
    .filter(({ stage }) => keys.includes(stage))
    .every((other) => {
      if (!isFinal) return isDone(other);
      if (other.plan.finally === true) return isOver(other);
      return isFailing ? other.status !== "running" : isDone(other);
    });
}

function ended(state: Spec, status: "completed" | "failed"): Spec {
  return { ...state, ...FREE, failing: false, status };
}

function finalsLeft({ stages }: Spec): boolean {
  return stages.some((stage) => stage.plan.finally === true && !isOver(stage));
}

function finished(state: Spec): Spec {
  if (state.failing) return finalsLeft(state) ? { ...state, claims: 1 } : ended(state, "failed");
  return state.stages.every(isDone) ? ended(state, "completed") : { ...state, claims: 1 };
}

/** A stage has failed for good: what runs is stopped, what runs finally is left. */
function failing(state: Spec): Spec {
  const stages = state.stages.map((stage) =>
    stage.status === "running" && stage.plan.finally !== true
      ? { ...stage, status: "cancelled" as const }
      : stage,
  );
  const stopped = { ...withStages(state, stages), failing: true };
  return finalsLeft(stopped) ? stopped : ended(stopped, "failed");
}

function gateFailed(state: Spec, key: string): Spec {
  const may = state.stages.some(({ stage, plan }) => stage === key && plan.allow_failure === true);
  if (!may) return failing(state);
  return state.failing && !finalsLeft(state) ? ended(state, "failed") : state;
}

function interrupted(state: Spec): Spec {
  const stages = state.stages.map((stage) =>
    stage.status === "running" ? { ...stage, status: "pending" as const, progress: 0 } : stage,
  );
  return withStages(state, stages);
}

function givenUp(state: Spec): Spec {
  return { ...state, ...FREE, status: state.status === "paused" ? "paused" : "queued" };
}

function withStages(state: Spec, stages: readonly SpecStage[]): Spec {
  return { ...state, stages, progress: percentOf(stages) };
}

function merged(before: readonly string[], given: readonly { readonly path: string }[]): readonly string[] {
  return [...new Set([...before, ...given.map(({ path }) => path)])];
}
