import { z } from "zod";
import { auditRowSchema } from "../auth/audit.ts";
import { listFields, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";
import { authOf } from "./keys.ts";

export const audit = router({
  /** Every mutation and every refusal by role, newest first, for 90 days. */
  list: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(auditRowSchema))
    .query(({ ctx, input }) => authOf(ctx).audit.list(input.limit, input.cursor)),
});
