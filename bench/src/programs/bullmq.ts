import { Queue, Worker } from "bullmq";
import { z } from "zod";
import { serve } from "../measure/serve.ts";
import { AT_ONCE } from "../workload/contents.ts";
import runBuild from "./bullmq-build.ts";

const argumentSchema = z.object({ port: z.number(), sandboxed: z.boolean() });
const messageSchema = z.object({ do: z.enum(["queue", "build"]), count: z.number() });

/**
 * The workload on BullMQ: a job for each build, whose data, progress and log say what its stages made. Sandboxed jobs
 * run in processes of their own, as the stages of Stagefold do.
 */
await serve(async (argument) => {
  const { port, sandboxed } = argumentSchema.parse(argument);
  const connection = { host: "127.0.0.1", port };
  const queue = new Queue("builds", { connection });
  const processor = sandboxed ? new URL("./bullmq-build.js", import.meta.url) : runBuild;
  let worker: Worker | undefined;
  const build = (count: number) =>
    new Promise<void>((resolve, reject) => {
      let completed = 0;
      worker ??= new Worker("builds", processor, { connection, concurrency: AT_ONCE });
      worker.removeAllListeners("completed");
      worker.on("completed", () => {
        completed += 1;
        if (completed === count) resolve();
      });
      worker.on("failed", (_job, error) => reject(error));
    });
  return {
    answer: async (message) => {
      const { do: what, count } = messageSchema.parse(message);
      if (what === "queue")
        await queue.addBulk(Array.from({ length: count }, (_, i) => ({ name: "build", data: { build: i } })));
      else {
        const built = build(count);
        await worker?.resume();
        await built;
        // Warm sandboxes stay: the timed run begins with them, as a worker of Stagefold begins with its runners.
        await worker?.pause();
      }
    },
    close: async () => {
      await worker?.close();
      await queue.close();
    },
  };
});
