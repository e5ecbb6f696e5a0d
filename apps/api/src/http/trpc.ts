import { StagefoldError } from "@stagefold/core";
import { TRPCError } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import { type RequestHandler, Router } from "express";
import type { Logger } from "pino";
import { appRouter, type Context, MAX_BATCH, MAX_BODY_BYTES } from "../router/index.ts";
import { logError, sendError } from "./send-error.ts";

/** A stream whose reader takes nothing for this long is given up. Milliseconds. */
const STALLED_MS = 60_000;

/** `/trpc`: the procedures, with the limits that tRPC leaves open by itself. */
export function trpcRoutes(context: Context, log: Logger | undefined): Router {
  const routes = Router();
  routes.use(noStore, onlyJson, notTooLarge, endStalled);
  routes.use(
    createExpressMiddleware({
      router: appRouter,
      createContext: () => context,
      maxBodySize: MAX_BODY_BYTES,
      maxBatchSize: MAX_BATCH,
      // Left out where a request is refused as a whole. As a plain object it is set, and not added once more.
      responseMeta: ({ eagerGeneration }) =>
        eagerGeneration ? {} : { headers: { "content-type": "application/json" } },
      onError: ({ error, path, type }) => logError(log, error, { procedure: path?.slice(0, 200), type }),
    }),
  );
  return routes;
}

const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader("cache-control", "no-store");
  next();
};

/** A form of another site's page can send neither of these types without asking first. */
const onlyJson: RequestHandler = (req, res, next) => {
  if (req.method !== "POST" || req.is("application/json") !== false) next();
  else
    sendError(
      res,
      new TRPCError({ code: "UNSUPPORTED_MEDIA_TYPE", message: "Expected content-type: application/json." }),
    );
};

/** What says that it is too large is not read at all. */
const notTooLarge: RequestHandler = (req, res, next) => {
  if (Number(req.headers["content-length"] ?? 0) <= MAX_BODY_BYTES) next();
  else
    sendError(
      res,
      new StagefoldError("PAYLOAD_TOO_LARGE", `A request may have ${MAX_BODY_BYTES} bytes.`, {
        limit: MAX_BODY_BYTES,
      }),
    );
};

/** The pings of a stream keep its connection in use; one that is not has nobody at its other end. */
const endStalled: RequestHandler = (_req, res, next) => {
  res.setTimeout(STALLED_MS, () => res.destroy());
  next();
};
