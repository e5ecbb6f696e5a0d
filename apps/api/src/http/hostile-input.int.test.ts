import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { HOSTILE, hostileInput } from "../../test/hostile.ts";
import { Program } from "../../test/program.ts";
import { until } from "../../test/reading.ts";
import { serve } from "../../test/serve.ts";
import { appRouter } from "../routers/index.ts";
import { createWatch } from "../watch/index.ts";
import { procedureOf } from "./rest/inputs.ts";
import { restRoutes } from "./rest/table.ts";

const INPUTS = process.env.SOAK === "1" ? 10_000 : 500;
const ANSWER_MS = 10_000;

interface Hostile {
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

it(`answers ${INPUTS} hostile inputs to every procedure and route with a refusal at the most`, async () => {
  const deps = memoryDeps();
  const watch = createWatch(deps);
  await using api = await serve({ ...deps, watch });
  const caller = callerOf(deps);
  const programs = await Promise.all(Array.from({ length: 4 }, () => Program.begin(caller)));
  const { project_id } = await caller.projects.create({ requirement: "x", stages: OWN_STAGES });
  const [first] = programs;
  await first?.report({ event: "started", stage: "one" });
  const texts = [
    ...programs.map((one) => one.project_id),
    project_id,
    "one",
    "two",
    "mine",
    "a.txt",
    "u1",
    "UTC",
  ];
  const calls = procedures().map(({ path, type, input }) =>
    hostileInput(input, texts)
      .map((value) => (value === undefined ? undefined : (JSON.stringify(value) ?? "null")))
      .chain((json) => (json === undefined ? fc.constant(json) : broken(json)))
      .map((json) => requestOf(path, type === "mutation", json)),
  );
  const text = fc.oneof(
    fc.constantFrom(...texts),
    HOSTILE.map((value) => String(value)),
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
  const any = fc.oneof(...calls, ...[files, files, pages], ...Array.from({ length: 12 }, () => resources));
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(any, async ({ path, init }) => {
      const late = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch(api.url + path, { ...init, signal: late });
      const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
      if (isStream) await answer.body?.cancel();
      const body = isStream ? "" : await answer.text();
      const isStoreAway = answer.status === 503 && body.includes("STORE_UNAVAILABLE");
      // The page is not built here, and says so.
      const isPage = answer.status === 503 && body.includes("dashboard");
      if (answer.status >= 500 && !isStoreAway && !isPage)
        throw new Error(
          `expected no ${answer.status}, found one for ${path} ${String(init.body).slice(0, 500)}: ${body}`,
        );
      if (answer.status === 200) accepted += 1;
      if (body.includes(process.cwd()) || body.includes("node_modules")) throw new Error(`a path in ${body}`);
    }),
    { numRuns: INPUTS },
  );
  await until(() => watch.projects.open.watches === 0 && watch.list.open === 0);
  // Inputs that are all refused by their schema would show little.
  expect(accepted).toBeGreaterThan(INPUTS / 20);
  // What was there still answers.
  expect(await caller.projects.list({ limit: 5 })).toMatchObject({ items: expect.any(Array) });
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
}, 900_000);

function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : encodeURIComponent(text.toWellFormed());
}
