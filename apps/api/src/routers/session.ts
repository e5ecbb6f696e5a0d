import { ROLES } from "@stagefold/core";
import { z } from "zod";
import { procedure, router } from "../trpc.ts";

export const sessionSchema = z.object({
  kind: z.enum(["local", "key", "user"]),
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  user_id: z.string().optional(),
});

export const session = router({
  /** Who the caller is, as this API sees it. */
  get: procedure.output(sessionSchema).query(({ ctx: { principal } }) => ({
    kind: principal.kind,
    id: principal.id,
    name: principal.name,
    role: principal.role,
    ...(principal.user_id !== undefined && { user_id: principal.user_id }),
  })),
});
