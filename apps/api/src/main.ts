import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { followPipelines } from "@stagefold/agent-build";
import { isStagefoldError } from "@stagefold/core";
import { PricesError } from "@stagefold/models";
import { PipelineError } from "@stagefold/pipeline";
import { type Backend, type Env, EnvError, openBackend } from "@stagefold/runtime";
import type { AuthSettings } from "@stagefold/runtime/env";
import { LogOutput, openTelemetry } from "@stagefold/runtime/telemetry";
import { type Logger, pino } from "pino";
import { z } from "zod";
import { openAgentRunner } from "./agents/open-runner.ts";
import { Auth } from "./auth/authenticate.ts";
import { makeFirstKey } from "./auth/first-key.ts";
import { givenSecrets, inheritedByAgents, loadEnv } from "./env.ts";
import { stopOnSignals } from "./graceful-shutdown.ts";
import { Metrics } from "./http/metrics.ts";
import { type Api, ApiStartError, startApi } from "./server.ts";

interface Closable {
  close(): Promise<void>;
}

/** Serves the API until a signal, or the end of the process that started it. */
async function main(): Promise<void> {
  const env = loadEnv();
  // Synchronous: what is said last, before the process ends, is not lost.
  const output = new LogOutput(pino.destination({ dest: 2, sync: true }));
  const log = pino({ level: env.logLevel, base: { app: "api" } }, output);
  const opened: Closable[] = [];
  stopOnSignals(log, () => closeAll(opened));
  try {
    const { api, firstKey } = await serve(env, log, output, opened);
    log.info({ url: api.url }, "serving");
    // Never through the log, which others may read.
    if (process.send) process.send({ kind: "ready", url: api.url, ...(firstKey && { note: firstKey }) });
    else if (firstKey) process.stderr.write(`${firstKey}\n`);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function serve(
  env: Env,
  log: Logger,
  output: LogOutput,
  opened: Closable[],
): Promise<{ api: Api; firstKey: string | undefined }> {
  const metrics = new Metrics({ ofProcess: true });
  const pipelines = await followPipelines(env.pipelines, {
    onProblem: (error) => log.error({ err: error }, "a pipeline file is left out"),
  });
  opened.push({ close: async () => await pipelines[Symbol.asyncDispose]() });
  const telemetry = await openTelemetry({
    signals: env.signals,
    service: "stagefold-api",
    version: await version(),
    registry: metrics.registry,
    onLost: (error, signal) =>
      log.warn({ err: error }, `${signal} cannot be sent: their collector does not take them`),
  });
  output.also = telemetry.log;
  opened.push(telemetry);
  const backend = await openBackend(env, {
    onRequest: (request) => {
      metrics.storeRequest(request);
      telemetry.storeRequest(request);
    },
    onFeedError: (error) => log.error({ err: error }, "the change feed met an error"),
  });
  opened.push(backend);
  const { repository, artifacts, logs, feed, records } = backend;
  const publicUrl = env.publicUrl === undefined ? undefined : new URL(env.publicUrl);
  const auth = env.auth && (await openAuth(env.auth, env.proxyHops, backend, publicUrl, log));
  const environment = { inherited: inheritedByAgents(), given: givenSecrets() };
  const agents = await openAgentRunner(env, backend, environment, telemetry, log);
  const program = { version: await version(), engine: env.store, node_version: process.versions.node };
  const { agentConcurrency, sessionDays } = env;
  const deps = {
    ...agents,
    agentConcurrency,
    sessionDays,
    repository,
    artifacts,
    logs,
    feed,
    records,
    pipelines,
    log,
    metrics,
    telemetry,
    system: { ...program, ...agents.system },
    auth,
    publicUrl,
    privateWebhooks: env.privateWebhooks,
    linkDownloads: env.bucket?.presigned,
    mail: env.mail,
    budgetUsd: env.budgetUsd,
    maxRunningPerUser: env.maxRunningPerUser,
    ...pageFolder(),
  };
  const api = await startApi(deps, env);
  opened.push(api);
  const firstKey = auth?.options.keys ? await firstKeyNote(auth, env, publicUrl?.href ?? api.url) : undefined;
  return { api, firstKey };
}

async function openAuth(
  settings: AuthSettings,
  proxyHops: number,
  { records, repository }: Backend,
  publicUrl: URL | undefined,
  log: Logger,
): Promise<Auth> {
  const { clock } = repository;
  // What a provider needs is loaded only where there is one.
  const onRefused = (reason: string) => log.warn({ reason }, "a user of the identity provider was refused");
  const oidc =
    settings.oidc && new (await import("./auth/oidc.ts")).Oidc(settings.oidc, records, clock, onRefused);
  const onError = (error: unknown) =>
    log.warn({ err: error }, "open streams could not be held against their keys");
  const { keys, ratePerMinute } = settings;
  return new Auth({ keys, oidc, ratePerMinute, publicUrl, proxyHops }, { records, clock, onError });
}

/** Where the first admin key is; undefined when it was made before. Browsers never send the fragment of a link. */
async function firstKeyNote(auth: Auth, env: Env, url: string): Promise<string | undefined> {
  const first = await makeFirstKey(auth.keys, env.dataDir);
  if (!first) return undefined;
  const link = `${url.replace(/\/$/, "")}/#key=${first.key}`;
  return `The first admin key is in ${first.file}. Sign in with it: ${link}`;
}

/** `--page <folder>`: the built dashboard, given by the program that starts the API with one. */
function pageFolder(): { pageDir?: string } {
  const { page } = parseArgs({ options: { page: { type: "string" } } }).values;
  return page === undefined ? {} : { pageDir: page };
}

/** The last opened first: requests that are still answered need what they work on. */
async function closeAll(opened: Closable[]): Promise<void> {
  for (let last = opened.pop(); last; last = opened.pop()) await last.close();
}

async function version(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** The sentence for stderr, and the exit code: 2 for settings or arguments that must be corrected, else 1. */
function explain(error: unknown): { sentence: string; exitCode: 1 | 2 } {
  if (error instanceof EnvError) return { sentence: error.message, exitCode: 2 };
  if (error instanceof PipelineError || error instanceof PricesError)
    return { sentence: error.message, exitCode: 2 };
  if (error instanceof ApiStartError)
    return { sentence: error.message, exitCode: error.code === "HOST_NOT_LOOPBACK" ? 2 : 1 };
  if (isStagefoldError(error)) return { sentence: error.message, exitCode: 1 };
  return {
    sentence: `The API could not start: ${error instanceof Error ? error.stack : String(error)}`,
    exitCode: 1,
  };
}

main().catch((error: unknown) => {
  const { sentence, exitCode } = explain(error);
  process.stderr.write(`${sentence}\n`);
  process.exit(exitCode);
});
