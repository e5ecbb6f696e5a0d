import { workerData } from "node:worker_threads";
import { z } from "zod";
import { SharedMarks } from "./marks.ts";
import { killAll } from "./processes.ts";

/**
 * A thread beside a stage host: even a stage that never gives way ends when its worker is gone. Gets the worker's pid and
 * the memory in which the host writes the marks of each stage that it begins.
 */
const POLL_MS = 500;
const { workerPid, memory } = z
  .object({ workerPid: z.number().int(), memory: z.instanceof(SharedArrayBuffer) })
  .parse(workerData);
const marks = new SharedMarks(memory);

setInterval(() => {
  if (process.ppid !== workerPid) killAll({ leader: process.pid, marks: marks.read() });
}, POLL_MS);
