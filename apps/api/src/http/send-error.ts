import { StagefoldError } from "@stagefold/core";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { Logger } from "pino";
import { errorShapeOf, toStagefoldError } from "../errors.ts";

/** Answers with an error in the form that every route has; `/v1` has one of its own. */
export function sendError(res: Response, error: unknown): void {
  const shape = errorShapeOf(error);
  const { stagefold } = shape.data;
  if ("retry_after" in stagefold) res.setHeader("retry-after", stagefold.retry_after);
  res.status(shape.data.httpStatus);
  if (res.locals[AS_PROBLEM] === true) res.type("application/problem+json").json(problemOf(error));
  else res.json({ error: shape });
}

const AS_PROBLEM = "stagefold.problem";

/** From here on an error is answered as a problem (RFC 9457). */
export const asProblems: RequestHandler = (_req, res, next) => {
  res.locals[AS_PROBLEM] = true;
  next();
};

/** An error as a problem: its code, and what the code fixes, are fields beside the standard ones. */
export function problemOf(error: unknown) {
  const { message, data } = errorShapeOf(error);
  const { code, ...more } = data.stagefold;
  const title = code.charAt(0) + code.slice(1).toLowerCase().replaceAll("_", " ");
  const type = `urn:stagefold:error:${code.toLowerCase().replaceAll("_", "-")}`;
  return { ...more, type, title, status: data.httpStatus, detail: message, code };
}

/** What is the caller's affair is of little interest here; what is ours goes to the log with all that is known. */
export function logError(log: Logger | undefined, error: unknown, about: object): void {
  const known = toStagefoldError(error);
  const err = known.code === "INTERNAL" ? (known.cause ?? known) : known;
  switch (known.code) {
    case "INTERNAL":
    case "SNAPSHOT_UNREADABLE":
      log?.error({ err, ...about }, "request failed");
      return;
    case "STORE_UNAVAILABLE":
      log?.warn({ err, ...about }, "store unavailable");
      return;
    default:
      log?.debug({ code: known.code, message: known.message, ...about }, "request refused");
  }
}

/** The end of every route that throws. */
export function errorHandler(log: Logger | undefined): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = ofExpress(thrown);
    logError(log, error, { method: req.method, path: req.path.slice(0, 200) });
    // Too late for an answer: the broken connection is what tells the client.
    if (res.headersSent) res.destroy();
    else sendError(res, error);
  };
}

/** Express's own refusals, such as a malformed escape in a path, carry a status below 500. */
function ofExpress(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof StagefoldError) return thrown;
  const status: unknown = Reflect.get(thrown, "status");
  if (typeof status !== "number" || status < 400 || status >= 500) return thrown;
  return new StagefoldError(
    "INVALID_INPUT",
    "The address of the request is not valid.",
    {},
    { cause: thrown },
  );
}
