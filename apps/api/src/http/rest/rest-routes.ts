import { StagefoldError } from "@stagefold/core";
import { TRPCError } from "@trpc/server";
import { type Request, type RequestHandler, type Response, Router } from "express";
import type { Logger } from "pino";
import type { Context } from "../../context.ts";
import { rejectUnsafeKeys } from "../../reject-unsafe-keys.ts";
import { PING_MS } from "../../trpc.ts";
import { compressed } from "../compressed.ts";
import { exactNumbers, jsonOf, noStore, notTooLarge, onlyJson, readText } from "../json-body.ts";
import { contextOf } from "../request-context.ts";
import { KeepAlive } from "../sse/keep-alive.ts";
import { sendEvents } from "./events.ts";
import { callerOf, fromText, inputSchemaOf, isList, type JsonSchema, procedureOf } from "./inputs.ts";
import { openApiDocument } from "./openapi.ts";
import { type RestRoute, restRoutes } from "./table.ts";

/** `/v1`: the procedures as resources, and the document that describes them. */
export function restApi(context: Context, log: Logger | undefined): Router {
  const routes = Router();
  const keepAlive = new KeepAlive(PING_MS);
  routes.use(compressed(), noStore, jsonIfAny, notTooLarge, readText, exactNumbers);
  routes.get("/openapi.json", (_req, res) => {
    res.json(openApiDocument(context.system.version));
  });
  const methods = new Map<string, string[]>();
  for (const { procedure, ...route } of restRoutes()) {
    const path = route.path.replace(/\{(\w+)\}/g, ":$1");
    const input = inputReader(route, procedure);
    routes[route.method](path, async (req, res) => {
      const call = callOf(context, req, res, procedure);
      const given = input(req);
      if (route.stream === undefined) return answer(res, await call(given), route);
      // A reader that comes back with what it saw last waits for the next change.
      const first = route.stream === "first" && !("lastEventId" in Object(given));
      await sendEvents(res, { call: () => call(given), first, keepAlive, log });
    });
    methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()]);
  }
  for (const [path, allowed] of methods) routes.all(path, notAllowed(allowed));
  return routes;
}

/** A command without fields needs no body, and then no type. */
const jsonIfAny: RequestHandler = (req, res, next) =>
  req.get("content-length") === "0" ? next() : onlyJson(req, res, next);

function notAllowed(allowed: readonly string[]): RequestHandler {
  return (_req, res) => {
    res.setHeader("allow", allowed.join(", "));
    throw new TRPCError({ code: "METHOD_NOT_SUPPORTED", message: `Expected ${allowed.join(" or ")}.` });
  };
}

function answer(res: Response, result: unknown, { status }: RestRoute): void {
  if (result === null) res.status(204).end();
  else res.status(status ?? 200).json(result);
}

/** The procedure, called for who made the request; a stream ends with the answer. */
function callOf(context: Context, req: Request, res: Response, path: string) {
  const ending = new AbortController();
  res.once("close", () => ending.abort());
  return callerOf(contextOf(context, req, res), path, ending.signal);
}

/** What of a request makes the input: the address, the query or the body, and two headers. */
function inputReader(route: RestRoute, procedure: string): (req: Request) => unknown {
  const schema = inputSchemaOf(procedure);
  const { input } = procedureOf(procedure);
  const fields = schema.properties ?? {};
  const hasBody = route.method === "post" || route.method === "patch";
  return (req) => {
    const query = fromQuery(req, fields);
    const body = hasBody ? fromBody(req) : {};
    const found = together({ ...req.params }, hasBody ? { ...body } : query, hasBody ? query : {});
    const complete = { ...found, ...fromHeaders(req, route, fields, found) };
    // A query of a list may have no input at all, which is the same as an empty one.
    return input ? complete : undefined;
  };
}

/** A field that is named in two places may differ there: it is refused. */
function together(...parts: Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const part of parts)
    for (const [name, value] of Object.entries(part)) {
      if (Object.hasOwn(all, name))
        throw invalid(`${name}: expected once, found in two places of the request`);
      all[name] = value;
    }
  return all;
}

function fromQuery(req: Request, fields: Readonly<Record<string, JsonSchema>>): Record<string, unknown> {
  const found: Record<string, unknown> = Object.create(null);
  const { searchParams } = new URL(req.originalUrl, "http://host");
  for (const name of new Set(searchParams.keys())) {
    const schema = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!schema)
      throw invalid(
        `${name.slice(0, 100)}: unknown; expected ${Object.keys(fields).join(", ") || "nothing"}`,
      );
    const values = searchParams.getAll(name).map((text) => fromText(text, schema));
    if (values.length > 1 && !isList(schema))
      throw invalid(`${name}: expected once, found ${values.length} times`);
    found[name] = isList(schema) ? values : values[0];
  }
  return found;
}

function fromBody(req: Request): object {
  const text: unknown = req.body;
  if (text === "" || text === undefined) return {};
  const body = jsonOf(text);
  rejectUnsafeKeys(body);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw invalid("body: expected a JSON object");
}

function fromHeaders(
  req: Request,
  { stream }: RestRoute,
  fields: Readonly<Record<string, JsonSchema>>,
  found: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const more: Record<string, unknown> = {};
  const key = req.get("idempotency-key");
  if (key !== undefined) {
    const name = ["idempotency_key", "operation_id"].find((one) => Object.hasOwn(fields, one));
    if (name === undefined)
      throw invalid("Idempotency-Key: this request takes none; a repeat of it is harmless or new");
    if (Object.hasOwn(found, name)) throw invalid(`Idempotency-Key: expected it or ${name}, found both`);
    more[name] = key;
  }
  const seen = req.get("last-event-id");
  if (stream && seen !== undefined && !Object.hasOwn(found, "lastEventId")) more.lastEventId = seen;
  return more;
}

function invalid(issue: string): StagefoldError {
  return new StagefoldError("INVALID_INPUT", `The request is not valid: ${issue}.`, { issues: [issue] });
}
