import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { killAll } from "./processes.ts";

/**
 * A thread beside a stage host: even a stage that never gives way ends when its worker is gone.
 * Gets the worker's pid as `workerData`, then the marks of each stage that the host begins.
 */
const POLL_MS = 500;
const worker = z.number().int().parse(workerData);
let marks: readonly string[] = [];

parentPort?.on("message", (message: unknown) => {
  marks = z.array(z.string()).parse(message);
});
setInterval(() => {
  if (process.ppid !== worker) killAll({ leader: process.pid, marks });
}, POLL_MS);
