import { once } from "node:events";
import { connect } from "node:net";
import { MemoryRecordStore } from "@stagefold/core";
import { afterEach, describe, expect, it } from "vitest";
import { callerOf, memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { until } from "../../test/reading.ts";
import { post, query, serve } from "../../test/serve.ts";
import { restRoutes } from "../http/rest/table.ts";
import { appRouter } from "../routers/index.ts";
import { Auth } from "./authenticate.ts";

/** What only those who are let in may see. */
const SECRET = "the-secret-requirement";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function aGuardedBuild() {
  const records = new MemoryRecordStore();
  const deps = memoryDeps();
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth({ keys: true }, { records, clock: deps.clock, onError });
  const api = await serve({ ...deps, auth, records });
  closers.push(() => api.close());
  const program = await Program.begin(callerOf(deps), { requirement: SECRET });
  await program.report({ event: "started", stage: "one" });
  const { project_id } = program;
  await deps.artifacts.put({ project_id, stage: "one", attempt: 1, path: "a" }, Buffer.from(SECRET));
  await program.report({ event: "artifacts", stage: "one", artifacts: [{ path: "a" }] });
  const { key, record } = await auth.keys.create({ name: "ada", role: "admin" }, "test");
  const { host, port } = new URL(api.url);
  /** The request as it is, which no client has put in order; all of the answer. */
  const raw = async (line: string, headers: Record<string, string> = {}) => {
    const socket = connect(Number(port), "127.0.0.1");
    const named = { host, connection: "close", ...headers };
    const lines = Object.entries(named).map(([name, value]) => `${name}: ${value}`);
    socket.end(`${line} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      // A stream does not end by itself.
      if (text.includes("event: connected")) socket.destroy();
    });
    await once(socket, "close");
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1] ?? 0), text };
  };
  const revision = async () => (await deps.repository.get(project_id)).revision;
  return { ...api, deps, auth, program, project_id, key, record, raw, revision, host };
}

/** Every procedure and route, with an input that reaches the build. */
function addressesOf(project_id: string): [method: string, path: string][] {
  const input = query({
    project_id,
    stage: "one",
    owner: "x",
    lease_token: 1,
    lease_seq: 1,
    project_ids: [project_id],
  });
  const procedures = Object.keys(appRouter._def.procedures).flatMap((name): [string, string][] => [
    ["GET", `/trpc/${name}${input}`],
    ["POST", `/trpc/${name}`],
  ]);
  const resources = restRoutes().map(({ method, path }): [string, string] => [
    method.toUpperCase(),
    `/v1${path.replace("{project_id}", project_id).replace(/\{\w+\}/g, "one")}`,
  ]);
  return [
    ...procedures,
    ...resources,
    ["GET", "/v1/openapi.json"],
    ["POST", "/mcp"],
    ["GET", `/artifacts/${project_id}/a`],
    ["HEAD", `/artifacts/${project_id}/a`],
    ["PUT", `/artifacts/${project_id}/a?stage=one&attempt=1`],
    ["GET", "/metrics"],
    ["POST", "/auth/session"],
    ["DELETE", "/auth/session?everywhere=1"],
  ];
}

describe("who is not let in", () => {
  it.each<[string, (all: { key: string; project_id: string }) => Record<string, string>]>([
    ["says nothing", () => ({})],
    ["has a key that there is not", () => ({ authorization: `Bearer sf_000000000000_${"x".repeat(32)}` })],
    [
      "has the secret of a key under another id",
      ({ key }) => ({ authorization: `Bearer sf_000000000000_${key.slice(-32)}` }),
    ],
    [
      "has a key with one letter changed",
      ({ key }) => ({ authorization: `Bearer ${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}` }),
    ],
    [
      "sends it as Basic",
      ({ key }) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` }),
    ],
    ["sends it without a scheme", ({ key }) => ({ authorization: key })],
    [
      "has a token signed by nobody",
      () => ({ authorization: `Bearer ${unsigned({ sub: "admin", role: "admin" })}` }),
    ],
    ["has a made-up cookie", () => ({ cookie: `stagefold_session=${"A".repeat(43)}` })],
    ["has the key in a cookie", ({ key }) => ({ cookie: `stagefold_session=${key}` })],
    ["has the key in other headers", ({ key }) => ({ "x-api-key": key, "x-authorization": `Bearer ${key}` })],
    [
      "claims to be the proxy",
      ({ key }) => ({ "x-forwarded-user": "admin", "x-forwarded-for": "127.0.0.1", "x-key": key }),
    ],
    [
      "sends a key and what is none",
      () => ({ authorization: `Bearer sf_000000000000_${"x".repeat(32)}, Bearer y` }),
    ],
  ])("one that %s gets nothing from any address, and changes nothing", async (_name, headersOf) => {
    const { raw, key, project_id, revision } = await aGuardedBuild();
    const before = await revision();
    for (const [method, path] of addressesOf(project_id)) {
      const { status, text } = await raw(`${method} ${path}`, headersOf({ key, project_id }));
      expect([status, text.includes(SECRET)], `${method} ${path}: ${text.slice(-300)}`).toEqual([401, false]);
    }
    expect(await revision()).toBe(before);
  });

  it("a key in the address is none, however it is called", async () => {
    const { raw, key, project_id } = await aGuardedBuild();
    for (const name of ["key", "api_key", "access_token", "token", "authorization", "connectionParams"])
      for (const path of [`/trpc/projects.get${query({ project_id })}`, `/artifacts/${project_id}/a?`]) {
        const { status, text } = await raw(`GET ${path}&${name}=${encodeURIComponent(key)}`);
        expect([status, text.includes(SECRET)], name).toEqual([401, false]);
      }
  });

  it("no spelling of an address goes round the door, nor breaks it", async () => {
    const { raw, project_id, host } = await aGuardedBuild();
    const input = query({ project_id });
    const addresses = [
      ...["//trpc/projects.get", "/./trpc/projects.get", "/x/../trpc/projects.get", "/trpc//projects.get"],
      ...["/%74rpc/projects.get", "/trpc%2fprojects.get", "/trpc/projects%2eget", "/TRPC/projects.get"],
      ...["/trpc/projects.get/", "/trpc;a/projects.get", "/trpc/projects.get;a", "/trpc\\projects.get"],
      ...["/auth/../trpc/projects.get", "/healthz/../trpc/projects.get", "/healthz/trpc/projects.get"],
      ...[
        "/trpc/projects.get,projects.list",
        "/trpc/projects.watch",
        "/trpc/projects.watch/",
        "/trpc/./projects.watch",
      ],
      ...["/assets/../trpc/projects.get", "/trpc/projects.get%00", "/trpc/projects.get%0d%0a"],
      `http://${host}/trpc/projects.get`,
      `http://evil.example/trpc/projects.get`,
    ].map((path) => path + input);
    for (const tail of [
      `${project_id}/a`,
      `${project_id}//a`,
      `${project_id}/../${project_id}/a`,
      `${project_id}/%2e%2e/a`,
    ])
      for (const top of ["/artifacts/", "//artifacts/", "/artifacts/./", "/Artifacts/", "/%61rtifacts/"])
        addresses.push(top + tail);
    addresses.push(
      "/metrics/",
      "//metrics",
      "/METRICS",
      "/metrics;x",
      "/%6detrics",
      "*",
      "/metrics/../metrics",
    );
    for (const address of addresses)
      for (const method of ["GET", "POST", "HEAD", "PUT", "OPTIONS"]) {
        const { status, text } = await raw(`${method} ${address}`, { accept: "text/html" });
        expect(
          text.includes(SECRET) || text.includes("stagefold_http_requests"),
          `${method} ${address}`,
        ).toBe(false);
        // The page is not built here, and says so.
        if (!text.includes("Content-Type: text/plain"))
          expect(status, `${method} ${address}: ${text}`).toBeLessThan(500);
      }
  });

  it("a page of another site gets nothing by a browser that is signed in, and changes nothing", async () => {
    const { raw, key, project_id, revision, url } = await aGuardedBuild();
    const begun = await fetch(`${url}/auth/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
    });
    const cookie = begun.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
    const before = await revision();
    expect((await raw(`GET /trpc/projects.get${query({ project_id })}`, { cookie })).text).toContain(SECRET);
    for (const foreign of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    ])
      for (const [method, path] of addressesOf(project_id)) {
        const { status, text } = await raw(`${method} ${path}`, { cookie, ...foreign });
        expect([status, text.includes(SECRET)], `${method} ${path}`).toEqual([403, false]);
      }
    expect(await revision()).toBe(before);
  });
});

describe("who is not let in any more", () => {
  it("loses a stream within a second: with a revoked key, a sign-out, and a sign-out everywhere", async () => {
    const { auth, key, record, project_id, url } = await aGuardedBuild();
    const signIn = async () => {
      const begun = await fetch(`${url}/auth/session`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
      });
      return begun.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
    };
    const signOut = (cookie: string, everywhere = "") =>
      fetch(`${url}/auth/session${everywhere}`, { method: "DELETE", headers: { cookie, origin: url } });
    const follow = async (headers: Record<string, string>, procedure = "projects.watch") => {
      const answer = await fetch(
        `${url}/trpc/${procedure}${query(procedure === "projects.watch" ? { project_id } : {})}`,
        { headers },
      );
      const state = { ended: false };
      void (async () => {
        for await (const _part of answer.body ?? []);
      })()
        .catch(() => undefined)
        .finally(() => {
          state.ended = true;
        });
      expect(answer.status).toBe(200);
      return state;
    };
    const cookies = [await signIn(), await signIn(), await signIn()];
    const [phone = "", laptop = "", tablet = ""] = cookies;
    const streams = [
      await follow({ cookie: phone }),
      await follow({ cookie: laptop }, "projects.watchList"),
      await follow({ cookie: tablet }),
    ];
    const ofKey = await follow({ authorization: `Bearer ${key}` });
    expect((await signOut(phone)).status).toBe(200);
    await until(() => streams[0]?.ended === true);
    expect(streams.map(({ ended }) => ended)).toEqual([true, false, false]);
    const everywhere = await signOut(laptop, "?everywhere=1");
    expect([everywhere.status, await everywhere.json()]).toEqual([200, { signed_out: true }]);
    await until(() => streams.every(({ ended }) => ended));
    expect(ofKey.ended).toBe(false);
    const later = await follow({ cookie: await signIn() });
    await auth.keys.revoke(record.key_id);
    await until(() => ofKey.ended && later.ended);
  });
});

describe("the audit log", () => {
  it("that cannot be written fails nothing that was done, and is counted", async () => {
    const { auth, key, url, call } = await aGuardedBuild();
    auth.audit.add = () => Promise.reject(new Error("the disk is full"));
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const made = await fetch(`${url}/trpc/projects.create`, {
      ...post({ requirement: "x", stages: OWN_STAGES }),
      headers,
    });
    expect(made.status).toBe(200);
    const metrics = (await call("/metrics", { headers: { authorization: `Bearer ${key}` } })).text;
    expect(metrics).toContain("stagefold_audit_rows_lost_total 1");
  });

  it("has no rows of programs that ask for work and get none, and one of each that gets some", async () => {
    const { auth, key, url, deps } = await aGuardedBuild();
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const claim = () => fetch(`${url}/trpc/work.claim`, { ...post({ owner: "program" }), headers });
    for (let i = 0; i < 3; i++) expect(await (await claim()).json()).toEqual({ result: { data: null } });
    expect((await auth.audit.list(10)).items).toEqual([]);
    await deps.repository.control.create({ requirement: "x" }, { stages: OWN_STAGES });
    await claim();
    expect((await auth.audit.list(10)).items).toMatchObject([{ procedure: "work.claim", result: "ok" }]);
  });
});

function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none", typ: "JWT" })}.${part({ exp: 4_000_000_000, ...claims })}.x`;
}
