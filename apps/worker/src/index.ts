export { TIMINGS, type Timings } from "./deps.ts";
export { createMetrics, type WorkerMetrics } from "./metrics.ts";
export { createWorker, type Worker, type WorkerDeps } from "./worker.ts";
