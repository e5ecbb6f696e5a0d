import type { Job, SandboxedJob } from "bullmq";
import { artifactPaths, logLines, outputOf, STAGES } from "../workload/contents.ts";

/**
 * The workload's build as a job function of BullMQ, in the worker's process or in one of its sandboxes: per stage its
 * start, two lines of log, its progress, and its end with output and artifacts.
 */
export default async function runBuild(job: Job | SandboxedJob): Promise<Record<string, unknown>> {
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
