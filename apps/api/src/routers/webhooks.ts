import { StagefoldError, textSchema } from "@stagefold/core";
import { z } from "zod";
import type { Context } from "../context.ts";
import { listFields, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import { deliverySchema } from "../webhooks/deliveries.ts";
import { webhookFieldsSchema, webhookIdSchema, webhookSchema } from "../webhooks/webhooks.ts";

const onWebhook = z.strictObject({ webhook_id: webhookIdSchema });
/** The answers that have the secret: it is not shown again. */
export const issuedWebhookSchema = webhookSchema.extend({ secret: z.string() });

export const webhooks = router({
  create: procedure
    .input(webhookFieldsSchema)
    .output(issuedWebhookSchema)
    .mutation(async ({ ctx, input }) => {
      requireMail(ctx, input.url);
      const made = await ctx.webhooks.create(input, ctx.principal.id);
      ctx.onWebhookChange();
      return made;
    }),

  list: procedure
    .output(z.object({ items: z.array(webhookSchema) }))
    .query(async ({ ctx }) => ({ items: await ctx.webhooks.list() })),

  update: procedure
    .input(onWebhook.extend(updateFields()))
    .output(webhookSchema)
    .mutation(async ({ ctx, input: { webhook_id, ...changes } }) => {
      requireMail(ctx, changes.url);
      const changed = await ctx.webhooks.update(webhook_id, changes);
      ctx.onWebhookChange();
      return changed;
    }),

  /** A new secret; the one before it signs beside it for a day. */
  rotate: procedure
    .input(onWebhook)
    .output(issuedWebhookSchema)
    .mutation(({ ctx, input }) => ctx.webhooks.rotate(input.webhook_id)),

  delete: procedure
    .input(onWebhook)
    .output(onWebhook)
    .mutation(async ({ ctx, input }) => {
      await ctx.webhooks.delete(input.webhook_id);
      return input;
    }),

  /** What was sent and what waits, newest first, for a week. */
  deliveries: procedure
    .input(onWebhook.extend(listFields()))
    .output(pageSchema(deliverySchema))
    .query(({ ctx, input: { webhook_id, limit, cursor } }) => ctx.deliveries.list(webhook_id, limit, cursor)),

  /** Sends an event once more, under the same id. */
  replay: procedure
    .input(onWebhook.extend({ event_id: textSchema(200, 1) }))
    .output(deliverySchema)
    .mutation(async ({ ctx, input: { webhook_id, event_id } }) => {
      const delivery = await ctx.deliveries.replay(webhook_id, event_id);
      ctx.onWebhookChange();
      return delivery;
    }),
});

/** Every field may be left out, and then stays: a default would change it. */
function updateFields() {
  const { url, description, events, pipelines, tags, user_ids, format, answer_links } =
    webhookFieldsSchema.shape;
  return {
    url: url.optional(),
    description: description.unwrap().optional(),
    events: events.unwrap().optional(),
    /** `null`: of all of them again. */
    pipelines: pipelines.unwrap().nullable().optional(),
    tags: tags.unwrap().nullable().optional(),
    user_ids: user_ids.unwrap().nullable().optional(),
    format: format.unwrap().optional(),
    answer_links: answer_links.unwrap().optional(),
    status: webhookSchema.shape.status.optional(),
  };
}

/** Errors: INVALID_INPUT for mail where no mail server is set. */
function requireMail({ sendMail }: Context, url: string | undefined): void {
  if (sendMail || !url?.startsWith("mailto:")) return;
  const message = "No mail can be sent: STAGEFOLD_SMTP_URL and STAGEFOLD_MAIL_FROM are not set.";
  throw new StagefoldError("INVALID_INPUT", message, { issues: [`url: ${message}`] });
}
