import { requireExactNumbers, StagefoldError } from "@stagefold/core";
import { TRPCError } from "@trpc/server";
import type { Request, RequestHandler } from "express";
import { MAX_BODY_BYTES } from "../errors.ts";
import { sendError } from "./send-error.ts";

// What every way in that takes JSON does with it.

/** No line needs so long for so little: a body that comes byte by byte holds its connection for nothing. */
const BODY_MS = 30_000;

/** Other methods have none; what comes with them all the same is not read. */
const hasBody = ({ method }: Request) => method === "POST" || method === "PATCH";

export const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader("cache-control", "no-store");
  next();
};

/** A form of another site's page can send neither of these types without asking first. */
export const onlyJson: RequestHandler = (req, res, next) => {
  if (!hasBody(req) || req.is("application/json") !== false) next();
  else
    sendError(
      res,
      new TRPCError({ code: "UNSUPPORTED_MEDIA_TYPE", message: "Expected content-type: application/json." }),
    );
};

/** What says that it is too large is not read at all. */
export const notTooLarge: RequestHandler = (req, res, next) => {
  if (Number(req.headers["content-length"] ?? 0) <= MAX_BODY_BYTES) next();
  else sendError(res, tooLarge());
};

/** Reads the body, where the framework would put other characters in the place of what is no UTF-8. */
export const readText: RequestHandler = async (req, res, next) => {
  if (!hasBody(req)) return next();
  const late = setTimeout(() => req.destroy(), BODY_MS);
  try {
    req.body = await textOf(req);
  } catch (error) {
    // The client went away half-way: there is no reader of an answer.
    if (req.destroyed && !req.complete) return;
    // The rest is read and dropped: until it is, the client may not look for an answer.
    req.resume();
    return sendError(res, error);
  } finally {
    clearTimeout(late);
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

export const exactNumbers: RequestHandler = (req, _res, next) => {
  const texts = hasBody(req) ? [req.body] : [req.query.input].flat();
  for (const text of texts) if (typeof text === "string") requireExactNumbers(text);
  next();
};

/** Errors: INVALID_INPUT. */
export function jsonOf(text: unknown): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw new StagefoldError("INVALID_INPUT", "The input is not valid JSON.", {}, { cause });
  }
}
