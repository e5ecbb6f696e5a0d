import { readdir, stat } from "node:fs/promises";
import type { Server } from "node:http";
import { join, relative, sep } from "node:path";
import { openPipelines } from "@stagefold/agent-build";
import { AgentRecords, DailySpending } from "@stagefold/core";
import { openModel, readPrices } from "@stagefold/models";
import { type Backend, type Env, EnvError, openBackend, parseEnv } from "@stagefold/runtime";
import { destination, type Logger, pino } from "pino";
import { collectDefaultMetrics } from "prom-client";
import { type ModelAccess, maskOf } from "./build/model-calls.ts";
import { environment, inheritedEnv } from "./env.ts";
import { serveHealth } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import { createWorker, type Worker } from "./worker.ts";

/** Between two writes of what a stage says, in milliseconds: the embedded store's writes cost next to nothing. */
const EMBEDDED_FLUSH_MS = 250;

/** Ends when the worker has ended. */
async function main(env: Env, log: Logger): Promise<void> {
  const pipelines = await openPipelines(env.pipelines);
  for (const { message, mistake } of pipelines.problems())
    log.error({ file: mistake.file, line: mistake.line }, `a pipeline file is left out: ${message}`);
  const metrics = createMetrics();
  collectDefaultMetrics({ register: metrics.registry });
  await using backend = await openBackend(env, {
    onRequest: metrics.storeRequest,
    onFeedError: (error) => log.error({ err: error }, "the change feed met an error"),
  });
  const worker = createWorker({
    repository: backend.repository,
    artifacts: backend.artifacts,
    feed: backend.feed,
    pipelines,
    pipelinesChangedAt: await lastChange(env.pipelines),
    dataDir: env.dataDir,
    concurrency: env.workerConcurrency,
    drainMs: env.drainSeconds * 1000,
    maxRunningPerUser: env.maxRunningPerUser,
    modelAccess: await openModelAccess(env, backend),
    agents: new AgentRecords({
      records: backend.records,
      artifacts: backend.artifacts,
      clock: backend.repository.clock,
    }).agents,
    retentionDays: env.retentionDays,
    stageEnv: inheritedEnv(),
    timings: backend.store.keepsLogs === true ? { flushMs: EMBEDDED_FLUSH_MS } : {},
    log,
    metrics,
  });
  const server = await openHealth(env, backend, worker, log, metrics);
  const ended = untilEnded(worker, log);
  worker.start();
  process.send?.({ kind: "ready" });
  await ended;
  server?.closeAllConnections();
  server?.close();
}

async function openModelAccess(env: Env, backend: Backend): Promise<ModelAccess | undefined> {
  const { model, budgetUsd } = env;
  if (model === undefined) return undefined;
  const secrets = [model.apiKey, model.aws?.secretAccessKey, model.aws?.sessionToken];
  return {
    model: openModel(model, { prices: await readPrices(env.modelPrices) }),
    spending: new DailySpending(backend.records, backend.repository.clock),
    budgetUsd,
    mask: maskOf(secrets.filter((secret) => secret !== undefined)),
  };
}

function isInstalled(path: string): boolean {
  return path.split(sep).includes("node_modules");
}

/** When the newest file of a folder was written; without a folder the pipelines are those of this program's start. */
async function lastChange(folder: string | undefined): Promise<number> {
  if (folder === undefined) return Date.now() - process.uptime() * 1000;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !isInstalled(relative(folder, entry.parentPath)));
  // A file that an editor replaces just now is left out.
  const times = await Promise.allSettled(files.map((file) => stat(join(file.parentPath, file.name))));
  return Math.max(0, ...times.map((one) => (one.status === "fulfilled" ? one.value.mtimeMs : 0)));
}

async function openHealth(
  env: Env,
  backend: Backend,
  worker: Worker,
  log: Logger,
  metrics: ReturnType<typeof createMetrics>,
): Promise<Server | undefined> {
  if (env.workerPort === undefined) return undefined;
  const { store } = backend;
  return await serveHealth(
    { store, notReady: () => worker.notReady, metrics, log },
    env.host,
    env.workerPort,
  );
}

/** The first signal drains, the second one ends it now. When the parent process is gone, the worker stops at once. */
function untilEnded(worker: Worker, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0;
    const signalled = (signal: NodeJS.Signals) => {
      signals += 1;
      log.info({ signal, signals }, "asked to end");
      if (signals === 1) worker.drain().then(resolve, reject);
      else {
        worker.killNow();
        process.exit(1);
      }
    };
    process.on("SIGTERM", signalled);
    process.on("SIGINT", signalled);
    process.once("disconnect", () => {
      log.info("the process that started this worker is gone");
      worker.stop().then(resolve, reject);
    });
  });
}

function settings(): Env {
  try {
    return parseEnv(environment());
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

const env = settings();
const log = pino({ level: env.logLevel, base: { pid: process.pid } }, destination({ fd: 2, sync: true }));
main(env, log).then(
  () => process.exit(0),
  (error: unknown) => {
    log.debug({ err: error }, "the worker ended with an error");
    process.stderr.write(
      `The worker cannot run: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  },
);
