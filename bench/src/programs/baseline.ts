import { z } from "zod";
import { bareDocuments } from "../baselines/documents.ts";
import { inParallel } from "../baselines/pool.ts";
import { buildRaw, putRaw } from "../baselines/raw.ts";
import { buildReplaced, putReplaced } from "../baselines/replaced.ts";
import { serve } from "../measure/serve.ts";
import { AT_ONCE } from "../workload/contents.ts";

const argumentSchema = z.object({ endpoint: z.string(), kind: z.enum(["raw", "replaced"]) });
const messageSchema = z.object({ do: z.enum(["queue", "build"]), ids: z.array(z.string()) });

/** Builds without Stagefold, in a process of its own as a worker is. */
await serve(async (argument) => {
  const { endpoint, kind } = argumentSchema.parse(argument);
  const documents = bareDocuments(endpoint);
  const [put, build] = kind === "raw" ? [putRaw, buildRaw] : [putReplaced, buildReplaced];
  return {
    answer: async (message) => {
      const { do: what, ids } = messageSchema.parse(message);
      await inParallel(ids, AT_ONCE, (id) => (what === "queue" ? put : build)(documents, id));
    },
    close: async () => documents.destroy(),
  };
});
