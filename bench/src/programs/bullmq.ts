import { type Job, Queue, Worker } from "bullmq";
import { z } from "zod";
import { serve } from "../measure/serve.ts";
import { AT_ONCE, artifactPaths, logLines, outputOf, STAGES } from "../workload/contents.ts";

const argumentSchema = z.object({ port: z.number() });
const messageSchema = z.object({ do: z.enum(["queue", "build"]), count: z.number() });

/** The workload on BullMQ: a job for each build, whose data, progress and log say what its stages made. */
await serve(async (argument) => {
  const connection = { host: "127.0.0.1", port: argumentSchema.parse(argument).port };
  const queue = new Queue("builds", { connection });
  let worker: Worker | undefined;
  const build = (count: number) =>
    new Promise<void>((resolve, reject) => {
      let completed = 0;
      worker = new Worker("builds", runBuild, { connection, concurrency: AT_ONCE });
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
        await build(count);
        await worker?.close();
      }
    },
    close: async () => {
      await worker?.close();
      await queue.close();
    },
  };
});

/** Per stage its start, two lines of log, its progress, and its end with output and artifacts. */
async function runBuild(job: Job): Promise<Record<string, unknown>> {
  const stages: Record<string, unknown> = {};
  for (const [i, stage] of STAGES.entries()) {
    const [first, second] = logLines(stage);
    await job.updateProgress({ stage, status: "running", progress: 50, completed: i });
    await job.log(first);
    await job.log(second);
    stages[stage] = { ...outputOf(stage), artifacts: artifactPaths(stage) };
    await job.updateData({ ...job.data, stages });
    await job.updateProgress({ stage, status: "completed", progress: 100, completed: i + 1 });
  }
  return { completed: STAGES.length };
}
