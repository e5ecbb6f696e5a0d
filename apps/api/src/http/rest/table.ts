// Long because: one table says where every procedure is.
import {
  artifactSchema,
  historyEntrySchema,
  modelCallSchema,
  projectSchema,
  projectSummarySchema,
  stageSchema,
} from "@stagefold/core";
import { workerEntrySchema } from "@stagefold/runtime/worker-directory";
import { z } from "zod";
import { answerLinkSchema } from "../../answer-links/answer-link.ts";
import type { ProcedurePath } from "../../auth/access.ts";
import { apiKeySchema } from "../../auth/api-keys.ts";
import { auditRowSchema } from "../../auth/audit.ts";
import { loggedLineSchema } from "../../logs.ts";
import { pageSchema } from "../../pagination.ts";
import { bulkSchema, refusalSchema } from "../../routers/batch.ts";
import type { AppRouter } from "../../routers/index.ts";
import { issuedKeySchema } from "../../routers/keys.ts";
import { definitionSchema, pipelineSchema, problemSchema } from "../../routers/pipelines.ts";
import { projectInputSchema } from "../../routers/projects.ts";
import { sessionSchema } from "../../routers/session.ts";
import { systemInfoSchema } from "../../routers/system.ts";
import { issuedWebhookSchema } from "../../routers/webhooks.ts";
import { heartbeatSchema } from "../../routers/work.ts";
import { scheduleIdSchema, scheduleSchema } from "../../schedules/schedules.ts";
import { overviewSchema } from "../../statistics/statistics.ts";
import { buildsSchema } from "../../statistics/totals.ts";
import { deliverySchema } from "../../webhooks/deliveries.ts";
import { webhookIdSchema, webhookSchema } from "../../webhooks/webhooks.ts";
import { AGENT_ROUTES, NAMED_AGENT_SCHEMAS } from "./agents-table.ts";

export type RestMethod = "get" | "post" | "patch" | "delete";

/** Where a procedure is, and what it answers. */
export interface RestRoute {
  readonly method: RestMethod;
  /** Below `/v1`, with the fields of the input that are part of it in braces. */
  readonly path: string;
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Of the answer; of an event stream, of one event. */
  readonly output: z.ZodType;
  /** Of an answer; 200 unless it says otherwise. Where the procedure answers null it is 204. */
  readonly status?: 201;
  /** The answer is a stream of server-sent events; `first`: whose first event comes at once, or a refusal. */
  readonly stream?: "first" | "later";
}

/** Why a procedure has no address of its own. */
export interface NoRoute {
  readonly not: string;
}

/** The names of all procedures. */
export type RestProcedure = ProcedurePath<AppRouter["_def"]["record"]>;

const project = projectSchema;
const claim = z.object({
  project,
  lease_token: z.number().int(),
  lease_seq: z.number().int(),
  expires_at: z.string(),
});
const listChange = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("changed"), project: projectSummarySchema }),
  z.object({ kind: z.literal("removed"), project_id: z.string() }),
  z.object({ kind: z.literal("reset") }),
]);
const logChange = z.object({
  lines: z.array(loggedLineSchema),
  attempt: z.number().int(),
  from: z.string().nullable(),
  cursor: z.string(),
  over: z.boolean(),
});
const deleted = z.object({ project_id: z.string(), deleted: z.literal(true) });
const stageDetail = z.intersection(stageSchema, z.object({ attempts: z.array(historyEntrySchema) }));
const onSchedule = z.object({ schedule_id: scheduleIdSchema });
const onWebhook = z.object({ webhook_id: webhookIdSchema });

/** What the document calls these, wherever they occur. */
export const NAMED_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Project: project,
  ProjectSummary: projectSummarySchema,
  Stage: stageSchema,
  HistoryEntry: historyEntrySchema,
  Artifact: artifactSchema,
  LogLine: loggedLineSchema,
  ModelCall: modelCallSchema,
  Claim: claim,
  Pipeline: pipelineSchema,
  Schedule: scheduleSchema,
  Webhook: webhookSchema,
  Delivery: deliverySchema,
  ApiKey: apiKeySchema,
  AuditRow: auditRowSchema,
  ...NAMED_AGENT_SCHEMAS,
};

const PROJECT = "/projects/{project_id}";
const STAGE = `${PROJECT}/stages/{stage}`;
const SCHEDULE = "/schedules/{schedule_id}";
const WEBHOOK = "/webhooks/{webhook_id}";

/** Every procedure of the router, and its address. One that is missing does not compile. */
export const REST: Readonly<Record<RestProcedure, RestRoute | NoRoute>> = {
  "projects.create": {
    method: "post",
    path: "/projects",
    summary: "Create a build",
    output: project,
    status: 201,
  },
  "projects.createMany": {
    method: "post",
    path: "/projects/batch",
    summary: "Create several builds, each made or refused by itself",
    output: z.object({
      items: z.array(z.union([z.object({ project }), z.object({ error: refusalSchema })])),
    }),
  },
  "projects.bulk": {
    method: "post",
    path: "/projects/bulk",
    summary: "Pause, resume, cancel, retry or delete all builds that pass a filter",
    output: bulkSchema,
  },
  "projects.input": {
    method: "get",
    path: `${PROJECT}/input`,
    summary: "Get the input of a build",
    output: projectInputSchema,
  },
  "projects.list": {
    method: "get",
    path: "/projects",
    summary: "List builds, newest first",
    output: pageSchema(projectSummarySchema),
  },
  "projects.get": { method: "get", path: PROJECT, summary: "Get a build", output: project },
  "projects.delete": { method: "delete", path: PROJECT, summary: "Delete a build", output: deleted },
  "projects.pause": { method: "post", path: `${PROJECT}/pause`, summary: "Pause a build", output: project },
  "projects.resume": {
    method: "post",
    path: `${PROJECT}/resume`,
    summary: "Resume a build",
    output: project,
  },
  "projects.cancel": {
    method: "post",
    path: `${PROJECT}/cancel`,
    summary: "Cancel a build",
    output: project,
  },
  "projects.retry": {
    method: "post",
    path: `${PROJECT}/retry`,
    summary: "Retry a build, from a stage on",
    output: project,
  },
  "projects.answer": {
    method: "post",
    path: `${PROJECT}/answer`,
    summary: "Answer the question that a build waits with",
    output: project,
  },
  "projects.answerLink": {
    method: "post",
    path: `${PROJECT}/answer-link`,
    summary: "Make a link with which a person answers the open question without signing in",
    output: answerLinkSchema,
    status: 201,
  },
  "projects.watch": {
    method: "get",
    path: `${PROJECT}/events`,
    summary: "The build as it is, and after every change",
    output: project,
    stream: "first",
  },
  "projects.watchList": {
    method: "get",
    path: "/events",
    summary: "The changes of a filtered list of builds",
    output: listChange,
    stream: "later",
  },
  "projects.watchMany": { not: "Several streams in one, for pages: here each has an address of its own." },
  "stages.list": {
    method: "get",
    path: `${PROJECT}/stages`,
    summary: "List the stages of a build, in order",
    output: pageSchema(stageSchema),
  },
  "stages.get": {
    method: "get",
    path: STAGE,
    summary: "Get a stage with all its attempts",
    output: stageDetail,
  },
  "stages.logs": {
    method: "get",
    path: `${STAGE}/logs`,
    summary: "Read the log of an attempt, oldest line first",
    output: pageSchema(loggedLineSchema),
  },
  "stages.calls": {
    method: "get",
    path: `${STAGE}/calls`,
    summary: "List the calls of a language model that an attempt made",
    output: pageSchema(modelCallSchema),
  },
  "stages.watchLogs": {
    method: "get",
    path: `${STAGE}/logs/events`,
    summary: "The lines of an attempt's log as they come",
    output: logChange,
    stream: "later",
  },
  "artifacts.listByProject": {
    method: "get",
    path: `${PROJECT}/artifacts`,
    summary: "List the artifacts of a build, or of one stage",
    output: pageSchema(artifactSchema),
  },
  "artifacts.listByAgent": {
    method: "get",
    path: "/agents/{agent_id}/artifacts",
    summary: "List the artifacts of an agent's builds",
    output: pageSchema(artifactSchema),
  },
  "artifacts.record": {
    method: "post",
    path: `${STAGE}/artifacts`,
    summary: "Record artifacts of a stage that does not run",
    output: project,
  },
  "artifacts.removeForStage": {
    method: "delete",
    path: `${STAGE}/artifacts`,
    summary: "Remove the recorded artifacts of a stage",
    output: project,
  },
  "work.claim": {
    method: "post",
    path: "/claims",
    summary: "Claim a build whose stages this program runs; nothing where there is none",
    output: claim.nullable(),
  },
  "work.heartbeat": {
    method: "post",
    path: `${PROJECT}/heartbeat`,
    summary: "Keep a lease",
    output: heartbeatSchema,
  },
  "work.report": {
    method: "post",
    path: `${PROJECT}/report`,
    summary: "Report what happened to the stages, all of it or nothing",
    output: project,
  },
  "work.release": {
    method: "post",
    path: `${PROJECT}/release`,
    summary: "Give a lease back",
    output: project,
  },
  "stats.overview": {
    method: "get",
    path: "/stats/overview",
    summary: "How many builds are in each state",
    output: overviewSchema,
  },
  "stats.builds": {
    method: "get",
    path: "/stats/builds",
    summary: "The builds of each of the last days",
    output: buildsSchema,
  },
  ...AGENT_ROUTES,
  "pipelines.list": {
    method: "get",
    path: "/pipelines",
    summary: "List the pipelines",
    output: pageSchema(pipelineSchema),
  },
  "pipelines.problems": {
    method: "get",
    path: "/pipelines/problems",
    summary: "Files of pipelines that cannot be used",
    output: pageSchema(problemSchema),
  },
  "pipelines.get": {
    method: "get",
    path: "/pipelines/{name}",
    summary: "Read the definition of a pipeline",
    output: definitionSchema,
  },
  "workers.list": {
    method: "get",
    path: "/workers",
    summary: "List the workers that live",
    output: pageSchema(workerEntrySchema),
  },
  "system.info": { method: "get", path: "/system", summary: "About this API", output: systemInfoSchema },
  "session.get": { method: "get", path: "/session", summary: "Who the caller is", output: sessionSchema },
  "schedules.create": {
    method: "post",
    path: "/schedules",
    summary: "Create a schedule",
    output: scheduleSchema,
    status: 201,
  },
  "schedules.list": {
    method: "get",
    path: "/schedules",
    summary: "List schedules",
    output: pageSchema(scheduleSchema),
  },
  "schedules.get": {
    method: "get",
    path: SCHEDULE,
    summary: "Get a schedule with its next times",
    output: scheduleSchema.extend({ next_times: z.array(z.string()) }),
  },
  "schedules.update": {
    method: "patch",
    path: SCHEDULE,
    summary: "Change a schedule",
    output: scheduleSchema,
  },
  "schedules.pause": {
    method: "post",
    path: `${SCHEDULE}/pause`,
    summary: "Pause a schedule",
    output: scheduleSchema,
  },
  "schedules.resume": {
    method: "post",
    path: `${SCHEDULE}/resume`,
    summary: "Resume a schedule",
    output: scheduleSchema,
  },
  "schedules.run": {
    method: "post",
    path: `${SCHEDULE}/run`,
    summary: "Start a build of a schedule now",
    output: scheduleSchema,
  },
  "schedules.delete": { method: "delete", path: SCHEDULE, summary: "Delete a schedule", output: onSchedule },
  "webhooks.create": {
    method: "post",
    path: "/webhooks",
    summary: "Create a webhook; the answer alone has its secret",
    output: issuedWebhookSchema,
    status: 201,
  },
  "webhooks.list": {
    method: "get",
    path: "/webhooks",
    summary: "List webhooks",
    output: z.object({ items: z.array(webhookSchema) }),
  },
  "webhooks.update": { method: "patch", path: WEBHOOK, summary: "Change a webhook", output: webhookSchema },
  "webhooks.rotate": {
    method: "post",
    path: `${WEBHOOK}/rotate`,
    summary: "Give a webhook a new secret",
    output: issuedWebhookSchema,
  },
  "webhooks.delete": { method: "delete", path: WEBHOOK, summary: "Delete a webhook", output: onWebhook },
  "webhooks.deliveries": {
    method: "get",
    path: `${WEBHOOK}/deliveries`,
    summary: "List what was sent and what waits",
    output: pageSchema(deliverySchema),
  },
  "webhooks.replay": {
    method: "post",
    path: `${WEBHOOK}/replay`,
    summary: "Send an event once more",
    output: deliverySchema,
  },
  "keys.list": {
    method: "get",
    path: "/keys",
    summary: "List API keys",
    output: z.object({ items: z.array(apiKeySchema) }),
  },
  "keys.create": {
    method: "post",
    path: "/keys",
    summary: "Create an API key; the answer alone has it",
    output: issuedKeySchema,
    status: 201,
  },
  "keys.rotate": {
    method: "post",
    path: "/keys/{key_id}/rotate",
    summary: "Replace an API key",
    output: issuedKeySchema,
  },
  "keys.revoke": {
    method: "delete",
    path: "/keys/{key_id}",
    summary: "Revoke an API key",
    output: apiKeySchema,
  },
  "audit.list": {
    method: "get",
    path: "/audit",
    summary: "List who did what",
    output: pageSchema(auditRowSchema),
  },
};

/** The procedures that have an address. */
export function restRoutes(): (RestRoute & { readonly procedure: RestProcedure })[] {
  const rows = Object.entries(REST);
  return rows.flatMap(([procedure, row]) =>
    "not" in row ? [] : [{ ...row, procedure: procedure as RestProcedure }],
  );
}
