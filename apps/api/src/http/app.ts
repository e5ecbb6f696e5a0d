import type { RequestListener } from "node:http";
import { TRPCError } from "@trpc/server";
import express, { type RequestHandler } from "express";
import { createContextInner } from "../context.ts";
import { Scheduler } from "../schedules/scheduler.ts";
import { createWatch } from "../watch/index.ts";
import { WebhookDispatcher } from "../webhooks/dispatcher.ts";
import { answerRoutes } from "./answer-routes.ts";
import { artifactRoutes } from "./artifacts.ts";
import { admit, authRoutes } from "./auth-routes.ts";
import { basePathOf, stripBasePath } from "./base-path.ts";
import type { ApiDeps } from "./deps.ts";
import { securityHeaders } from "./headers.ts";
import { healthRoutes } from "./health.ts";
import { hostCheck } from "./host-check.ts";
import { countRequests, Metrics } from "./metrics.ts";
import { pageRoutes } from "./page.ts";

import { restApi } from "./rest/rest-routes.ts";
import { asProblems, errorHandler, logError, sendError } from "./send-error.ts";
import { watchProject } from "./sse/watch-project.ts";
import { trpcRoutes } from "./trpc-routes.ts";

/** An API without its sockets. */
export interface App {
  readonly listener: RequestListener;
  /** Begins what the API does by itself. */
  start(): void;
  close(): Promise<void>;
}

/** The whole HTTP surface, for a server on loopback: it knows its own address from the connections it gets. */
export function createApp(deps: ApiDeps): App {
  const { log, metrics = new Metrics() } = deps;
  const onError = (error: unknown) => logError(log, error, { while: "watching" });
  const watch = deps.watch ?? createWatch({ ...deps, onError });
  const { auth } = deps;
  const context = createContextInner({
    ...deps,
    watch,
    onTurnError: (error) => logError(log, error, { while: "running a turn" }),
    onCall: (call) => metrics.call(call),
    onStageRetry: () => metrics.stageRetry(),
    onWebhookChange: () => dispatcher.wake(),
    onAuditError: (row, err) => {
      metrics.auditLost();
      log?.error({ err, row }, "a row of the audit log could not be kept");
    },
    onUnclaimable: (project_id, err) =>
      log?.warn(
        { err, project_id },
        "a project cannot be claimed; it is tried again later, ever more seldom",
      ),
  });
  const policy = { publicUrl: deps.publicUrl, isAuthRequired: auth !== undefined };
  deps.repository.onChange(({ kind }) => metrics.change(kind));
  metrics.watch(watch);

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use("/v1", asProblems);
  app.use(countRequests(metrics), securityHeaders(), hostCheck(policy), onlyPlainBodies);
  app.use("/auth", authRoutes(auth));
  app.use("/answer", answerRoutes(context));
  app.use(["/trpc", "/v1", "/mcp", "/artifacts", "/metrics"], admit(auth));
  app.use(healthRoutes(deps.repository.store, metrics));
  app.use("/trpc", trpcRoutes(context, log));
  app.use("/v1", restApi(context, log));
  app.use(
    "/mcp",
    whenAsked(async () => (await import("./mcp.ts")).mcpRoutes(context, log)),
  );
  app.use("/artifacts", artifactRoutes(deps, context));
  app.use(pageRoutes(deps.pageDir, basePathOf(deps.publicUrl)));
  app.use((_req, res) => {
    sendError(res, new TRPCError({ code: "NOT_FOUND", message: "There is nothing at this address." }));
  });
  app.use(errorHandler(log));
  const watchOne = watchProject(context, { metrics, log, auth, policy });
  const base = basePathOf(deps.publicUrl);
  const scheduler = new Scheduler({ context, log });
  const dispatcher = new WebhookDispatcher({
    ...context,
    publicUrl: deps.publicUrl,
    allowPrivate: deps.privateWebhooks ?? !auth,
    log,
  });
  return {
    listener: (req, res) => {
      stripBasePath(req, base);
      if (!watchOne(req, res, () => app(req, res))) app(req, res);
    },
    start: () => {
      scheduler.start();
      dispatcher.start();
      context.turns.start();
    },
    close: async () => {
      await Promise.all([scheduler.close(), dispatcher.close(), context.turns.close()]);
    },
  };
}

/** Routes that few use, and that take long to load. */
function whenAsked(load: () => Promise<RequestHandler>): RequestHandler {
  let loaded: Promise<RequestHandler> | undefined;
  return async (req, res, next) => {
    loaded ??= load();
    (await loaded)(req, res, next);
  };
}

/** Bytes that are encoded once more would be taken for the body itself. */
const onlyPlainBodies: RequestHandler = (req, res, next) => {
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding.trim().toLowerCase() === "identity") return next();
  const message = `Expected a body without content-encoding, found ${encoding.slice(0, 50)}.`;
  sendError(res, new TRPCError({ code: "UNSUPPORTED_MEDIA_TYPE", message }));
};
