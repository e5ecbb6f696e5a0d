import type { Project, ReportEvent } from "@stagefold/core";
import {
  type GateAction,
  type GateQuestion,
  languageOf,
  type StageDefinition,
  stageNameIn,
} from "@stagefold/pipeline";

type WaitingEvent = Extract<ReportEvent, { event: "waiting" }>;

/** The question of a gate that asks the same in every build; undefined where a function of the stage makes it. */
export function fixedQuestion({ asks }: GateAction): GateQuestion | undefined {
  return typeof asks === "object" && "question" in asks ? asks : undefined;
}

/** The event that opens a gate, in the language of the build. */
export function waitingEvent(
  project: Project,
  stage: string,
  { agent_name }: StageDefinition,
  { answer, accept }: GateAction,
  { question, timeout_seconds, on_timeout }: GateQuestion,
): WaitingEvent {
  return {
    event: "waiting",
    stage,
    question: stageNameIn(question, languageOf(project.requirement)),
    ...(answer && { answer_schema: { ...answer } }),
    ...(accept && { accept: { ...accept } }),
    ...(timeout_seconds !== undefined && { timeout_seconds }),
    on_timeout,
    ...(agent_name !== undefined && { agent_name }),
  };
}
