import { StagefoldError } from "@stagefold/core";
import { TRPCError } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import { type Request, type RequestHandler, Router } from "express";
import type { Logger } from "pino";
import type { z } from "zod";
import type { Context } from "../context.ts";
import { MAX_BATCH, MAX_BODY_BYTES } from "../errors.ts";
import { requireExactNumbers } from "../exact-numbers.ts";
import { rejectUnsafeKeys } from "../reject-unsafe-keys.ts";
import { appRouter } from "../routers/index.ts";
import { WATCH_INPUTS } from "../routers/watch.ts";
import { principalOf } from "./auth-routes.ts";
import { compressed } from "./compressed.ts";
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
      createContext: ({ req, res }) => ({
        ...context,
        principal: principalOf(res),
        address: context.auth?.addressOf(req),
      }),
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

/** No line needs so long for so little: a body that comes byte by byte holds its connection for nothing. */
const BODY_MS = 30_000;
const METHODS = ["GET", "HEAD", "POST"];

const onlyKnownMethods: RequestHandler = (req, res, next) => {
  if (METHODS.includes(req.method)) next();
  else {
    res.setHeader("allow", METHODS.join(", "));
    const message = "Expected GET for a query, POST for a mutation.";
    sendError(res, new TRPCError({ code: "METHOD_NOT_SUPPORTED", message }));
  }
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
  else sendError(res, tooLarge());
};

/** Reads the body, where the framework would put other characters in the place of what is no UTF-8. */
const readText: RequestHandler = async (req, res, next) => {
  if (req.method !== "POST") return next();
  const late = setTimeout(() => req.destroy(), BODY_MS);
  req.once("close", () => clearTimeout(late));
  try {
    req.body = await textOf(req);
  } catch (error) {
    // The client went away half-way: there is nobody to answer.
    if (req.destroyed && !req.complete) return;
    // The rest is read and dropped: until it is, the client may not look for an answer.
    req.resume();
    return sendError(res, error);
  }
  next();
};

async function textOf(req: Request): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new StagefoldError("INVALID_INPUT", "The input is not valid UTF-8.", {}, { cause });
  }
}

function tooLarge() {
  return new StagefoldError("PAYLOAD_TOO_LARGE", `A request may have ${MAX_BODY_BYTES} bytes.`, {
    limit: MAX_BODY_BYTES,
  });
}

const exactNumbers: RequestHandler = (req, _res, next) => {
  const texts = req.method === "POST" ? [req.body] : [req.query.input].flat();
  for (const text of texts) if (typeof text === "string") requireExactNumbers(text);
  next();
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

function jsonOf(text: unknown): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw new StagefoldError("INVALID_INPUT", "The input is not valid JSON.", {}, { cause });
  }
}
