import { workerData } from "node:worker_threads";
import { killAll } from "@stagefold/node-files";
import { z } from "zod";

/** A thread beside a runner process: even a stage that never yields ends when its worker is gone. */
const POLL_MS = 500;
const { workerPid, tag } = z.object({ workerPid: z.number().int(), tag: z.string() }).parse(workerData);

setInterval(() => {
  if (process.ppid !== workerPid) killAll({ leader: process.pid, tag });
}, POLL_MS);
