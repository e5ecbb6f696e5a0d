import { z } from "zod";
import { bareDocuments } from "../baselines/documents.ts";
import { inParallel } from "../baselines/pool.ts";
import { buildRaw, putRaw } from "../baselines/raw.ts";
import { buildReplaced, dynamoTable, putReplaced } from "../baselines/replaced.ts";
import { sqliteTable } from "../baselines/replaced-sqlite.ts";
import { serve } from "../measure/serve.ts";
import { AT_ONCE } from "../workload/contents.ts";

const argumentSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["raw", "replaced"]), endpoint: z.string() }),
  z.object({ kind: z.literal("replaced_sqlite"), folder: z.string() }),
]);
const messageSchema = z.object({ do: z.enum(["queue", "build"]), ids: z.array(z.string()) });

interface Way extends Disposable {
  queue(id: string): Promise<void>;
  build(id: string): Promise<void>;
}

function wayOf(argument: z.output<typeof argumentSchema>): Way {
  if (argument.kind === "raw") {
    const documents = bareDocuments(argument.endpoint);
    return {
      queue: (id) => putRaw(documents, id),
      build: (id) => buildRaw(documents, id),
      [Symbol.dispose]: () => documents.destroy(),
    };
  }
  const table =
    argument.kind === "replaced_sqlite"
      ? sqliteTable(argument.folder)
      : dynamoTable(bareDocuments(argument.endpoint));
  return {
    queue: (id) => putReplaced(table, id),
    build: (id) => buildReplaced(table, id),
    [Symbol.dispose]: () => table[Symbol.dispose](),
  };
}

/** Builds without Stagefold, in a process of its own as a worker is. */
await serve(async (argument) => {
  const way = wayOf(argumentSchema.parse(argument));
  return {
    answer: async (message) => {
      const { do: what, ids } = messageSchema.parse(message);
      await inParallel(ids, AT_ONCE, (id) => way[what](id));
    },
    close: async () => way[Symbol.dispose](),
  };
});
