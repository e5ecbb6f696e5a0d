import { isUnderway, withStage } from "../snapshot/derive.ts";
import { type Ask, checkedAnswer } from "../snapshot/json-schema.ts";
import type { Accept, Project, Stage, Waiting } from "../snapshot/schema.ts";
import { inNaturalOrder } from "../snapshot/storable.ts";
import { addMs } from "../snapshot/time.ts";
import { poolOf, workQueueOf } from "../snapshot/work-queue.ts";
import { endedIfDone, failBuild, projectFailed } from "./end.ts";
import { requireStage, stageConflict } from "./require.ts";
import { endSubStages, errorText, reopenStage, skipStage, startStage } from "./stage.ts";

/*
 * A gate is a stage that asks a person. Opening it ends the lease, so that no slot is used; the answer is a control
 * write that queues the build; the next lease owner's first write completes the gate with it. At its expiry the build is
 * due in the work index, and the one who claims it then applies the time-out: which of answer and expiry came first is
 * decided by the state that both require.
 */

/**
 * The build waits: a pending gate becomes an attempt, one whose question had to be made runs already.
 * Errors: STAGE_CONFLICT; INVALID_INPUT where the answer of a time-out does not fit.
 */
export function openGate(
  project: Project,
  position: number,
  ask: Ask & { agent_name?: string | undefined },
  at: string,
): Project {
  const stage = project.stages_snapshot.stages[position];
  if (!stage) return project;
  requireStage(stage, ["pending", "running"]);
  // No worker holds a build that waits.
  const other = project.stages_snapshot.stages.find((one, i) => i !== position && isUnderway(one));
  if (other) throw stageConflict(other.stage, "ended before a gate opens", other.status);
  const { logs: _tail, ...begun } =
    stage.status === "pending"
      ? startStage(stage, { agent_name: ask.agent_name }, at)
      : endSubStages(stage, at);
  const {
    work_queue: _q,
    work_due_at: _d,
    lease: _l,
    ...rest
  } = withStage(project, position, {
    ...begun,
    status: "waiting",
    started_at: begun.started_at ?? at,
  });
  const { question, answer_schema, accept, timeout_seconds, on_timeout: given } = ask;
  // What would be refused of a person is refused of the stage, while it can still be corrected.
  const on_timeout =
    typeof given === "string" ? given : { answer: checkedAnswer(given.answer, answer_schema) };
  const expires_at = timeout_seconds === undefined ? undefined : addMs(at, timeout_seconds * 1000);
  const waiting: Waiting = {
    stage: stage.stage,
    question,
    ...(answer_schema && { answer_schema }),
    ...(accept && { accept }),
    since: at,
    ...(expires_at !== undefined && { expires_at }),
    on_timeout,
  };
  return {
    ...rest,
    status: "waiting",
    lease: { claims: 0 },
    waiting,
    ...(expires_at !== undefined && {
      work_queue: workQueueOf(poolOf(project), project.priority, project.project_id),
      work_due_at: expires_at,
    }),
  };
}

/** The project without its open gate: completed with the answer there is, or as its time-out says. */
export function settleGate(project: Project, at: string): Project {
  const { waiting, answer, ...rest } = project;
  if (waiting === undefined && answer === undefined) return project;
  // What waits without a question is no gate of this version, and a claimed project is building.
  const open: Project = rest.status === "waiting" ? project : rest;
  const { stages } = project.stages_snapshot;
  const position = stages.findIndex((stage) => stage.status === "waiting");
  const stage = stages[position];
  if (!stage) return open;
  if (answer?.stage === stage.stage) return answered(open, position, stage, answer, at);
  if (waiting?.stage === stage.stage) return expired(open, position, stage, waiting, at);
  return withStage(open, position, reopenStage(stage));
}

function answered(
  project: Project,
  position: number,
  stage: Stage,
  answer: {
    readonly question?: string | undefined;
    readonly value?: unknown;
    readonly by?: string | undefined;
    readonly at: string;
    readonly refused?: string | undefined;
    readonly expired?: true;
  },
  now: string,
): Project {
  const { question, value, by, at, refused, expired: isExpired } = answer;
  const said = {
    ...(question !== undefined && { question }),
    answer: inNaturalOrder(value),
    ...(by !== undefined && { by }),
    at,
    ...(isExpired && { expired: true }),
  };
  const ended = { ...stage, output_data: { ...stage.output_data, ...said }, completed_at: at };
  if (refused === undefined)
    return withStage(project, position, {
      ...ended,
      status: "completed",
      progress: 100,
      error_message: null,
    });
  const message = errorText(`Refused${by === undefined ? "" : ` by ${by}`}: ${refused}.`);
  return failed(project, position, ended, "GATE_REFUSED", message, now);
}

function expired(project: Project, position: number, open: Stage, waiting: Waiting, at: string): Project {
  const { question, on_timeout, expires_at = at, accept } = waiting;
  const stage: Stage = { ...open, output_data: { ...open.output_data, question } };
  if (on_timeout === "skip") {
    const skipped = skipStage({ ...stage, status: "pending" }, "No answer came in time.", at);
    return withStage(project, position, withoutDuration(skipped));
  }
  if (on_timeout !== "fail") {
    const { answer: value } = on_timeout;
    const answer = { question, value, at, refused: refusalOf(value, accept), expired: true } as const;
    return answered(project, position, stage, answer, at);
  }
  const message = `No answer came until ${expires_at}.`;
  return failed(project, position, { ...stage, completed_at: at }, "GATE_EXPIRED", message, at);
}

/** The time that a person takes is not time that the build was active. */
function withoutDuration({ duration_seconds: _d, ...stage }: Stage): Stage {
  return stage;
}

function failed(
  project: Project,
  position: number,
  stage: Stage,
  code: "GATE_REFUSED" | "GATE_EXPIRED",
  message: string,
  at: string,
): Project {
  const ended = { ...stage, status: "failed" as const, error_message: message, error_code: code };
  const after = withStage(project, position, ended);
  if (stage.allow_failure === true) return endedIfDone(after, at);
  return failBuild(after, projectFailed(stage.stage, code, message), at);
}

/** The first value that an answer must have and has not, as a clause; undefined when the build may continue. */
export function refusalOf(value: unknown, accept: Accept | undefined): string | undefined {
  if (accept === undefined) return undefined;
  const said = new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
  const wrong = Object.entries(accept).find(([name, wanted]) => said.get(name) !== wanted);
  return wrong && `${wrong[0]} is not ${JSON.stringify(wrong[1])}`;
}
