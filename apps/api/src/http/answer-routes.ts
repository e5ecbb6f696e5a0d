import { StagefoldError } from "@stagefold/core";
import { type Request, type RequestHandler, Router } from "express";
import { z } from "zod";
import { answerBy, askedBy, askedSchema, byOf, grantOf } from "../answer-links/answer-link.ts";
import { audited } from "../auth/audit.ts";
import { markProven } from "../connections.ts";
import type { Context } from "../context.ts";
import { toStagefoldError } from "../errors.ts";
import { rejectUnsafeKeys } from "../reject-unsafe-keys.ts";
import { exactNumbers, jsonOf, noStore, notTooLarge, onlyJson, readText } from "./json-body.ts";

const questionInput = z.strictObject({ token: z.string() });
const answerInput = questionInput.extend({ value: z.unknown() });

/**
 * `POST /answer/question { token }` and `POST /answer { token, value }`: for the bearer of an answer link, who need not
 * sign in. Nothing happens on GET, with which mail programs and chats look at what a link leads to.
 */
export function answerRoutes(context: Context): Router {
  const routes = Router();
  const body = [limited(context), noStore, onlyJson, notTooLarge, readText, exactNumbers];
  routes.post("/question", ...body, async (req, res) => {
    const { token } = questionInput.parse(bodyOf(req));
    const grant = await grantOf(context, token);
    markProven(req.socket);
    res.json(askedSchema.parse(await askedBy(context, grant)));
  });
  routes.post("/", ...body, async (req, res) => {
    const { token, value } = answerInput.parse(bodyOf(req));
    const grant = await grantOf(context, token);
    markProven(req.socket);
    const audit = async (result: string) => {
      if (!context.auth) return;
      const from = context.auth.addressOf(req);
      const { project_id } = grant;
      const row = { by: byOf(grant), role: "link", procedure: "projects.answer", project_id, from, result };
      await audited(context, row);
    };
    try {
      const asked = await answerBy(context, token, value);
      await audit("ok");
      res.json(askedSchema.parse(asked));
    } catch (error) {
      await audit(toStagefoldError(error).code);
      throw error;
    }
  });
  return routes;
}

/** Guessing tokens is limited like guessing keys. */
function limited({ auth }: Context): RequestHandler {
  return (req, _res, next) => {
    auth?.limitAddress(req);
    next();
  };
}

function bodyOf(req: Request): unknown {
  const body = jsonOf(req.body);
  if (body === undefined) throw new StagefoldError("INVALID_INPUT", "Expected a body of JSON.", {});
  rejectUnsafeKeys(body);
  return body;
}
