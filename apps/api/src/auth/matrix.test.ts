import { readFile } from "node:fs/promises";
import { MemoryRecordStore, ROLES, type Role } from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { post, query, serve } from "../../test/serve.ts";
import { restRoutes } from "../http/rest/table.ts";
import { appRouter } from "../routers/index.ts";
import { ACCESS } from "./access.ts";
import { Auth } from "./authenticate.ts";
import type { Access } from "./principal.ts";

const COLUMNS: readonly Access[] = ["read", "create", "control", "work", "admin"];
type Whose = "own" | "other's";

/** The table of the docs: by role and access, whether it may, or may with what is its own alone. */
async function tableOfDocs(): Promise<Record<string, Record<string, string>>> {
  const text = await readFile(new URL("../../../../docs/access.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)`\s*\|(.*)\|$/gm)].filter(([, role]) =>
    ROLES.some((one) => one === role),
  );
  return Object.fromEntries(
    rows.map(([, role = "", cells = ""]) => {
      const said = cells.split("|").map((cell) => cell.trim());
      return [role, Object.fromEntries(COLUMNS.map((access, i) => [access, said[i] ?? ""]))];
    }),
  );
}

function mayBy(said: string | undefined, whose: Whose): boolean {
  if (said === "what is its own") return whose === "own";
  return said !== "" && said !== undefined;
}

const procedures = z
  .record(
    z.string(),
    z.custom<{ _def: { type: string } }>((value) => typeof value === "function"),
  )
  .parse(appRouter._def.procedures);

async function setUp() {
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records };
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth({ keys: true }, { records, clock: deps.clock, onError });
  const api = await serve({ ...deps, auth });
  const keys = new Map<Role, string>();
  for (const role of ROLES) keys.set(role, (await auth.keys.create({ name: role, role }, "test")).key);
  const local = callerOf(deps);
  /** A build of one owner, in a state from which it can be changed so. */
  const build = async (owner: string, path: string) => {
    const given = { requirement: "x", pipeline: "two-steps", user_id: owner };
    const { project_id } = await local.projects.create(given);
    if (path === "projects.resume") await local.projects.pause({ project_id });
    if (path === "projects.retry") await local.projects.cancel({ project_id });
    return project_id;
  };
  /** A schedule of one owner, in a state from which it can be changed so. */
  const schedule = async (owner: string, path: string) => {
    const given = { name: "nightly", cron: "0 3 * * *", build: { requirement: "x", pipeline: "two-steps" } };
    const { schedule_id } = await local.schedules.create({ ...given, user_id: owner });
    if (path === "schedules.resume") await local.schedules.pause({ schedule_id });
    return schedule_id;
  };
  const headersOf = (role: Role) => ({ authorization: `Bearer ${keys.get(role)}` });
  const codeOf = async (answer: Response) => {
    const text = await answer.text();
    const code =
      /"stagefold":\{[^}]*"code":"(\w+)"/.exec(text)?.[1] ??
      /"code":"([A-Z_]+)","[^}]*"httpStatus"/.exec(text)?.[1];
    expect(answer.status, text.slice(0, 300)).toBeLessThan(500);
    return code;
  };
  const ask = async (path: string, role: Role, owner: string) => {
    const project_id = await build(owner, path);
    const schedule_id = path.startsWith("schedules.") ? await schedule(owner, path) : undefined;
    // Of every field that some procedure wants, a value that it takes.
    const input = {
      ...{
        project_id,
        requirement: "x",
        stages: [{ stage: "one" }],
        stage: "first",
        artifacts: [{ path: "a" }],
        mode: "add",
      },
      ...{
        owner: "program",
        lease_token: 1,
        lease_seq: 1,
        events: [],
        value: {},
        key_id: "000000000000",
        days: 1,
      },
      ...{
        action: "pause",
        filter: { user_id: owner },
        dry_run: true,
      },
      ...{ schedule_id, cron: "0 4 * * *", build: { requirement: "x", pipeline: "two-steps" } },
      ...{ name: "n", role: "viewer", agent_id: "agent_000000000000", project_ids: [project_id] },
    };
    const shape = inputShapeOf(path);
    const given = Object.fromEntries(Object.entries(input).filter(([field]) => shape.has(field)));
    const type = procedures[path]?._def.type;
    const url = `${api.url}/trpc/${path}`;
    const abort = new AbortController();
    const answer =
      type === "mutation"
        ? await fetch(url, {
            ...post(given),
            headers: { ...headersOf(role), "content-type": "application/json" },
          })
        : await fetch(url + query(given), { headers: headersOf(role), signal: abort.signal });
    if (answer.headers.get("content-type")?.startsWith("text/event-stream")) {
      abort.abort();
      return undefined;
    }
    return await codeOf(answer);
  };
  return { api, deps, build, headersOf, codeOf, ask };
}

/** The fields that a procedure's input knows. */
function inputShapeOf(path: string): ReadonlySet<string> {
  const inputs: unknown = Reflect.get(Reflect.get(procedures[path] ?? {}, "_def") ?? {}, "inputs");
  const names = new Set<string>();
  const visit = (schema: unknown): void => {
    if (!(schema instanceof z.ZodType)) return;
    if (schema instanceof z.ZodObject) for (const name of Object.keys(schema.shape)) names.add(name);
    const def: unknown = Reflect.get(schema, "def");
    for (const part of ["in", "innerType", "left", "right"]) visit(Reflect.get(Object(def), part));
  };
  for (const one of Array.isArray(inputs) ? inputs : []) visit(one);
  return names;
}

describe("every procedure and route, for every role, with its own builds and those of others", () => {
  let here: Awaited<ReturnType<typeof setUp>>;
  beforeAll(async () => {
    here = await setUp();
  });
  afterAll(() => here.api.close());

  it.each(ROLES)("a %s may do what the table of the docs says, and nothing else", async (role) => {
    const { [role]: said = {} } = await tableOfDocs();
    const found: Record<string, boolean> = {};
    const expected: Record<string, boolean> = {};
    for (const [path, access] of Object.entries(ACCESS))
      for (const whose of ["own", "other's"] as const) {
        const code = await here.ask(path, role, whose === "own" ? role : "another");
        found[`${path}, ${whose}`] = code !== "FORBIDDEN" && code !== "UNAUTHENTICATED";
        // What names neither a build nor its user chooses by itself what is the asker's own.
        const shape = inputShapeOf(path);
        const isOwned = shape.has("project_id") || shape.has("schedule_id") || path === "projects.bulk";
        const named = isOwned ? whose : "own";
        expected[`${path}, ${whose}`] = mayBy(said[access], named);
      }
    expect(found).toEqual(expected);
  });

  it.each(ROLES)(
    "a %s gets bytes and figures, and uploads for a lease that its role may hold",
    async (role) => {
      const program = await Program.begin(callerOf(here.deps));
      await program.report({ event: "started", stage: "one" });
      const ref = { project_id: program.project_id, stage: "one", attempt: 1, path: "a" };
      await here.deps.artifacts.put(ref, Buffer.from("x"));
      await program.report({ event: "artifacts", stage: "one", artifacts: [{ path: "a" }] });
      const headers = { ...here.headersOf(role), "x-stagefold-lease": String(program.lease_token) };
      const url = `${here.api.url}/artifacts/${program.project_id}/a`;
      expect((await fetch(url, { headers })).status).toBe(200);
      expect((await fetch(`${here.api.url}/metrics`, { headers })).status).toBe(200);
      const put = await fetch(`${url}?stage=one&attempt=1`, { method: "PUT", headers, body: "y" });
      const { [role]: said = {} } = await tableOfDocs();
      expect(put.status).toBe(mayBy(said.work, "other's") ? 200 : 403);
    },
  );

  it.each(ROLES)("a %s is refused at the addresses of REST as it is by the procedures", async (role) => {
    const { [role]: said = {} } = await tableOfDocs();
    const found: Record<string, boolean> = {};
    const expected: Record<string, boolean> = {};
    for (const { method, path, procedure } of restRoutes()) {
      const body = method === "post" || method === "patch" ? { body: "{}" } : {};
      const abort = new AbortController();
      const headers = { ...here.headersOf(role), "content-type": "application/json" };
      const init = { method: method.toUpperCase(), headers, ...body, signal: abort.signal };
      const place = path.replace("{project_id}", "proj_000000000000").replace(/\{\w+\}/g, "one");
      const { status } = await fetch(`${here.api.url}/v1${place}`, init);
      abort.abort();
      found[procedure] = status === 403;
      expected[procedure] = !mayBy(said[ACCESS[procedure]], "own");
    }
    expect(found).toEqual(expected);
  });

  it("nothing is mounted that this table and the tests of who is not let in leave out", async () => {
    const app = await readFile(new URL("../http/app.ts", import.meta.url), "utf8");
    const mounted = [...app.matchAll(/app\.(?:use|get|post|all)\(\s*(\[[^\]]*\]|"[^"]*")/g)].map(
      ([, at]) => at,
    );
    // Open: how one signs in, and answers for those who have the link of one question.
    expect(
      new Set(
        mounted.flatMap((at) => z.union([z.string(), z.array(z.string())]).parse(JSON.parse(at ?? ""))),
      ),
    ).toEqual(new Set(["/v1", "/auth", "/answer", "/trpc", "/mcp", "/artifacts", "/metrics"]));
    expect(mounted).toContain('["/trpc", "/v1", "/mcp", "/artifacts", "/metrics"]');
  });

  it("a member's action on many builds at once reaches its own alone, whatever it asks for", async () => {
    const [own, others] = [await here.build("member", ""), await here.build("another", "")];
    const headers = { ...here.headersOf("member"), "content-type": "application/json" };
    for (const [filter, status] of [
      [{}, 200],
      [{ user_id: "another" }, 403],
      [{ pipeline: "two-steps" }, 200],
    ] as const) {
      const init = { ...post({ action: "cancel", filter }), headers };
      expect((await fetch(`${here.api.url}/trpc/projects.bulk`, init)).status).toBe(status);
    }
    expect((await here.deps.repository.get(own)).status).toBe("cancelled");
    expect((await here.deps.repository.get(others)).status).toBe("queued");
  });

  it("the table of the docs names every role, and the router no procedure that it leaves out", async () => {
    expect(Object.keys(await tableOfDocs()).sort()).toEqual([...ROLES].sort());
    expect(Object.keys(procedures).sort()).toEqual(Object.keys(ACCESS).sort());
  });
});
