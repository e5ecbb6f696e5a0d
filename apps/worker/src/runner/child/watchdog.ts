import { workerData } from "node:worker_threads";
import { z } from "zod";
import { SharedTags } from "../process-tags.ts";
import { killAll } from "../process-tree.ts";

/**
 * A thread beside a runner process: even a stage that never gives way ends when its worker is gone. Gets the worker's pid and
 * the memory in which the runner writes the tags of each stage that it begins.
 */
const POLL_MS = 500;
const { workerPid, memory } = z
  .object({ workerPid: z.number().int(), memory: z.instanceof(SharedArrayBuffer) })
  .parse(workerData);
const tags = new SharedTags(memory);

setInterval(() => {
  if (process.ppid !== workerPid) killAll({ leader: process.pid, tags: tags.read() });
}, POLL_MS);
