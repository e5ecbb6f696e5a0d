import { traceparentSchema } from "@stagefold/core";
import type { Request, Response } from "express";
import type { Context } from "../context.ts";
import { principalOf } from "./auth-routes.ts";

/** The context of one request: who makes it, from where, and in which trace. Errors: UNAUTHENTICATED. */
export function contextOf(context: Context, req: Request, res: Response): Context {
  return {
    ...context,
    principal: principalOf(res),
    address: context.auth?.addressOf(req),
    outliveCredentials: () => context.auth?.open.release(res),
    // One that is malformed is as if it were not there: so the standard wants it.
    traceparent: traceparentSchema.safeParse(req.get("traceparent")).data,
  };
}
