import { MemoryRecordStore, ROLES, type Role } from "@stagefold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { type Hostile, hostileRequests } from "../../test/hostile-requests.ts";
import { Program } from "../../test/program.ts";
import { until } from "../../test/reading.ts";
import { serve } from "../../test/serve.ts";
import { createWatch } from "../watch/index.ts";
import { Auth } from "./authenticate.ts";

const INPUTS = SOAK ? 10_000 : 300;
/** Printed, and replayed by HOSTILE_SEED. */
const SEED = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31);
const ANSWER_MS = 10_000;
/** What only those who are let in may see. */
const SECRET = "the-secret-requirement";

/** An API that asks for keys, where every write is recorded. */
async function setUp() {
  const deps = memoryDeps();
  const records = new MemoryRecordStore();
  const writes: string[] = [];
  const clock = deps.clock;
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth({ keys: true, ratePerMinute: 10_000_000 }, { records, clock, onError });
  const watch = createWatch(deps);
  const api = await serve({ ...deps, auth, records, watch });
  const caller = callerOf({ ...deps, records });
  const program = await Program.begin(caller, { requirement: SECRET });
  const { project_id } = program;
  await program.report({ event: "started", stage: "one" });
  await deps.artifacts.put({ project_id, stage: "one", attempt: 1, path: "a.txt" }, Buffer.from(SECRET));
  await program.report({ event: "artifacts", stage: "one", artifacts: [{ path: "a.txt" }] });
  const queued = await caller.projects.create({ requirement: SECRET, stages: OWN_STAGES });
  // Of what does not happen here: the API posts nothing by itself, and writes nothing down of it.
  const hook = await caller.webhooks.create({
    url: "https://hooks.example.org/x",
    events: ["build.failed"],
  });
  const schedule = await caller.schedules.create({
    name: "nightly",
    cron: "0 3 * * *",
    build: { pipeline: "two-steps", requirement: SECRET },
  });
  const keys = new Map<Role, string>();
  for (const role of ROLES) keys.set(role, (await auth.keys.create({ name: role, role }, "test")).key);
  const { record: revoked, key: over } = await auth.keys.create({ name: "over", role: "admin" }, "test");
  await auth.keys.revoke(revoked.key_id);
  // A refused caller leaves a row of the audit log, and a key the hour of its last use: nothing else is written.
  const write = records.write.bind(records);
  records.write = (patch) => {
    if (!/^(audit|key)#/.test(patch.pk)) writes.push(`${patch.kind} of the record ${patch.pk}`);
    return write(patch);
  };
  const writeProject = deps.store.write.bind(deps.store);
  deps.store.write = (patch) => {
    writes.push(`${patch.kind} of ${patch.project_id}`);
    return writeProject(patch);
  };
  const put = deps.artifacts.put.bind(deps.artifacts);
  deps.artifacts.put = (ref, ...rest) => {
    writes.push(`bytes of ${ref.path}`);
    return put(ref, ...rest);
  };
  const texts = [project_id, queued.project_id, schedule.schedule_id, hook.webhook_id, revoked.key_id];
  return { api, auth, watch, keys, over, writes, program, hook, texts: [...texts, "one", "a.txt", "u1"] };
}

it(`no hostile input of ${INPUTS} by those who are not let in, or may only read, writes or learns anything`, async () => {
  const here = await setUp();
  await using api = here.api;
  const { keys, writes, watch, program } = here;
  const key = (role: Role) => keys.get(role) ?? "";
  const altered = `${key("admin").slice(0, -1)}${key("admin").endsWith("A") ? "B" : "A"}`;
  const strangers = [
    undefined,
    `Bearer ${altered}`,
    `Bearer ${here.over}`,
    `Basic ${key("admin")}`,
    "Bearer ",
  ];
  const callers = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...strangers) },
    { weight: 2, arbitrary: fc.constant(`Bearer ${key("viewer")}`) },
  );
  // What no caller may read: the keys, the secret of the webhook, and the number by which reports are believed.
  const never = [...keys.values(), here.over]
    // The random part may have "_" too: what stands before the next one may be a single letter.
    .map((text) => text.split("_").slice(2).join("_"))
    .concat(here.hook.secret);
  const lease = new RegExp(`lease_token"?:\\s*${program.lease_token}`);
  const counts = { let_in: 0, refused: 0, not_let_in: 0 };
  const open = /^\/(healthz|readyz|assets\/|$)/;

  const ask = async ({ path, init }: Hostile, authorization: string | undefined) => {
    const headers = {
      ...Object.fromEntries(new Headers(init.headers)),
      ...(authorization && { authorization }),
    };
    const send = () => fetch(api.url + path, { ...init, headers, signal: AbortSignal.timeout(ANSWER_MS) });
    // A kept connection may be closed as idle in the moment in which it is used again: a second one is not.
    const answer = await send().catch((error: unknown) => {
      if (Reflect.get(Object(Reflect.get(Object(error), "cause")), "code") !== "ECONNRESET") throw error;
      return send();
    });
    const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream) await answer.body?.cancel();
    const body = isStream ? "" : await answer.text();
    const said = `${init.method ?? "GET"} ${path.slice(0, 2000)} ${String(init.body).slice(0, 500)}: ${answer.status} ${body.slice(0, 500)}`;
    const guarded = /^\/(trpc|v1|mcp|artifacts|metrics)(\/|\?|$)/.test(path);
    // The page is not built here, and says so.
    const isPage = answer.status === 503 && body.includes("dashboard");
    if (answer.status >= 500 && !isPage) throw new Error(`expected no 5xx: ${said}`);
    if (authorization !== `Bearer ${key("viewer")}`) {
      // An address that is too long is refused before its sender is asked for.
      if (guarded && answer.status !== 401 && answer.status !== 431) throw new Error(`expected 401: ${said}`);
      if (!open.test(path) && body.includes(SECRET)) throw new Error(`a leak: ${said}`);
      counts.not_let_in += 1;
    } else if (answer.status === 403) counts.refused += 1;
    else if (answer.ok) counts.let_in += 1;
    if (never.some((secret) => body.includes(secret)) || lease.test(body))
      throw new Error(`a secret: ${said}`);
    if (writes.length > 0) throw new Error(`expected no write, found ${writes.join(", ")}: ${said}`);
  };

  await fc.assert(
    fc.asyncProperty(hostileRequests(here.texts), callers, (request, caller) => ask(request, caller)),
    { numRuns: INPUTS, seed: SEED },
  );
  await until(() => watch.projects.open.watches === 0 && watch.list.open === 0);
  // Inputs that all end before roles are looked at would show little.
  for (const [name, count] of Object.entries(counts)) expect(count, name).toBeGreaterThan(INPUTS / 300);
});
