import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { get, IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeCursor, encodeCursor, MemoryRecordStore, ROLES } from "@stagefold/core";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { post, query, serve } from "../../test/serve.ts";
import { type ApiDeps, startApi } from "../index.ts";
import { appRouter } from "../routers/index.ts";
import { ACCESS } from "./access.ts";
import type { NewKey } from "./api-keys.ts";
import { Auth, type AuthOptions } from "./authenticate.ts";
import { makeFirstKey } from "./first-key.ts";
import { RateLimit } from "./rate-limit.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A real server that asks who calls, with its records in memory. */
async function aGuardedApi(settings: Partial<AuthOptions> = {}, more: Partial<ApiDeps> = {}) {
  const records = new MemoryRecordStore();
  const deps = memoryDeps();
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth({ keys: true, ...settings }, { records, clock: deps.clock, onError });
  const api = await serve({ ...deps, ...more, auth });
  closers.push(() => api.close());
  const issue = async (given: NewKey) => (await auth.keys.create(given, "test")).key;
  const as = (key: string, init: RequestInit = {}): RequestInit => ({
    ...init,
    headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${key}` },
  });
  return { ...api, deps, auth, records, issue, as };
}

const errorSchema = z.object({
  error: z.object({ data: z.object({ stagefold: z.object({ code: z.string() }) }) }),
});

function codeOf(body: unknown): unknown {
  return errorSchema.safeParse(body).data?.error.data.stagefold.code;
}

/** What a call answered, as the test expects it: a wrong form fails where it is used. */
function dataOf<T>(body: unknown): T {
  return JSON.parse(JSON.stringify(body)).result.data;
}

const proceduresSchema = z.record(
  z.string(),
  z.custom<{ _def: { type: string } }>((value) => typeof value === "function"),
);

function typeOf(path: string): string | undefined {
  return proceduresSchema.parse(appRouter._def.procedures)[path]?._def.type;
}

describe("who may do what", () => {
  it("knows what each procedure needs, and no procedure is left out", () => {
    expect(Object.keys(appRouter._def.procedures).sort()).toEqual(Object.keys(ACCESS).sort());
  });

  it("asks the same of who comes by REST", async () => {
    const { call, issue, as, auth } = await aGuardedApi();
    for (const path of ["/v1/projects", "/v1/openapi.json", "/v1/events"])
      expect(await call(path)).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED", status: 401 } });
    const [viewer, member, operator] = [
      await issue({ name: "v", role: "viewer" }),
      await issue({ name: "m", role: "member", user_id: "m" }),
      await issue({ name: "o", role: "operator" }),
    ];
    const build = post({ requirement: "x" });
    expect(await call("/v1/projects", as(viewer, build))).toMatchObject({
      status: 403,
      body: { code: "FORBIDDEN" },
    });
    const made = await call("/v1/projects", as(operator, build));
    const id = String(Reflect.get(Object(made.body), "project_id"));
    const cancel = `/v1/projects/${id}/cancel`;
    expect(await call(cancel, as(member, { method: "POST" }))).toMatchObject({ status: 403 });
    expect(await call(cancel, as(operator, { method: "POST" }))).toMatchObject({
      body: { status: "cancelled" },
    });
    const rows = (await auth.audit.list(10)).items.map(({ procedure, result }) => `${procedure} ${result}`);
    expect(rows.sort()).toEqual([
      "projects.cancel FORBIDDEN",
      "projects.cancel ok",
      "projects.create FORBIDDEN",
      "projects.create ok",
    ]);
  });

  it("answers every procedure by the role of who asks", async () => {
    const { call, issue, as } = await aGuardedApi();
    const matrix: Record<string, string[]> = {};
    for (const role of ROLES) {
      const key = await issue({ name: role, role });
      const allowed: string[] = [];
      for (const [path, access] of Object.entries(ACCESS)) {
        const type = typeOf(path);
        // A stream of an input that is refused has nothing more to say than the other reads.
        if (type === "subscription") continue;
        // An input that no schema takes: who may not ask is refused before anybody looks at it.
        const init = type === "mutation" ? post({ project_id: 7 }) : {};
        const address = type === "mutation" ? path : `${path}${query({ project_id: 7, limit: 0 })}`;
        const { body, status } = await call(`/trpc/${address}`, as(key, init));
        if (codeOf(body) !== "FORBIDDEN") allowed.push(access);
        else expect(status).toBe(403);
      }
      matrix[role] = [...new Set(allowed)].sort();
    }
    expect(matrix).toEqual({
      viewer: ["read"],
      member: ["control", "create", "read"],
      operator: ["control", "create", "read"],
      runner: ["create", "read", "work"],
      admin: ["admin", "control", "create", "read", "work"],
    });
  });

  it.each(["/trpc/projects.list", "/artifacts/proj_000000000001/x", "/metrics", "/trpc/projects.watch"])(
    "asks who it is at %s",
    async (path) => {
      const { call } = await aGuardedApi();
      const watch = path.endsWith("watch") ? query({ project_id: "proj_000000000001" }) : "";
      for (const authorization of [
        undefined,
        "Bearer x",
        "Bearer sf_0123456789ab_",
        "Basic YTpi",
        "Bearer a.b.c",
      ]) {
        const { status, body } = await call(path + watch, {
          headers: authorization ? { authorization } : {},
        });
        expect([status, codeOf(body)]).toEqual([401, "UNAUTHENTICATED"]);
      }
    },
  );

  it("answers health to anybody", async () => {
    const { call } = await aGuardedApi();
    expect((await call("/healthz")).status).toBe(200);
    expect((await call("/readyz")).status).toBe(200);
    expect((await call("/auth/methods")).body).toEqual({ methods: ["keys"] });
  });

  it("lets members control what is their own alone, and says in the item who did", async () => {
    const { call, issue, as, deps } = await aGuardedApi();
    const [ada, bob, ops] = [
      await issue({ name: "ada", role: "member" }),
      await issue({ name: "bob", role: "member" }),
      await issue({ name: "ops", role: "operator" }),
    ];
    const made = await call(
      "/trpc/projects.create",
      as(ada, post({ requirement: "Mine", stages: OWN_STAGES })),
    );
    const { project_id } = dataOf<{ project_id: string }>(made.body);
    expect(await deps.repository.get(project_id)).toMatchObject({ user_id: "ada", created_by: "key:ada" });
    for (const path of ["pause", "cancel", "delete", "retry", "resume"]) {
      const { body } = await call(`/trpc/projects.${path}`, as(bob, post({ project_id })));
      expect([path, codeOf(body)]).toEqual([path, "FORBIDDEN"]);
    }
    const before = await deps.repository.get(project_id);
    expect(before).toMatchObject({ status: "queued", revision: 1 });
    const recorded = { project_id, stage: "one", artifacts: ["a.txt"].map((path) => ({ path })) };
    expect(codeOf((await call("/trpc/artifacts.record", as(bob, post(recorded)))).body)).toBe("FORBIDDEN");
    expect((await call(`/trpc/projects.get${query({ project_id })}`, as(bob))).status).toBe(200);
    expect((await call("/trpc/projects.pause", as(ada, post({ project_id })))).status).toBe(200);
    expect((await deps.repository.get(project_id)).control).toMatchObject({ by: "key:ada" });
    expect((await call("/trpc/projects.resume", as(ops, post({ project_id })))).status).toBe(200);
    expect((await call("/trpc/projects.delete", as(ada, post({ project_id })))).status).toBe(200);
  });

  it("takes user_id from who asks; operators and runners may name another", async () => {
    const { call, issue, as } = await aGuardedApi();
    const create = async (role: NewKey["role"], user_id: string) => {
      const key = await issue({ name: `k-${role}`, role, user_id: "own" });
      const { body } = await call(
        "/trpc/projects.create",
        as(key, post({ requirement: "x", stages: OWN_STAGES, user_id })),
      );
      return codeOf(body) ?? dataOf<{ user_id: string }>(body).user_id;
    };
    expect(await create("member", "own")).toBe("own");
    expect(await create("member", "eve")).toBe("FORBIDDEN");
    expect(await create("operator", "eve")).toBe("eve");
    expect(await create("runner", "eve")).toBe("eve");
  });

  it("gives a runner work of its own pipelines alone", async () => {
    const { call, issue, as } = await aGuardedApi();
    const admin = await issue({ name: "admin", role: "admin" });
    const runner = await issue({ name: "ci", role: "runner", pipelines: ["mine"] });
    for (const pipeline of ["theirs", "mine"])
      await call(
        "/trpc/projects.create",
        as(admin, post({ requirement: pipeline, pipeline, stages: OWN_STAGES })),
      );
    const claim = (more: object) => call("/trpc/work.claim", as(runner, post({ owner: "r", ...more })));
    expect(codeOf((await claim({ pipelines: ["theirs"] })).body)).toBe("FORBIDDEN");
    expect(dataOf<{ project: { pipeline: string } }>((await claim({})).body).project.pipeline).toBe("mine");
    expect(dataOf<unknown>((await claim({})).body)).toBeNull();
  });
});

describe("API keys", () => {
  it("are shown once, stored as a hash, and never listed with their secret", async () => {
    const { call, issue, as, records } = await aGuardedApi();
    const admin = await issue({ name: "admin", role: "admin" });
    const made = await call(
      "/trpc/keys.create",
      as(admin, post({ name: "ci", role: "runner", pipelines: ["a"] })),
    );
    const { key, key_id } = dataOf<{ key: string; key_id: string }>(made.body);
    expect(key).toMatch(/^sf_[0-9a-f]{12}_[A-Za-z0-9_-]{32}$/);
    const secret = key.split("_").slice(2).join("_");
    expect(JSON.stringify(await records.get({ pk: `key#${key_id}`, sk: "key" }))).not.toContain(secret);
    const { text } = await call("/trpc/keys.list", as(admin));
    expect(text).toContain('"ci"');
    expect(text).not.toContain(secret);
    expect(text).not.toContain("sha256");
  });

  it("stop working when revoked, rotated or over, and what they have open ends within a second", async () => {
    const { call, url, issue, as, auth, deps } = await aGuardedApi();
    const admin = await issue({ name: "admin", role: "admin" });
    const { key, record } = await auth.keys.create({ name: "ci", role: "member" }, "test");
    const { project_id } = await deps.repository.control.create({ requirement: "x" }, { stages: OWN_STAGES });
    const watches = [
      await openStream(`${url}/trpc/projects.watch${query({ project_id })}`, key),
      await openStream(`${url}/trpc/projects.watchList${query({})}`, key),
      await openStream(
        `${url}/trpc/projects.watchMany${query({ logs: [{ project_id, stage: "one" }] })}`,
        key,
      ),
    ];
    expect(auth.open.size).toBe(3);
    const revokedAt = performance.now();
    await call("/trpc/keys.revoke", as(admin, post({ key_id: record.key_id })));
    await Promise.all(watches.map(({ ended }) => ended));
    // Some milliseconds; a busy machine takes longer, and a stream that is not ended never ends.
    expect(performance.now() - revokedAt).toBeLessThan(10_000);
    expect((await call("/trpc/projects.list", as(key))).status).toBe(401);
    await expect.poll(() => auth.open.size).toBe(0);

    const second = await auth.keys.create({ name: "two", role: "member" }, "test");
    const rotated = await auth.keys.rotate(second.record.key_id);
    expect((await call("/trpc/projects.list", as(second.key))).status).toBe(401);
    expect((await call("/trpc/projects.list", as(rotated.key))).status).toBe(200);

    const valid_until = new Date(deps.clock.now() + 60_000).toISOString();
    const brief = await issue({ name: "brief", role: "member", valid_until });
    expect((await call("/trpc/projects.list", as(brief))).status).toBe(200);
    deps.clock.pass(61);
    expect((await call("/trpc/projects.list", as(brief))).status).toBe(401);
    // A new secret of such a key would be as useless as the old one.
    const [, overId] = brief.split("_");
    for (const key_id of [record.key_id, overId]) {
      const refused = await call("/trpc/keys.rotate", as(admin, post({ key_id })));
      expect([refused.status, JSON.stringify(refused.body)]).toEqual([
        400,
        expect.stringContaining("is revoked or over"),
      ]);
    }
  });

  it("that rotate or revoke themselves are told so: who rotates their own key gets its new secret", async () => {
    const { call, issue, as } = await aGuardedApi();
    const admin = await issue({ name: "admin", role: "admin" });
    const key_id = admin.split("_")[1];
    const rotated = await call("/trpc/keys.rotate", as(admin, post({ key_id })));
    const { key } = dataOf<{ key: string }>(rotated.body);
    expect((await call("/trpc/keys.list", as(key))).status).toBe(200);
    expect((await call(`/v1/keys/${key_id}/rotate`, as(key, { method: "POST" }))).status).toBe(200);
    const other = await issue({ name: "other", role: "admin" });
    const revoked = await call("/trpc/keys.revoke", as(other, post({ key_id: other.split("_")[1] })));
    expect(dataOf<{ revoked_at: string }>(revoked.body).revoked_at).toBeDefined();
    expect((await call("/trpc/keys.list", as(other))).status).toBe(401);
  });

  it("whose secret was rotated are no good for what the old one began: sign-ins, and streams of other processes", async () => {
    const { auth, as, url, records, deps } = await aGuardedApi();
    const onError = (error: unknown) => expect.unreachable(String(error));
    const other = new Auth({ keys: true }, { records, clock: deps.clock, onError });
    const elsewhere = await serve({ ...deps, auth: other });
    closers.push(() => elsewhere.close());
    const { key, record } = await auth.keys.create({ name: "ada", role: "member" }, "test");
    const signIn = async (base: string, bearer: string) => {
      const { headers } = await fetch(`${base}/auth/session`, as(bearer, { method: "POST" }));
      return (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    };
    const cookies = [await signIn(url, key), await signIn(elsewhere.url, key)];
    const stream = await openStream(`${elsewhere.url}/trpc/projects.watchList${query({})}`, key);
    const rotated = await auth.keys.rotate(record.key_id);
    const status = async (base: string, cookie: string) =>
      (await fetch(`${base}/trpc/session.get`, { headers: { cookie } })).status;
    expect(await status(url, cookies[0] ?? "")).toBe(401);
    await expect.poll(() => status(elsewhere.url, cookies[1] ?? ""), { timeout: 10_000 }).toBe(401);
    await stream.ended;
    expect(await status(elsewhere.url, await signIn(elsewhere.url, rotated.key))).toBe(200);
  });

  it("are rotated once by two at the same time: no caller has a new secret that is refused", async () => {
    const { auth, call, as } = await aGuardedApi();
    const { record } = await auth.keys.create({ name: "ci", role: "member" }, "test");
    const [one, two] = await Promise.allSettled([
      auth.keys.rotate(record.key_id),
      auth.keys.rotate(record.key_id),
    ]);
    const [given, ...others] = [one, two].flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    expect(others).toEqual([]);
    expect((await call("/trpc/projects.list", as(given?.key ?? ""))).status).toBe(200);
    const [refused] = [one, two].flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
    expect(refused).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("at the same time"),
    });
  });

  it("make one first key, however many processes start at once, and keep it for the owner alone", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stagefold-first-key-"));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const { auth, call, as } = await aGuardedApi();
    const made = await Promise.all([1, 2, 3].map(() => makeFirstKey(auth.keys, folder)));
    const [first, ...others] = made.filter((one) => one !== undefined);
    expect(others).toEqual([]);
    expect((await stat(first?.file ?? "")).mode & 0o777).toBe(0o600);
    expect((await readFile(first?.file ?? "", "utf8")).trim()).toBe(first?.key);
    expect((await call("/trpc/keys.list", as(first?.key ?? ""))).status).toBe(200);
    expect(await makeFirstKey(auth.keys, folder)).toBeUndefined();
  });

  it("of a first start that was killed halfway are finished by the next one", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stagefold-first-key-"));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const killed = await aGuardedApi();
    await makeFirstKey(killed.auth.keys, folder);
    // The file is there, the record is not.
    const { auth, call, as } = await aGuardedApi();
    const first = await makeFirstKey(auth.keys, folder);
    expect((await call("/trpc/keys.list", as(first?.key ?? ""))).status).toBe(200);
    // Another data folder on the same records: its file would be of a key that is none.
    const other = await mkdtemp(join(tmpdir(), "stagefold-first-key-"));
    closers.push(() => rm(other, { recursive: true, force: true }));
    expect(await makeFirstKey(auth.keys, other)).toBeUndefined();
    expect(await readdir(other)).toEqual([]);
  });

  it("say coarsely when they were last used", async () => {
    const { auth, issue } = await aGuardedApi();
    const key = await issue({ name: "ci", role: "member" });
    await auth.keys.verify(key);
    await expect.poll(async () => (await auth.keys.list())[0]?.last_used_at).toBeDefined();
  });
});

describe("a browser's session", () => {
  it("is a cookie made of a key, ends when signed out, and is no use to another site", async () => {
    const { call, issue, as, url } = await aGuardedApi();
    const key = await issue({ name: "ada", role: "member" });
    const begun = await fetch(`${url}/auth/session`, as(key, { method: "POST" }));
    const set = begun.headers.get("set-cookie") ?? "";
    expect(set).toMatch(/^stagefold_session=[A-Za-z0-9_-]{43}; .*HttpOnly; SameSite=Lax/);
    const cookie = set.split(";")[0] ?? "";
    expect((await call("/trpc/session.get", { headers: { cookie } })).body).toMatchObject({
      result: { data: { name: "ada", role: "member" } },
    });
    const create = { ...post({ requirement: "x", stages: OWN_STAGES }) };
    const from = (headers: Record<string, string>) =>
      call("/trpc/projects.create", {
        ...create,
        headers: { ...Object.fromEntries(new Headers(create.headers)), cookie, ...headers },
      });
    expect(codeOf((await from({})).body)).toBe("FORBIDDEN");
    expect(codeOf((await from({ origin: "https://evil.example" })).body)).toBe("FORBIDDEN");
    expect((await from({ origin: url })).status).toBe(200);
    const out = await fetch(`${url}/auth/session`, { method: "DELETE", headers: { cookie, origin: url } });
    expect(out.status).toBe(200);
    expect((await call("/trpc/session.get", { headers: { cookie } })).status).toBe(401);
  });

  it("ends everywhere when asked, and with its key", async () => {
    const { call, issue, as, url, auth } = await aGuardedApi();
    const { key, record } = await auth.keys.create({ name: "ada", role: "member" }, "test");
    const other = await issue({ name: "bob", role: "member" });
    const signIn = async (bearer: string) => {
      const { headers } = await fetch(`${url}/auth/session`, as(bearer, { method: "POST" }));
      return (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    };
    const [phone, laptop, bobs] = [await signIn(key), await signIn(key), await signIn(other)];
    const status = async (cookie: string) =>
      (await call("/trpc/session.get", { headers: { cookie } })).status;
    expect([await status(phone), await status(laptop), await status(bobs)]).toEqual([200, 200, 200]);
    await fetch(`${url}/auth/session?everywhere=1`, {
      method: "DELETE",
      headers: { cookie: phone, origin: url },
    });
    expect([await status(phone), await status(laptop), await status(bobs)]).toEqual([401, 401, 200]);
    const again = await signIn(key);
    await auth.keys.revoke(record.key_id);
    expect(await status(again)).toBe(401);
  });
});

describe("the audit log", () => {
  it("has every mutation and every refusal by role, newest first, for admins alone", async () => {
    const { call, issue, as, deps } = await aGuardedApi();
    const [admin, viewer] = [
      await issue({ name: "root", role: "admin" }),
      await issue({ name: "eve", role: "viewer" }),
    ];
    const made = await call(
      "/trpc/projects.create",
      as(admin, post({ requirement: "x", stages: OWN_STAGES })),
    );
    const { project_id } = dataOf<{ project_id: string }>(made.body);
    deps.clock.pass(1);
    await call("/trpc/projects.pause", as(viewer, post({ project_id })));
    deps.clock.pass(1);
    await call("/trpc/projects.resume", as(admin, post({ project_id })));
    deps.clock.pass(1);
    await call(`/trpc/projects.get${query({ project_id })}`, as(admin));
    expect(codeOf((await call("/trpc/audit.list", as(viewer))).body)).toBe("FORBIDDEN");
    const { body } = await call(`/trpc/audit.list${query({ limit: 3 })}`, as(admin));
    const page = dataOf<{ items: object[]; next_cursor: string }>(body);
    expect(page.items).toMatchObject([
      { procedure: "audit.list", by: "key:eve", result: "FORBIDDEN" },
      { procedure: "projects.resume", by: "key:root", result: "PROJECT_CONFLICT", project_id },
      {
        procedure: "projects.pause",
        by: "key:eve",
        role: "viewer",
        result: "FORBIDDEN",
        project_id,
        from: "127.0.0.1",
      },
    ]);
    const rest = await call(`/trpc/audit.list${query({ limit: 50, cursor: page.next_cursor })}`, as(admin));
    expect(dataOf<{ items: object[] }>(rest.body).items).toMatchObject([
      { procedure: "projects.create", by: "key:root", result: "ok", project_id },
    ]);
    const wrong = await call(`/trpc/audit.list${query({ cursor: "e30" })}`, as(admin));
    expect(codeOf(wrong.body)).toBe("INVALID_INPUT");
  });

  it("refuses the place of a day that never was, which failed, or is far ahead, which held the process up", async () => {
    const { call, issue, as, auth, deps } = await aGuardedApi();
    const admin = await issue({ name: "root", role: "admin" });
    for (const name of ["a", "b"]) {
      await auth.audit.add({ by: "key:root", role: "admin", procedure: name, result: "ok" });
      deps.clock.pass(1);
    }
    const { next_cursor } = await auth.audit.list(1);
    const given = decodeCursor(next_cursor ?? "", z.looseObject({}));
    for (const day of ["zzzz", "2025-02-30", "9999-12-31"]) {
      const cursor = encodeCursor({ ...given, at: { day, inner: null } });
      const { body } = await call(`/trpc/audit.list${query({ cursor })}`, as(admin));
      expect(codeOf(body), day).toBe("INVALID_INPUT");
    }
    expect((await auth.audit.list(10, next_cursor ?? "")).items).toMatchObject([{ procedure: "a" }]);
  });

  it("has a row for each of several builds, with its id and how it ended, and none for a dry run", async () => {
    const { call, issue, as, auth } = await aGuardedApi();
    const admin = await issue({ name: "root", role: "admin" });
    const rows = async () =>
      (await auth.audit.list(100)).items
        .map(({ procedure, project_id, result }) => `${procedure} ${project_id} ${result}`)
        .sort();
    const row = { requirement: "x", stages: OWN_STAGES };
    const made = await call(
      "/trpc/projects.createMany",
      as(admin, post({ projects: [row, row, { priority: 9 }] })),
    );
    const { items } = dataOf<{ items: { project?: { project_id: string } }[] }>(made.body);
    const [one, two] = items.map(({ project }) => project?.project_id);
    const created = [
      ...[one, two].map((id) => `projects.create ${id} ok`),
      "projects.create undefined INVALID_INPUT",
    ];
    expect(await rows()).toEqual(created.sort());
    const bulk = async (input: object) =>
      await call("/trpc/projects.bulk", as(admin, post({ filter: {}, ...input })));
    await bulk({ action: "delete", dry_run: true });
    expect(await rows()).toHaveLength(3);
    await bulk({ action: "cancel" });
    const cancelled = [one, two].map((id) => `projects.cancel ${id} ok`);
    expect(await rows()).toEqual([...created, ...cancelled].sort());
    await bulk({ action: "explode" });
    expect(await rows()).toContain("projects.bulk undefined INVALID_INPUT");
  });

  it("has the refusal of an upload, as of a procedure", async () => {
    const { call, issue, as } = await aGuardedApi();
    const [admin, viewer] = [
      await issue({ name: "root", role: "admin" }),
      await issue({ name: "eve", role: "viewer" }),
    ];
    const project_id = "proj_000000000001";
    const to = `/artifacts/${project_id}/a?stage=one&attempt=1`;
    expect((await call(to, as(viewer, { method: "PUT", body: "x" }))).status).toBe(403);
    const { body } = await call("/trpc/audit.list", as(admin));
    expect(dataOf<{ items: object[] }>(body).items).toMatchObject([
      { procedure: "artifacts.put", by: "key:eve", role: "viewer", result: "FORBIDDEN", project_id },
    ]);
  });
});

describe("limits", () => {
  it("refuse a key that asks too often, and say when to come back", async () => {
    const { call, issue, as } = await aGuardedApi({ ratePerMinute: 60 });
    const key = await issue({ name: "ci", role: "member" });
    const statuses: number[] = [];
    let retryAfter: string | null = null;
    for (let i = 0; i < 10; i++) {
      const { status, headers } = await call("/trpc/session.get", as(key));
      statuses.push(status);
      if (status === 429) retryAfter = headers.get("retry-after");
    }
    expect(statuses.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 200));
    expect(statuses.slice(7)).toContain(429);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  });

  it("fill up again, each caller by itself", () => {
    let now = 0;
    const limit = new RateLimit(600, () => now);
    for (let i = 0; i < 60; i++) limit.take("a");
    expect(() => limit.take("a")).toThrow(
      expect.objectContaining({ code: "RATE_LIMITED", data: { retry_after: 1 } }),
    );
    limit.take("b");
    now += 100;
    limit.take("a");
    expect(() => limit.take("a")).toThrow();
  });
});

describe("the limit of an address", () => {
  it("is one for all addresses of a network of IPv6, which a client has to itself, however they are written", () => {
    const deps = { records: new MemoryRecordStore(), clock: memoryDeps().clock, onError: () => undefined };
    const publicUrl = new URL("https://builds.example.org");
    const auth = new Auth({ keys: true, ratePerMinute: 10, publicUrl }, deps);
    const isTaken = (from: string) => {
      const req = new IncomingMessage(new Socket());
      req.headers = { "x-forwarded-for": from };
      try {
        auth.limitAddress(req);
        return true;
      } catch {
        return false;
      }
    };
    for (const [first, ...same] of [
      ["2001:db8::1", "2001:db8::2", "2001:db8::1:2:3:4", "2001:db8:0:0:9:9:9:9"],
      ["2001:db8:0:1::1", "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"],
      ["2001:db8:1::1", "2001:db8:1::2:3:4:5", "2001:db8:1:0:2:3:4:5"],
      ["::1", "::2"],
      ["192.0.2.1", "192.0.2.1"],
    ]) {
      expect(isTaken(first ?? ""), first).toBe(true);
      for (const from of same) expect(isTaken(from), from).toBe(false);
    }
    for (const other of [
      "2001:db8:0:2::1",
      "192.0.2.2",
      "::ffff:192.0.2.3",
      "::ffff:192.0.2.4",
      "fe80::1",
      "fe80::2",
    ])
      expect(isTaken(other), other).toBe(true);
  });
});

describe("behind a proxy", () => {
  const publicUrl = new URL("https://builds.example.org");

  it("answers to the public name and origin, and says what it got and which setting allows it", async () => {
    const deps = memoryDeps();
    await using api = await serve({ ...deps, publicUrl });
    const ask = (headers: Record<string, string>) => statusOf(api.url, headers);
    expect(await ask({ host: "builds.example.org", origin: "https://builds.example.org" })).toBe(200);
    expect(await ask({ host: "evil.example" })).toBe(403);
    expect(await ask({ host: "builds.example.org", origin: "https://evil.example" })).toBe(403);
  });

  it("listens anywhere only when it asks who calls", async () => {
    const deps = memoryDeps();
    await expect(startApi(deps, { host: "0.0.0.0", port: 0 })).rejects.toMatchObject({
      code: "HOST_NOT_LOOPBACK",
    });
  });

  it("says an address at which it is reached where it listens on all of them", async () => {
    const deps = memoryDeps();
    const onError = (error: unknown) => expect.unreachable(String(error));
    const auth = new Auth({ keys: true }, { records: new MemoryRecordStore(), clock: deps.clock, onError });
    await using api = await startApi({ ...deps, auth, publicUrl }, { host: "0.0.0.0", port: 0 });
    expect(new URL(api.url).hostname).toBe("127.0.0.1");
    expect(await statusOf(api.url, {})).toBe(401);
  });
});

/** `fetch` sets these headers by itself. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  return await new Promise((resolve, reject) => {
    get(`${url}/trpc/system.info`, { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    }).on("error", reject);
  });
}

async function openStream(url: string, key: string): Promise<{ ended: Promise<void> }> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream" };
    get(url, { headers }, (answer) => {
      const ended = new Promise<void>((end) => answer.once("close", end));
      answer.on("error", () => undefined);
      answer.once("data", () => resolve({ ended }));
    }).on("error", reject);
  });
}
