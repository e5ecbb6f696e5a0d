import {
  type Clock,
  type Edit,
  type Item,
  LIMITS,
  newOperationId,
  pipelineNameSchema,
  type RecordStore,
  StagefoldError,
  textSchema,
  toTime,
  userIdSchema,
} from "@stagefold/core";
import { z } from "zod";
import { askedTypeSchema, BUILD_EVENTS, ENDINGS, type WebhookEvent } from "./events.ts";
import { newWebhookSecret } from "./signature.ts";

/** How long the secret before a rotation still signs, so that receivers can change theirs. Milliseconds. */
const OLD_SECRET_MS = 24 * 60 * 60 * 1000;
/** How long webhooks that were read are believed. Milliseconds. */
const BELIEVED_MS = 3000;
const MAX_WEBHOOKS = 50;
const PARTITION = "webhooks";

export const webhookIdSchema = z.string().regex(/^hook_[0-9a-f]{16}$/, "expected hook_ and 16 hex digits");

/** What a person says of a webhook. */
export const webhookFieldsSchema = z.strictObject({
  /** `mailto:` and one address: events go there as mail. */
  url: z
    .union(
      [
        z
          .url({ protocol: /^https?$/ })
          .refine((url) => new URL(url).username === "", "expected an address without a user name"),
        z.string().regex(/^mailto:[^\s@,;?%<>"]{1,64}@[^\s@,;?%<>"]{1,255}$/),
      ],
      { error: "expected an http:// or https:// address, or mailto: and one address of mail" },
    )
    .refine((url) => url.length <= 2000, "expected at most 2000 characters"),
  description: textSchema(200).default(""),
  events: z
    .array(askedTypeSchema)
    .min(1)
    .default([...BUILD_EVENTS]),
  /** Of builds of these pipelines alone, with one of these tags, of these users. */
  pipelines: z.array(pipelineNameSchema).min(1).max(50).optional(),
  tags: z.array(textSchema(LIMITS.tag, 1)).min(1).max(50).optional(),
  user_ids: z.array(userIdSchema).min(1).max(50).optional(),
  /** `slack`: one text, as chat rooms take it. Mail has its own form. */
  format: z.enum(["standard", "slack"]).default("standard"),
  /** Whether `build.waiting` brings a link with which its reader answers, without signing in. */
  answer_links: z.boolean().default(false),
});

/** A webhook as it is shown: never its secret. */
export const webhookSchema = webhookFieldsSchema.extend({
  webhook_id: webhookIdSchema,
  status: z.enum(["active", "paused"]),
  created_at: z.string(),
  created_by: z.string(),
});
export type Webhook = z.output<typeof webhookSchema>;
export type WebhookFields = z.output<typeof webhookFieldsSchema>;
/** What is left out stays; `pipelines: null` is all of them again. */
export type WebhookChanges = {
  readonly [Field in keyof WebhookFields]?:
    | WebhookFields[Field]
    | (Field extends "pipelines" | "tags" | "user_ids" ? null : never)
    | undefined;
} & { readonly status?: Webhook["status"] | undefined };

const recordSchema = z.object({
  listed: webhookSchema,
  secret: z.string(),
  old_secret: z.object({ secret: z.string(), until: z.number() }).optional(),
});

export interface SigningWebhook extends Webhook {
  /** Those that sign now, the newest first. */
  readonly secrets: readonly string[];
}

/** Where events go, as records. */
export class Webhooks {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  #believed: { readonly all: Promise<Webhook[]>; readonly readAt: number } | undefined;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Errors: INVALID_INPUT when there are too many. */
  async create(fields: WebhookFields, created_by: string): Promise<Webhook & { secret: string }> {
    if ((await this.list()).length >= MAX_WEBHOOKS)
      throw new StagefoldError("INVALID_INPUT", `There may be ${MAX_WEBHOOKS} webhooks.`, {});
    const webhook: Webhook = {
      ...fields,
      webhook_id: `hook_${newOperationId()}`,
      status: "active",
      created_at: toTime(this.#clock.now()),
      created_by,
    };
    const secret = newWebhookSecret();
    const key = keyOf(webhook.webhook_id);
    const item: Item = { ...key, secret, gsi1_pk: PARTITION, gsi1_sk: webhook.created_at, listed: webhook };
    await this.#records.write({ ...key, kind: "put", guards: [], item });
    this.#believed = undefined;
    return { ...webhook, secret };
  }

  /** Newest first. A record that cannot be read is left out. */
  async list(): Promise<Webhook[]> {
    const { items } = await this.#records.query({
      index: "gsi1",
      pk: PARTITION,
      newestFirst: true,
      limit: 2 * MAX_WEBHOOKS,
    });
    return items.flatMap((item) => webhookSchema.safeParse(item.listed).data ?? []);
  }

  /** Those that want events, as they were up to three seconds ago. */
  async active(): Promise<Webhook[]> {
    const now = performance.now();
    if (!this.#believed || now - this.#believed.readAt > BELIEVED_MS) {
      const all = this.list();
      this.#believed = { all, readAt: now };
      all.catch(() => {
        this.#believed = undefined;
      });
    }
    return (await this.#believed.all).filter(({ status }) => status === "active");
  }

  /** Errors: WEBHOOK_NOT_FOUND. */
  async get(webhookId: string): Promise<SigningWebhook> {
    const found = recordSchema.safeParse(await this.#records.get(keyOf(webhookId))).data;
    if (!found) throw notFound(webhookId);
    const { listed, secret, old_secret } = found;
    const old = old_secret && old_secret.until > this.#clock.now() ? [old_secret.secret] : [];
    return { ...listed, secrets: [secret, ...old] };
  }

  /** Errors: WEBHOOK_NOT_FOUND. */
  async update(webhookId: string, changes: WebhookChanges): Promise<Webhook> {
    const edits = Object.entries(changes).flatMap(([field, value]): Edit[] =>
      value === undefined ? [] : [editOf(["listed", field], value)],
    );
    return await this.#edit(webhookId, edits);
  }

  /** A new secret; the one before it still signs beside it for a day. Errors: WEBHOOK_NOT_FOUND. */
  async rotate(webhookId: string): Promise<Webhook & { secret: string }> {
    const { secrets } = await this.get(webhookId);
    const secret = newWebhookSecret();
    const old_secret = { secret: secrets[0] ?? secret, until: this.#clock.now() + OLD_SECRET_MS };
    const webhook = await this.#edit(webhookId, [
      { op: "set", path: ["secret"], value: secret },
      { op: "set", path: ["old_secret"], value: old_secret },
    ]);
    return { ...webhook, secret };
  }

  /** Errors: WEBHOOK_NOT_FOUND. */
  async delete(webhookId: string): Promise<void> {
    const written = await this.#records.write({ ...keyOf(webhookId), kind: "delete", guards: [] });
    this.#believed = undefined;
    if (!written.ok) throw notFound(webhookId);
  }

  async #edit(webhookId: string, edits: readonly Edit[]): Promise<Webhook> {
    if (edits.length > 0) {
      const written = await this.#records.write({ ...keyOf(webhookId), kind: "update", guards: [], edits });
      this.#believed = undefined;
      if (!written.ok) throw notFound(webhookId);
    }
    const { secrets: _s, ...webhook } = await this.get(webhookId);
    return webhook;
  }
}

function notFound(webhookId: string): StagefoldError<"WEBHOOK_NOT_FOUND"> {
  return new StagefoldError("WEBHOOK_NOT_FOUND", `There is no webhook ${webhookId}.`, {
    webhook_id: webhookId,
  });
}

function keyOf(webhookId: string) {
  return { pk: `webhook#${webhookId}`, sk: "webhook" };
}

function editOf(path: string[], value: unknown): Edit {
  return value === null ? { op: "remove", path } : { op: "set", path, value };
}

/** Whether a webhook is sent an event. What happened before it was made is not for it. */
export function wants(webhook: Webhook, { type, at, data }: WebhookEvent): boolean {
  const { project, incident } = data;
  const asked = type in ENDINGS ? ENDINGS[type as keyof typeof ENDINGS] : type;
  if (!webhook.events.some((one) => one === asked)) return false;
  // The end of an incident is for those who were told of its begin.
  const begun = incident?.opened_at ?? at;
  if (begun !== undefined && begun < webhook.created_at) return false;
  if (!project) return true;
  const { pipelines, tags, user_ids } = webhook;
  return (
    (pipelines?.some((one) => one === project.pipeline) ?? true) &&
    (tags?.some((one) => project.tags.includes(one)) ?? true) &&
    (user_ids?.some((one) => one === project.user_id) ?? true)
  );
}
