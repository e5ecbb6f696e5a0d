import { TRPCError } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import { type RequestHandler, Router } from "express";
import type { Logger } from "pino";
import type { z } from "zod";
import type { Context } from "../context.ts";
import { MAX_BATCH, MAX_BODY_BYTES } from "../errors.ts";
import { rejectUnsafeKeys } from "../reject-unsafe-keys.ts";
import { appRouter } from "../routers/index.ts";
import { WATCH_INPUTS } from "../routers/watch.ts";
import { compressed } from "./compressed.ts";
import { exactNumbers, jsonOf, noStore, notTooLarge, onlyJson, readText } from "./json-body.ts";
import { contextOf } from "./request-context.ts";
import { logError, sendError } from "./send-error.ts";

/** `/trpc`: the procedures, with the limits that tRPC leaves open by itself. */
export function trpcRoutes(context: Context, log: Logger | undefined): Router {
  const routes = Router();
  routes.use(
    compressed(),
    noStore,
    onlyKnownMethods,
    onlyJson,
    notTooLarge,
    readText,
    exactNumbers,
    validWatch,
  );
  routes.use(
    createExpressMiddleware({
      router: appRouter,
      createContext: ({ req, res }) => contextOf(context, req, res),
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

const METHODS = ["GET", "HEAD", "POST"];

const onlyKnownMethods: RequestHandler = (req, res, next) => {
  if (METHODS.includes(req.method)) next();
  else {
    res.setHeader("allow", METHODS.join(", "));
    const message = "Expected GET for a query, POST for a mutation.";
    sendError(res, new TRPCError({ code: "METHOD_NOT_SUPPORTED", message }));
  }
};

/** An input that is not valid is answered like any other: a stream that says so would be opened again and again. */
const validWatch: RequestHandler = (req, _res, next) => {
  const schema = watchInputOf(req.path.slice(1));
  if (schema) {
    const raw = jsonOf(req.query.input);
    rejectUnsafeKeys(raw);
    schema.parse(raw);
  }
  next();
};

function watchInputOf(path: string): z.ZodType | undefined {
  return Object.entries(WATCH_INPUTS).find(([name]) => name === path)?.[1];
}
