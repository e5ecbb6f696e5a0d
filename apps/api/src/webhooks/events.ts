import type { ProjectSummary } from "@stagefold/core";
import { z } from "zod";

export const EVENT_TYPES = [
  "build.started",
  "build.waiting",
  "build.completed",
  "build.failed",
  "build.cancelled",
] as const;
export const eventTypeSchema = z.enum(EVENT_TYPES);
export type EventType = z.output<typeof eventTypeSchema>;

/** Something that happened to a build. The same thing has the same id, whichever process sees it, and whenever. */
export interface BuildEvent {
  /** Such as `proj_b4d99951a60a.1.completed`: of a run, and of the gate that waits. */
  readonly id: string;
  readonly type: EventType;
  /** Sorts the events of a build in the order in which they happen. */
  readonly order: string;
  /** When it happened, as far as the list knows. */
  readonly at: string | undefined;
  readonly project: ProjectSummary;
}

/**
 * What has happened to a build of which a list shows this row. A feed may skip states: that a build was started is known
 * from its end too.
 */
export function eventsOf(project: ProjectSummary): BuildEvent[] {
  const { project_id, run, status, started_at, completed_at, current_stage, current_stage_number } = project;
  const event = (type: EventType, order: string, at: string | undefined, detail = ""): BuildEvent => ({
    id: `${project_id}.${run}.${type.slice("build.".length)}${detail}`,
    type,
    order: `${project_id}#${String(run).padStart(6, "0")}#${order}`,
    at,
    project,
  });
  const begun = started_at === undefined ? [] : [event("build.started", "1", started_at)];
  switch (status) {
    case "waiting": {
      const number = String(current_stage_number ?? 0).padStart(3, "0");
      return [...begun, event("build.waiting", `2#${number}`, undefined, `.${current_stage ?? ""}`)];
    }
    case "completed":
    case "failed":
    case "cancelled":
      return [...begun, event(`build.${status}`, "9", completed_at)];
    case "building":
      return begun;
    // A run that waits for a worker has not begun, though an earlier one has.
    case "pending":
    case "queued":
    case "paused":
      return [];
  }
}

/** What a build asks, and where that is answered. */
export interface Gate {
  readonly stage: string;
  readonly question: string;
  readonly answer_schema: Readonly<Record<string, unknown>> | undefined;
  readonly expires_at: string | undefined;
  readonly answer_url: string;
}

/** The body of an event, as receivers get it. `project` is the build as a list shows it. */
export function bodyOf(
  { type, project }: BuildEvent,
  timestamp: string,
  gate?: Gate | undefined,
): Record<string, unknown> {
  return { type, timestamp, data: { project, ...(gate && { gate }) } };
}

const WORDS: Record<EventType, string> = {
  "build.started": "was started",
  "build.waiting": "waits for an answer",
  "build.completed": "is completed",
  "build.failed": "failed",
  "build.cancelled": "was cancelled",
};

/** The same in the form that Slack and what is like it take: one text. */
export function slackBodyOf(
  { type, project }: BuildEvent,
  link: string | undefined,
  gate?: Gate | undefined,
): Record<string, unknown> {
  const name = escapeSlack(project.project_name);
  const named = link === undefined ? `*${name}*` : `<${link}|${name}>`;
  const why =
    type === "build.failed" && project.error_info ? `: ${escapeSlack(project.error_info.message)}` : "";
  const where = type === "build.waiting" && project.current_stage ? ` at ${project.current_stage}` : "";
  const asks = gate ? `: ${escapeSlack(gate.question).slice(0, 1000)} <${gate.answer_url}|Answer>` : "";
  return { text: `Build ${named} ${WORDS[type]}${where}${why}`.slice(0, 1500) + asks };
}

function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
