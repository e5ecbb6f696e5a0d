import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { followPipelines } from "@stagefold/agent-build";
import { AgentRecords, DailySpending } from "@stagefold/core";
import { openModel, readPrices, unpriced } from "@stagefold/models";
import { type Backend, type Env, EnvError, openBackend, parseEnv } from "@stagefold/runtime";
import { secretsIn, secretsOfModel } from "@stagefold/runtime/env";
import { secretSource } from "@stagefold/runtime/secrets";
import { LogOutput, openTelemetry } from "@stagefold/runtime/telemetry";
import { destination, type Logger, pino } from "pino";
import { collectDefaultMetrics } from "prom-client";
import type { ModelAccess } from "./build/model-calls.ts";
import { environment, inheritedEnv } from "./env.ts";
import { serveHealth } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import { createWorker, type Worker } from "./worker.ts";

/** Between two writes of what a stage says, in milliseconds: the embedded store's writes cost next to nothing. */
const EMBEDDED_FLUSH_MS = 250;

/** Ends when the worker has ended. */
async function main(env: Env, source: Source, log: Logger, output: LogOutput): Promise<void> {
  let worker: Worker | undefined;
  await using pipelines = await followPipelines(env.pipelines, {
    onProblem: (error) => log.error({ err: error }, "a pipeline file is left out"),
    onChange: () => worker?.pipelinesChanged(),
  });
  const metrics = createMetrics();
  collectDefaultMetrics({ register: metrics.registry });
  const telemetry = await openTelemetry({
    signals: env.signals,
    service: "stagefold-worker",
    version: await version(),
    registry: metrics.registry,
    onLost: (error, signal) =>
      log.warn({ err: error }, `${signal} cannot be sent: their collector does not take them`),
  });
  output.also = telemetry.log;
  await using backend = await openBackend(env, {
    onRequest: (request) => {
      metrics.storeRequest(request);
      telemetry.storeRequest(request);
    },
    onFeedError: (error) => log.error({ err: error }, "the change feed met an error"),
  });
  const { records, artifacts, repository } = backend;
  const agentRecords = new AgentRecords({ records, artifacts, clock: repository.clock });
  worker = createWorker({
    repository: backend.repository,
    artifacts: backend.artifacts,
    feed: backend.feed,
    pipelines,
    records: backend.records,
    version: await version(),
    dataDir: env.dataDir,
    concurrency: env.workerConcurrency,
    drainMs: env.drainSeconds * 1000,
    maxRunningPerUser: env.maxRunningPerUser,
    modelAccess: await openModelAccess(env, backend, log),
    agents: agentRecords.agents,
    existingTurnOwners: (ids) => agentRecords.existing(ids),
    retentionDays: env.retentionDays,
    secrets: secretSource({ given: secretsIn(source), from: env.secrets }),
    stageEnv: inheritedEnv(),
    timings: {
      ...(backend.store.keepsLogs === true && { flushMs: EMBEDDED_FLUSH_MS }),
      stopGraceMs: env.stopSeconds * 1000,
      cancelGraceMs: env.stopSeconds * 1000,
    },
    log,
    metrics,
    telemetry,
  });
  const server = await openHealth(env, backend, worker, log, metrics);
  const ended = untilEnded(worker, log);
  worker.start();
  process.send?.({ kind: "ready" });
  await ended;
  await telemetry.close();
  server?.closeAllConnections();
  server?.close();
}

async function openModelAccess(env: Env, backend: Backend, log: Logger): Promise<ModelAccess | undefined> {
  const { model, budgetUsd } = env;
  if (model === undefined) return undefined;
  const opened = openModel(model, { prices: await readPrices(env.modelPrices) });
  const without = budgetUsd === undefined ? undefined : unpriced(opened, "The day's budget");
  if (without !== undefined) log.warn(without);
  return {
    model: opened,
    spending: new DailySpending(backend.records, backend.repository.clock),
    budgetUsd,
    secrets: secretsOfModel(model),
  };
}

/** Of this package: it stands beside what is built. */
async function version(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  return String(Object(manifest).version);
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

type Source = ReturnType<typeof environment>;

function settings(source: Source): Env {
  try {
    return parseEnv(source);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

const source = environment();
const env = settings(source);
const output = new LogOutput(destination({ fd: 2, sync: true }));
const log = pino({ level: env.logLevel, base: { pid: process.pid } }, output);
main(env, source, log, output).then(
  () => process.exit(0),
  (error: unknown) => {
    log.debug({ err: error }, "the worker ended with an error");
    process.stderr.write(
      `The worker cannot run: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  },
);
