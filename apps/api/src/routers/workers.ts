import { WorkerDirectory, workerEntrySchema } from "@stagefold/runtime/worker-directory";
import { z } from "zod";
import { listFields, pageOf, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";

export const workers = router({
  /** The built-in workers that were heard of in the last half minute, what they run, and which definitions they have. */
  list: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(workerEntrySchema))
    .query(async ({ ctx, input }) => {
      const found = ctx.records ? await new WorkerDirectory(ctx.records, ctx.repository.clock).list() : [];
      return pageOf("workers", found, input);
    }),
});
