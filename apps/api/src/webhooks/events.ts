import { type ProjectSummary, projectSummarySchema } from "@stagefold/core";
import { z } from "zod";

/** What happens to builds. */
export const BUILD_EVENTS = [
  "build.started",
  "build.waiting",
  "build.completed",
  "build.failed",
  "build.cancelled",
] as const;
/** What a webhook may ask for; one that names none gets what happens to builds. */
export const EVENT_TYPES = [
  ...BUILD_EVENTS,
  "build.slow",
  "queue.stuck",
  "workers.none",
  "budget.low",
  "budget.spent",
] as const;
/** What ends an incident goes to all who asked for its begin. */
export const ENDINGS = { "queue.recovered": "queue.stuck", "workers.recovered": "workers.none" } as const;

export const askedTypeSchema = z.enum(EVENT_TYPES);
export const eventTypeSchema = z.enum([...EVENT_TYPES, "queue.recovered", "workers.recovered"]);
export type EventType = z.output<typeof eventTypeSchema>;

/** What an event tells, as receivers get it. */
export const eventDataSchema = z.object({
  /** Of events of a build: as a list shows it. */
  project: projectSummarySchema.optional(),
  /** Of `build.slow`, in seconds: how long its stages have run, and what 19 of 20 builds of its pipeline stay below. */
  slow: z.object({ active_seconds: z.number(), usual_seconds: z.number() }).optional(),
  /** Of `queue.*` and `workers.*`: since when; at its end, until when. */
  incident: z
    .object({
      since: z.string(),
      opened_at: z.string(),
      until: z.string().optional(),
      detail: z.string(),
    })
    .optional(),
  /** Of `budget.*`: what language models have cost on a day of UTC. */
  budget: z.object({ date: z.string(), spent_usd: z.number(), limit_usd: z.number() }).optional(),
});

/** What a build asks, and where that is answered. */
export interface Gate {
  readonly stage: string;
  readonly question: string;
  readonly answer_schema: Readonly<Record<string, unknown>> | undefined;
  readonly expires_at: string | undefined;
  readonly answer_url: string;
}

export interface EventData extends z.output<typeof eventDataSchema> {
  /** Of `build.waiting`, for receivers that get such links, as long as it waits. Never stored. */
  readonly gate?: Gate | undefined;
}

/** Something that happened. The same thing has the same id, whichever process sees it, and whenever. */
export interface WebhookEvent {
  /** `<subject>.…`, such as `proj_b4d99951a60a.1.completed`: of a run, and of the gate that waits. */
  readonly id: string;
  readonly type: EventType;
  /** `<subject>#…`: sorts the events of a build, or of an incident, in the order in which they happen. */
  readonly order: string;
  /** When it happened, as far as the list knows. */
  readonly at: string | undefined;
  readonly data: EventData;
}

/**
 * What has happened to a build of which a list shows this row. A feed may skip states: that a build was started is known
 * from its end too.
 */
export function eventsOf(project: ProjectSummary): WebhookEvent[] {
  const { status, run, started_at, completed_at, current_stage, current_stage_number } = project;
  const event = (type: EventType, order: string, at: string | undefined, detail = "") =>
    buildEvent(project, type, order, { at, detail });
  // `started_at` is when the first run began. Of a later one the list knows only that it was before its end.
  const begunAt = run === 1 ? started_at : completed_at;
  const begun = started_at === undefined ? [] : [event("build.started", "1", begunAt)];
  switch (status) {
    case "waiting":
      return [
        ...begun,
        event("build.waiting", stageOrder(current_stage_number), undefined, `.${current_stage ?? ""}`),
      ];
    case "completed":
    case "failed":
      return [...begun, event(`build.${status}`, "9", completed_at)];
    case "cancelled":
      // A later run may have been cancelled before a worker began with it.
      return [...(run === 1 ? begun : []), event("build.cancelled", "9", completed_at)];
    case "building":
      return begun;
    // A run that waits for a worker has not begun, though an earlier one has.
    case "pending":
    case "queued":
    case "paused":
      return [];
  }
}

/** A build takes longer than builds of its pipeline usually do: once for each run. */
export function slowEvent(project: ProjectSummary, slow: NonNullable<EventData["slow"]>): WebhookEvent {
  const order = `${stageOrder(project.current_stage_number)}#slow`;
  return buildEvent(project, "build.slow", order, { more: { slow } });
}

function buildEvent(
  project: ProjectSummary,
  type: EventType,
  order: string,
  { at, detail = "", more }: { at?: string | undefined; detail?: string; more?: EventData },
): WebhookEvent {
  const { project_id, run } = project;
  return {
    id: `${project_id}.${run}.${type.slice("build.".length)}${detail}`,
    type,
    order: `${project_id}#${String(run).padStart(6, "0")}#${order}`,
    at,
    data: { project, ...more },
  };
}

/** After the start of the run and before its end. */
function stageOrder(stageNumber = 0): string {
  return `2#${String(stageNumber).padStart(3, "0")}`;
}

/** The body of an event, as receivers get it. */
export function bodyOf({ type, data }: WebhookEvent, timestamp: string): Record<string, unknown> {
  return { type, timestamp, data };
}
