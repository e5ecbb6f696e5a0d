import type { ErrorCode, ProjectStatus, ReportEvent, StageStatus } from "@stagefold/core";
import { afterEvents, allNeeded, begun, isDone, percentOf, reopen, restarted } from "./specified-events.ts";
import { inputText } from "./view.ts";

/**
 * What every operation does to a project, in the fewest terms: states and numbers, no times, no patches. Written
 * without the transitions, so that it can be held against them.
 */
export interface Spec {
  readonly status: ProjectStatus;
  readonly run: number;
  readonly revision: number;
  readonly progress: number;
  readonly token: number;
  readonly seq: number;
  readonly held: boolean;
  /** From a claim to the lease owner's first write. */
  readonly fresh: boolean;
  readonly claims: number;
  readonly restart: string | null;
  /** The last control write. */
  readonly op: string | null;
  readonly gate: SpecGate | null;
  /** It has failed, and stages that run finally are left. */
  readonly failing: boolean;
  /** What was answered and no holder has taken up yet. */
  readonly answer: string | null;
  /** What it was given, as JSON, and the run that changed it. */
  readonly input: string | null;
  readonly input_run: number | null;
  /** Attempts that it may have, and has had: counted where there is a limit. */
  readonly limit: number | null;
  readonly spent: number;
  readonly stages: readonly SpecStage[];
  /** The number of the last write under each token: not part of what is shown. */
  readonly written: Readonly<Record<number, number>>;
  /** The token it was made with: those below are of projects that had its id before. Not shown either. */
  readonly born: number;
}

/** A gate that is open. `timed`: it may be claimed some time later, and then ends by itself. */
export interface SpecGate {
  readonly stage: string;
  readonly ends: "fail" | "skip" | "answer";
  readonly timed: boolean;
}

/** One stage as its project is made with it. */
export interface PlannedStage {
  readonly stage: string;
  readonly needs?: readonly string[];
  readonly finally?: boolean;
  readonly allow_failure?: boolean;
}

export interface SpecStage {
  readonly stage: string;
  /** Where it stands in the order: not part of what is shown. */
  readonly plan: PlannedStage;
  readonly status: StageStatus;
  readonly attempt: number;
  readonly progress: number;
  readonly artifacts: readonly string[];
  /** Of a gate that was answered. */
  readonly answer: string | null;
}

/** What a build is given with its create. Its start is a matter of clocks: see `checks.ts`. */
export interface Given {
  readonly input?: Readonly<Record<string, unknown>> | undefined;
  readonly limits?: { readonly attempts: number } | undefined;
  readonly start_at?: string | undefined;
}

export type Call =
  | {
      readonly do: "create";
      readonly token: number;
      readonly stages: readonly PlannedStage[];
      readonly given?: Given;
    }
  | { readonly do: "claim" | "delete" | "get" }
  | { readonly do: "heartbeat"; readonly token: number }
  | {
      readonly do: "report";
      readonly token: number;
      readonly seq: number;
      readonly events: readonly ReportEvent[];
      readonly release: boolean;
    }
  | { readonly do: "pause" | "cancel"; readonly op: string }
  /** Whether the lease owner's lease still lives is a matter of clocks: either way, unless it is known. */
  | { readonly do: "resume"; readonly op: string; readonly alive?: boolean }
  | {
      readonly do: "retry";
      readonly op: string;
      readonly from?: string | undefined;
      readonly given?: Given;
    }
  /** `op` begins with the stage: at another gate the same name is another operation. */
  | { readonly do: "answer"; readonly op: string; readonly stage: string; readonly value: string }
  | {
      readonly do: "record";
      readonly stage: string;
      readonly paths: readonly string[];
      readonly mode: "add" | "replace";
    };

/** `none`: a claim that was not given. */
export type Answer = "ok" | "none" | ErrorCode;

export interface Outcome {
  readonly state: Spec | undefined;
  readonly answer: Answer;
  /** Nothing happens now: it did before, and the caller may be shown what it was then. */
  readonly before?: boolean;
}

const ENDED: readonly ProjectStatus[] = ["completed", "failed", "cancelled"];
const FREE = { held: false, fresh: false, claims: 0 };
const NOT_ASKED = { gate: null, answer: null };

/** All that an operation may come to. Refused: the state is as it was. */
export function outcomes(state: Spec | undefined, call: Call): readonly Outcome[] {
  if (call.do === "create") return [{ state: state ?? created(call), answer: "ok" }];
  if (!state) return absent(call);
  const refused = (answer: Answer): Outcome[] => [{ state, answer }];
  switch (call.do) {
    case "get":
      return refused("ok");
    case "delete":
      return [{ state: undefined, answer: "ok" }];
    case "claim":
      return isOffered(state)
        ? [{ state: claimed(state), answer: "ok" }, ...refused("none")]
        : refused("none");
    case "heartbeat":
      return refused(state.held && state.token === call.token ? "ok" : "LEASE_LOST");
    case "report":
      return reported(state, call);
    case "record": {
      const change = recorded(state, call);
      const there = state.stages.find((stage) => stage.stage === call.stage)?.artifacts;
      // What shall be gone and is need not be removed.
      const gone = call.paths.length === 0 && there?.length === 0 ? refused("ok") : [];
      return [...gone, ...(change ? [{ state: change, answer: "ok" as const }] : refused("STAGE_CONFLICT"))];
    }
    case "pause":
    case "cancel":
    case "resume":
    case "answer":
    case "retry": {
      // The same operation never takes effect twice.
      if (state.op === `${call.do} ${call.op}`) return refused("ok");
      const next = controlled(state, call);
      if (typeof next === "string") return refused(next);
      return next.map((one) => ({
        state: { ...one, op: `${call.do} ${call.op}`, revision: state.revision + 1 },
        answer: "ok",
      }));
    }
    default:
      return call satisfies never;
  }
}

function absent(call: Call): readonly Outcome[] {
  const nothing: Outcome = { state: undefined, answer: call.do === "claim" ? "none" : "PROJECT_NOT_FOUND" };
  // A lease owner may know that a report took effect before the project was deleted, also once it is made again.
  return call.do === "report" ? [nothing, { state: undefined, answer: "ok", before: true }] : [nothing];
}

/** A gate that has no time-out cannot be claimed. */
function isOffered({ status, gate }: Spec): boolean {
  return status === "queued" || status === "building" || (status === "waiting" && gate?.timed === true);
}

function created(call: Extract<Call, { do: "create" }>): Spec {
  const stages = call.stages.map(
    (plan): SpecStage => ({
      stage: plan.stage,
      plan,
      status: "pending",
      attempt: 0,
      progress: 0,
      artifacts: [],
      answer: null,
    }),
  );
  const numbers = { run: 1, revision: 1, progress: 0, token: call.token, seq: 0 };
  return {
    status: "queued",
    ...numbers,
    ...FREE,
    restart: null,
    op: null,
    gate: null,
    failing: false,
    answer: null,
    input: inputText(call.given?.input),
    input_run: null,
    limit: call.given?.limits?.attempts ?? null,
    spent: 0,
    stages,
    written: {},
    born: call.token,
  };
}

function claimed(state: Spec): Spec {
  const numbers = { token: state.token + 1, claims: state.claims + 1, revision: state.revision + 1 };
  return { ...state, ...numbers, status: "building", held: true, fresh: true };
}

function reported(state: Spec, call: Extract<Call, { do: "report" }>): readonly Outcome[] {
  const { token, seq } = call;
  const lost: Outcome = { state, answer: "LEASE_LOST" };
  // Under a later token nothing shows any more that it took effect; the lease owner may still know, or not.
  if (state.written[token] === seq)
    return [{ state, answer: "ok", before: true }, ...(state.token === token ? [] : [lost])];
  if (token < state.born) return [lost, { state, answer: "ok", before: true }];
  if (state.token !== token || !state.held || state.seq >= seq) return [lost];
  const next = afterEvents(begun(state), call.events, call.release);
  if (typeof next === "string") return [{ state, answer: next }];
  const written = { ...state.written, [token]: seq };
  return [{ state: { ...next, seq, revision: state.revision + 1, written }, answer: "ok" }];
}

function recorded(state: Spec, call: Extract<Call, { do: "record" }>): Spec | undefined {
  if (state.stages.some((stage) => stage.stage === call.stage && stage.status === "running"))
    return undefined;
  const stages = state.stages.map((stage) => {
    if (stage.stage !== call.stage) return stage;
    const kept = call.mode === "add" ? stage.artifacts : [];
    return { ...stage, artifacts: [...new Set([...kept, ...call.paths])] };
  });
  return { ...state, stages, revision: state.revision + 1 };
}

type ControlCall = Extract<Call, { do: "pause" | "cancel" | "resume" | "retry" | "answer" }>;

function controlled(state: Spec, call: ControlCall): readonly Spec[] | ErrorCode {
  const { status } = state;
  switch (call.do) {
    case "pause":
      return status === "queued" || status === "building"
        ? [{ ...state, status: "paused" }]
        : "PROJECT_CONFLICT";
    case "cancel":
      return ENDED.includes(status) ? "PROJECT_CONFLICT" : [cancelled(state)];
    case "resume": {
      if (status !== "paused") return "PROJECT_CONFLICT";
      const goesOn: Spec = { ...state, status: "building" };
      const isFree: Spec = { ...state, status: "queued", ...FREE };
      if (!state.held) return [isFree];
      return call.alive === undefined ? [goesOn, isFree] : [call.alive ? goesOn : isFree];
    }
    case "retry":
      return ENDED.includes(status) ? retried(state, call.from, call.given) : "PROJECT_CONFLICT";
    case "answer":
      if (status !== "waiting" || state.gate?.stage !== call.stage) return "STAGE_CONFLICT";
      return [{ ...state, ...FREE, status: "queued", gate: null, answer: call.value }];
    default:
      return call satisfies never;
  }
}

function cancelled(state: Spec): Spec {
  const stages = state.stages.map((stage) =>
    stage.status === "running" || stage.status === "waiting"
      ? { ...stage, status: "cancelled" as const }
      : stage,
  );
  const numbers = { token: state.token + 1 };
  return { ...state, ...FREE, ...NOT_ASKED, ...numbers, status: "cancelled", failing: false, stages };
}

function retried(state: Spec, named: string | undefined, given: Given = {}): readonly Spec[] | ErrorCode {
  const { stages } = state;
  const open = stages.findIndex((stage) => !isDone(stage) || stage.stage === state.restart);
  const from = named === undefined ? open : stages.findIndex((stage) => stage.stage === named);
  const restart = stages[from]?.stage;
  if (restart === undefined) return named === undefined ? "INVALID_INPUT" : "STAGE_NOT_FOUND";
  const needed = allNeeded(stages, restart);
  if (stages.some((stage) => needed.has(stage.stage) && !isDone(stage))) return "STAGE_CONFLICT";
  const opened = restarted(stages, restart);
  const progress = percentOf(stages.map((stage) => (opened.has(stage.stage) ? reopen(stage) : stage)));
  const numbers = { run: state.run + 1, token: state.token + 1, progress };
  const { input, limits } = given;
  const changed = {
    ...(input && inputText(input) !== state.input && { input: inputText(input), input_run: state.run + 1 }),
    ...(limits && { limit: limits.attempts }),
  };
  return [{ ...state, ...FREE, ...NOT_ASKED, ...numbers, ...changed, status: "queued", restart }];
}
