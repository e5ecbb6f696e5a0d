import {
  givenTimeSchema,
  invalidInput,
  pipelineNameSchema,
  ROLES,
  textSchema,
  userIdSchema,
} from "@stagefold/core";
import { z } from "zod";
import { apiKeySchema } from "../auth/api-keys.ts";
import type { Auth } from "../auth/authenticate.ts";
import type { Context } from "../context.ts";
import { procedure, router } from "../trpc.ts";

const keyIdSchema = z.string().regex(/^[0-9a-f]{12}$/, "expected 12 hex digits");
/** The one answer that has the key itself: it is stored as a hash, and never shown again. */
export const issuedKeySchema = apiKeySchema.extend({ key: z.string() });
const newKeySchema = z
  .strictObject({
    name: textSchema(64, 1).refine((name) => name.trim() !== "", "expected some text"),
    role: z.enum(ROLES),
    /** Of a runner: the only pipelines whose work it may take. */
    pipelines: z.array(pipelineNameSchema).min(1).max(50).optional(),
    user_id: userIdSchema.optional(),
    valid_until: givenTimeSchema.optional(),
  })
  .refine(({ role, pipelines }) => pipelines === undefined || role === "runner", {
    path: ["pipelines"],
    message: "expected for the role runner alone",
  });

export const keys = router({
  list: procedure
    .output(z.object({ items: z.array(apiKeySchema) }))
    .query(async ({ ctx }) => ({ items: await authOf(ctx).keys.list() })),

  create: procedure
    .input(newKeySchema)
    .output(issuedKeySchema)
    .mutation(async ({ ctx, input }) => {
      const { key, record } = await authOf(ctx).keys.create(input, ctx.principal.id);
      return { ...record, key };
    }),

  rotate: procedure
    .input(z.strictObject({ key_id: keyIdSchema }))
    .output(issuedKeySchema)
    .mutation(async ({ ctx, input }) => {
      outliveOwn(ctx, input.key_id);
      const { key, record } = await authOf(ctx).keys.rotate(input.key_id);
      return { ...record, key };
    }),

  revoke: procedure
    .input(z.strictObject({ key_id: keyIdSchema }))
    .output(apiKeySchema)
    .mutation(async ({ ctx, input }) => {
      outliveOwn(ctx, input.key_id);
      return await authOf(ctx).keys.revoke(input.key_id);
    }),
});

/** Who rotates their own key gets the new secret by this answer alone. */
function outliveOwn({ principal, outliveCredentials }: Context, keyId: string): void {
  if (principal.key_id === keyId) outliveCredentials?.();
}

/** Errors: INVALID_INPUT where the API needs no sign-in, and so has no keys. */
export function authOf(ctx: Context): Auth {
  if (ctx.auth) return ctx.auth;
  throw invalidInput("This API needs no sign-in: set STAGEFOLD_AUTH to keys, oidc or keys,oidc.");
}
