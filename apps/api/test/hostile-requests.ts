import fc from "fast-check";
import { z } from "zod";
import { procedureOf } from "../src/http/rest/inputs.ts";
import { restRoutes } from "../src/http/rest/table.ts";
import { appRouter } from "../src/routers/index.ts";
import { HOSTILE, hostileInput } from "./hostile.ts";

export interface Hostile {
  readonly path: string;
  readonly init: RequestInit;
}

/** The procedures as the router has them. */
function procedures() {
  return Object.entries(appRouter._def.procedures).map(([path, procedure]) => {
    const { type, inputs } = z
      .object({
        type: z.enum(["query", "mutation", "subscription"]),
        inputs: z.array(z.instanceof(z.ZodType)),
      })
      .parse(Reflect.get(procedure, "_def"));
    return { path, type, input: inputs[0] ?? z.undefined() };
  });
}

function requestOf(path: string, isMutation: boolean, json: string | undefined): Hostile {
  if (isMutation)
    return {
      path: `/trpc/${path}`,
      init: { method: "POST", headers: { "content-type": "application/json" }, body: json ?? "" },
    };
  return { path: `/trpc/${path}${json === undefined ? "" : `?input=${encoded(json)}`}`, init: {} };
}

/** JSON as it is, or as a client breaks it. */
const broken = (json: string) =>
  fc.oneof(
    { weight: 15, arbitrary: fc.constant(json) },
    { weight: 1, arbitrary: fc.nat(json.length).map((at) => json.slice(0, at)) },
    { weight: 1, arbitrary: fc.constant(json.replace(/\d+/, "123456789012345678901234567890")) },
    { weight: 1, arbitrary: fc.constant(json.replace(/"[^"]*":/, '"__proto__":')) },
  );

/** Requests of every procedure and route, mostly as their schemas want them. `texts`: such as ids that there are. */
export function hostileRequests(texts: readonly string[]): fc.Arbitrary<Hostile> {
  const calls = procedures().map(({ path, type, input }) =>
    hostileInput(input, texts)
      .map((value) => (value === undefined ? undefined : (JSON.stringify(value) ?? "null")))
      .chain((json) => (json === undefined ? fc.constant(json) : broken(json)))
      .map((json) => requestOf(path, type === "mutation", json)),
  );
  const text = fc.oneof(
    fc.constantFrom(...texts),
    // An object that has a `toString` of its own cannot be made a text by `String`.
    HOSTILE.map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value))),
  );
  const files = fc
    .record({
      id: text,
      path: text,
      stage: fc.option(text),
      attempt: fc.option(text),
      put: fc.boolean(),
      lease: text,
    })
    .map(({ id, path, stage, attempt, put, lease }): Hostile => {
      const search = new URLSearchParams();
      if (stage !== null) search.set("stage", stage);
      if (attempt !== null) search.set("attempt", attempt);
      const clean = lease.replace(/[^\x20-\x7e]/g, "?").trim();
      const init = put ? { method: "PUT", body: "x", headers: { "x-stagefold-lease": clean } } : {};
      return { path: `/artifacts/${encoded(id)}/${encoded(path)}?${search}`, init };
    });
  const resources = fc
    .constantFrom(...restRoutes())
    .chain(({ method, path, procedure }) => {
      const { input = z.undefined() } = procedureOf(procedure);
      const fields = [...path.matchAll(/\{\w+\}/g)].map(() => text);
      return fc.record({
        method: fc.constant(method.toUpperCase()),
        path: fc.constant(path),
        places: fc.tuple(...fields),
        query: fc.dictionary(fc.constantFrom("limit", "cursor", "text", "status", "x"), text, { maxKeys: 2 }),
        body: hostileInput(input, texts)
          .map((value) => JSON.stringify(value) ?? "")
          .chain(broken),
        key: fc.option(fc.constantFrom("k", "x".repeat(65), " ")),
      });
    })
    .map(({ method, path, places, query, body, key }): Hostile => {
      let at = 0;
      const address = path.replace(/\{\w+\}/g, () => encoded(places[at++] ?? ""));
      const search = new URLSearchParams(Object.entries(query));
      const headers = {
        ...(method === "POST" || method === "PATCH" ? { "content-type": "application/json" } : {}),
        ...(key !== null && { "idempotency-key": key }),
      };
      const sent = method === "POST" || method === "PATCH" ? { body } : {};
      return { path: `/v1${address}?${method === "GET" ? search : ""}`, init: { method, headers, ...sent } };
    });
  const pages = text.map((path): Hostile => ({ path: `/${encoded(path)}`, init: {} }));
  return fc.oneof(...calls, ...[files, files, pages], ...Array.from({ length: 12 }, () => resources));
}

function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : encodeURIComponent(text.toWellFormed());
}
