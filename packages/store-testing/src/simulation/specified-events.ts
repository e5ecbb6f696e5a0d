import type { ErrorCode, ReportEvent } from "@stagefold/core";
import type { Spec, SpecGate, SpecStage } from "./specification.ts";

/** Lease owners that may die in a row, without progress, before their build is given up. */
const DEATHS = 3;
/** What a gate that ends by itself is completed with. */
const BY_ITSELF = "by itself";
const FREE = { held: false, fresh: false, claims: 0 };

export function isDone(stage: SpecStage): boolean {
  return stage.status === "completed" || stage.status === "skipped";
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
  const from = state.stages.findIndex((stage) => stage.stage === state.restart);
  const stages = state.stages.map((stage, i) => (from >= 0 && i >= from ? reopen(stage) : stage));
  const begun = settled(withStages({ ...state, fresh: false, restart: null }, stages));
  if (begun.status === "failed") return begun;
  if (begun.stages.every(isDone)) return { ...begun, ...FREE, status: "completed" };
  if (state.claims <= DEATHS) return interrupted(begun);
  const failed = begun.stages.map((stage) =>
    stage.status === "running" ? { ...stage, status: "failed" as const } : stage,
  );
  return { ...withStages(begun, failed), ...FREE, status: "failed" };
}

/** A gate that was open: completed with the answer, or as its time-out says. */
function settled(state: Spec): Spec {
  const { gate, answer } = state;
  const open: Spec = { ...state, gate: null, answer: null };
  const ended = (changed: Partial<SpecStage>) =>
    withStages(
      open,
      open.stages.map((stage) => (stage.status === "waiting" ? { ...stage, ...changed } : stage)),
    );
  if (answer !== null) return ended({ status: "completed", progress: 100, answer });
  if (!gate) return open;
  const { ends } = gate;
  switch (ends) {
    case "skip":
      return ended({ status: "skipped" });
    case "answer":
      return ended({ status: "completed", progress: 100, answer: BY_ITSELF });
    case "fail":
      return { ...ended({ status: "failed" }), ...FREE, status: "failed" };
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
      if (!isTurnOf(state, position) || stage.status !== "pending") return "STAGE_CONFLICT";
      return having({
        status: "running",
        attempt: stage.attempt + 1,
        progress: 0,
        ...(stage.attempt > 0 && { artifacts: [], answer: null }),
      });
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
      if (event.retry_in_seconds !== undefined) return givenUp(having({ status: "pending", progress: 0 }));
      return { ...having({ status: "failed" }), ...FREE, status: "failed" };
    case "waiting": {
      if (state.status !== "building") return "PROJECT_CONFLICT";
      const opens = stage.status === "pending" && isTurnOf(state, position);
      if (!runs && !opens) return "STAGE_CONFLICT";
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

function isTurnOf(state: Spec, position: number): boolean {
  return state.stages.every(
    (other, i) =>
      (i >= position || isDone(other)) && other.status !== "running" && other.status !== "waiting",
  );
}

function finished(state: Spec): Spec {
  return state.stages.every(isDone) ? { ...state, ...FREE, status: "completed" } : { ...state, claims: 1 };
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
