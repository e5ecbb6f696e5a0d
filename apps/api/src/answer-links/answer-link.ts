import { createHash } from "node:crypto";
import {
  canonicalJson,
  operationIdSchema,
  type Project,
  projectIdSchema,
  requireOwner,
  stageConflict,
  stageKeySchema,
  textSchema,
  timeSchema,
  waitingSchema,
} from "@stagefold/core";
import { z } from "zod";
import { askerOf } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { procedure } from "../trpc.ts";
import { type Grant, notValid, questionDigest } from "./answer-links.ts";

export const answerLinkSchema = z.object({
  project_id: projectIdSchema,
  stage: stageKeySchema,
  /** Of the page that asks; relative to the API's own address where `STAGEFOLD_PUBLIC_URL` is not set. */
  url: z.string(),
  expires_at: timeSchema,
});

/** Makes a link to the open gate, for those who may answer it themselves. Errors: STAGE_CONFLICT, FORBIDDEN. */
export const answerLink = procedure
  .input(
    z.strictObject({
      project_id: projectIdSchema,
      stage: stageKeySchema.optional(),
      /** Who gets the link: the answer is recorded as `link:<name>`. */
      name: textSchema(100, 1).optional(),
      operation_id: operationIdSchema.optional(),
    }),
  )
  .output(answerLinkSchema)
  .mutation(async ({ ctx, input: { project_id, stage, name } }) => {
    const { principal, repository, answerLinks, publicUrl } = ctx;
    const project = await repository.get(project_id);
    requireOwner(project, askerOf(principal));
    const given = { name: name ?? principal.id, key_id: principal.key_id };
    const made = await answerLinks.make(project, given);
    const asks = made?.waiting.stage;
    if (!made || (stage !== undefined && stage !== asks))
      throw stageConflict(
        stage ?? project.current_stage ?? "",
        "waiting for an answer",
        actualOf(project, asks),
      );
    return {
      project_id,
      stage: made.waiting.stage,
      url: urlOf(made.token, publicUrl),
      expires_at: made.expires_at,
    };
  });

function actualOf({ status }: Project, asks: string | undefined): string {
  return asks === undefined ? `part of a build that is ${status}` : `not the one that asks, which is ${asks}`;
}

/** In the fragment, which browsers send to no server and name to no other page. */
export function urlOf(token: string, publicUrl: URL | undefined): string {
  return `${publicUrl?.href.replace(/\/$/, "") ?? ""}/answer#${token}`;
}

const about = { project_name: z.string(), stage: stageKeySchema, stage_name: z.string() };

/** What the bearer of a link sees: the question, and nothing else of the build. */
export const askedSchema = z.discriminatedUnion("state", [
  z.object({
    ...about,
    ...waitingSchema.pick({
      question: true,
      answer_schema: true,
      accept: true,
      since: true,
      expires_at: true,
      on_timeout: true,
    }).shape,
    state: z.literal("open"),
  }),
  /** `own`: through this link. */
  z.object({
    ...about,
    state: z.literal("answered"),
    at: z.string(),
    by: z.string().optional(),
    own: z.boolean(),
  }),
  /** Its time is over, or the build was cancelled or asks anew. */
  z.object({ ...about, state: z.literal("over") }),
]);
export type Asked = z.output<typeof askedSchema>;

/** Errors: UNAUTHENTICATED, PROJECT_NOT_FOUND. */
export async function askedBy(ctx: Context, grant: Grant): Promise<Asked> {
  return askedOf(await ctx.repository.get(grant.project_id), grant, ctx.answerLinks.isOver(grant));
}

/**
 * Answers as the bearer of the link; the same answer again is harmless. Errors: UNAUTHENTICATED, STAGE_CONFLICT, which
 * says who answered before, INVALID_INPUT.
 */
export async function answerBy(ctx: Context, token: string, value: unknown): Promise<Asked> {
  const grant = await grantOf(ctx, token);
  const { project_id, stage, run, since } = grant;
  if (ctx.answerLinks.isOver(grant)) {
    const asked = await askedBy(ctx, grant);
    // An answer that arrived in time is told apart from one that came too late.
    if (asked.state !== "answered") throw stageConflict(stage, "waiting for an answer", "past its time-out");
  }
  const intent = { stage, value, asked: { run, since } };
  const by = byOf(grant);
  const project = await ctx.repository.control.answer(project_id, intent, sameAnswer(token, value), { by });
  return askedOf(project, grant, false);
}

/** The operation of an answer that names none: the same one of the same person is a repeat. */
export function sameAnswer(who: string, value: unknown): string {
  return createHash("sha256")
    .update(who + canonicalJson(value))
    .digest("base64url");
}

/** Whom the token was made for. Errors: UNAUTHENTICATED. */
export async function grantOf(ctx: Context, token: string): Promise<Grant> {
  const grant = await ctx.answerLinks.read(token);
  const { key_id } = grant;
  if (key_id !== undefined && ctx.auth && !(await ctx.auth.keys.isValid(key_id))) throw notValid();
  return grant;
}

export function byOf({ name }: Grant): string {
  return `link:${name}`;
}

function askedOf(project: Project, grant: Grant, isOver: boolean): Asked {
  const { waiting, answer: given } = project;
  const stage = project.stages_snapshot.stages.find((one) => one.stage === grant.stage);
  const what = {
    project_name: project.project_name,
    stage: grant.stage,
    stage_name: stage?.stage_name ?? grant.stage,
  };
  const isOpen =
    project.status === "waiting" &&
    waiting?.stage === grant.stage &&
    waiting.since === grant.since &&
    project.run === grant.run &&
    questionDigest(waiting) === grant.question;
  if (isOpen && !isOver) return { ...what, ...waiting, state: "open" };
  const said = given?.stage === grant.stage ? given : stage?.output_data;
  const { at, by } = answeredSchema.safeParse(said).data ?? {};
  if (at === undefined || at < grant.since) return { ...what, state: "over" };
  return { ...what, state: "answered", at, by, own: by === byOf(grant) };
}

const answeredSchema = z.object({ at: timeSchema, by: z.string().optional() });
