import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { until } from "../../../tooling/vitest/until.ts";
import { root, start, tempFolder } from "./harness.ts";

const itInSoak = it.runIf(SOAK);

/** Nothing but HTTP, as curl would: a query with its input in the address, a mutation with it in the body. */
function http(url: string) {
  const answer = async (response: Response) => {
    const body: unknown = await response.json();
    return { status: response.status, body };
  };
  return {
    query: async (procedure: string, input: unknown) =>
      await answer(
        await fetch(`${url}/trpc/${procedure}?input=${encodeURIComponent(JSON.stringify(input))}`),
      ),
    mutate: async (procedure: string, input: unknown) =>
      await answer(
        await fetch(`${url}/trpc/${procedure}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(input),
        }),
      ),
  };
}

// Skipped but in the long form: the protocol's cases of packages/client show it too, without the example.
const data = (answer: { body: unknown }) => Reflect.get(Reflect.get(Object(answer.body), "result"), "data");

describe("a program that knows only HTTP", () => {
  it("creates a project with its own stages, claims it, reports it to the end and uploads an artifact", async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path });
    const { query, mutate } = http(system.url);
    const stages = [{ stage: "fetch" }, { stage: "pack", stage_name: "Pack it", weight: 3 }];
    const created = data(
      await mutate("projects.create", { requirement: "pack the site", pipeline: "own", stages }),
    );
    expect(created).toMatchObject({ status: "queued", work_queue: expect.stringMatching(/^external#p3#/) });
    const { project_id } = created;
    const claim = data(await mutate("work.claim", { owner: "curl", pipelines: ["own"] }));
    expect(claim).toMatchObject({ project: { project_id }, lease_token: expect.any(Number) });
    const { lease_token } = claim;
    let seq = claim.lease_seq;
    const report = async (...events: unknown[]) =>
      await mutate("work.report", { project_id, lease_token, lease_seq: ++seq, events });
    await report(
      { event: "started", stage: "fetch" },
      { event: "log", stage: "fetch", lines: ["hello", "world"] },
    );
    const bytes = "the site";
    const put = await fetch(`${system.url}/artifacts/${project_id}/out/site.txt?stage=fetch&attempt=1`, {
      method: "PUT",
      headers: { "x-stagefold-lease": String(lease_token) },
      body: bytes,
    });
    const stored: unknown = await put.json();
    expect(stored).toMatchObject({ size: 8, sha256: createHash("sha256").update(bytes).digest("hex") });
    expect(data(await mutate("work.heartbeat", { project_id, lease_token }))).toMatchObject({
      status: "building",
    });
    await report(
      {
        event: "completed",
        stage: "fetch",
        output: { pages: 7 },
        artifacts: [{ path: "out/site.txt", ...Object(stored) }],
      },
      { event: "started", stage: "pack" },
    );
    const refused = await mutate("work.report", {
      project_id,
      lease_token: lease_token - 1,
      lease_seq: 99,
      events: [],
    });
    expect(refused).toMatchObject({
      status: 409,
      body: { error: { data: { stagefold: { code: "LEASE_LOST" } } } },
    });
    const ended = data(await report({ event: "completed", stage: "pack" }));
    expect(ended).toMatchObject({
      status: "completed",
      progress_percentage: 100,
      build_summary: { artifacts: 1 },
    });
    expect(await (await fetch(`${system.url}/artifacts/${project_id}/out/site.txt`)).text()).toBe(bytes);
    expect(data(await query("stages.logs", { project_id, stage: "fetch" }))).toMatchObject({
      items: [{ text: "hello" }, { text: "world" }],
    });
  });

  itInSoak("in Python: killed in the middle, another one takes over", async ({ skip }) => {
    skip(spawnSync("python3", ["--version"]).status !== 0, "python3 is not on this machine");
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path, env: { STAGEFOLD_LEASE_SECONDS: "6" } });
    const create = runner(system.url, "create", "Index the handbook");
    await create.ended;
    const project_id = create.out().trim();
    expect(project_id).toMatch(/^proj_[0-9a-f]{12}$/);
    const first = runner(system.url, "run", "--once", "--seconds", "1.5");
    await until("the second stage", () => (first.out().includes("index: attempt 1") ? true : undefined));
    first.child.kill("SIGKILL");
    await first.ended;
    const second = runner(system.url, "run", "--once", "--seconds", "0.4");
    await second.ended;
    const project = await system.client.projects.get({ project_id });
    expect(project.status, second.out()).toBe("completed");
    expect(project.stages_snapshot.stages.map((stage) => [stage.stage, stage.status, stage.attempt])).toEqual(
      [
        ["collect", "completed", 1],
        ["index", "completed", 2],
        ["verify", "completed", 1],
      ],
    );
    expect(project.stages_snapshot.stages[1]?.history).toMatchObject([
      { attempt: 1, status: "failed", code: "WORKER_LOST" },
    ]);
  });

  itInSoak("T: every call of the runner in Python may be repeated", async ({ skip }) => {
    skip(spawnSync("python3", ["--version"]).status !== 0, "python3 is not on this machine");
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path });
    await using doubling = await doublingProxy(system.url);
    const create = runner(doubling.url, "create", "Index the handbook twice");
    await create.ended;
    const run = runner(doubling.url, "run", "--once", "--seconds", "0.4");
    await run.ended;
    const { items } = await system.client.projects.list({});
    expect(items.map(({ project_id }) => project_id)).toEqual([create.out().trim()]);
    const project = await system.client.projects.get({ project_id: create.out().trim() });
    expect(project.status, run.out()).toBe("completed");
    expect(project.stages_snapshot.stages.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
    const logs = await system.client.stages.logs({ project_id: project.project_id, stage: "collect" });
    expect(logs.items).toHaveLength(4);
    expect(doubling.calls()).toBeGreaterThan(10);
  });

  itInSoak("in Python: one that was frozen gives its build up by itself", async ({ skip }) => {
    skip(spawnSync("python3", ["--version"]).status !== 0, "python3 is not on this machine");
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path, env: { STAGEFOLD_LEASE_SECONDS: "6" } });
    const create = runner(system.url, "create", "Index the handbook");
    await create.ended;
    const project_id = create.out().trim();
    const frozen = runner(system.url, "run", "--once", "--seconds", "60");
    await until("the first stage", () => (frozen.out().includes("collect: attempt 1") ? true : undefined));
    frozen.child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const second = runner(system.url, "run", "--once", "--seconds", "0.4");
    frozen.child.kill("SIGCONT");
    await until("its word", () => (frozen.out().includes("lease lost") ? true : undefined));
    await second.ended;
    const project = await system.client.projects.get({ project_id });
    expect(project.status, second.out()).toBe("completed");
    expect(project.stages_snapshot.stages[0]?.attempt).toBe(2);
    frozen.child.kill("SIGKILL");
    await frozen.ended;
  });

  itInSoak(
    "in Python: paused unheard in a stage, it records the stage's end and gives the build back",
    async ({ skip }) => {
      skip(spawnSync("python3", ["--version"]).status !== 0, "python3 is not on this machine");
      await using folder = await tempFolder();
      await using system = await start({ dataDir: folder.path, env: { STAGEFOLD_LEASE_SECONDS: "600" } });
      const create = runner(system.url, "create", "Index the handbook");
      await create.ended;
      const project_id = create.out().trim();
      // No heartbeat tells it of the pause: the refused start of the next stage is the first that it hears.
      const first = runner(system.url, "run", "--once", "--seconds", "4", "--beat", "1000");
      const get = () => system.client.projects.get({ project_id });
      await until("half of the first stage", async () =>
        (await get()).stages_snapshot.stages[0]?.progress === 50 ? true : undefined,
      );
      await system.client.projects.pause({ project_id });
      await first.ended;
      const paused = await get();
      expect(paused, first.out()).toMatchObject({ status: "paused", lease: { claims: 0 } });
      expect(paused.stages_snapshot.stages[0]).toMatchObject({ status: "completed", attempt: 1 });
      await system.client.projects.resume({ project_id });
      const second = runner(system.url, "run", "--once", "--seconds", "0.1");
      await second.ended;
      const project = await get();
      expect(project.status, second.out()).toBe("completed");
      expect(project.stages_snapshot.stages.map(({ attempt, history }) => [attempt, history])).toEqual([
        [1, []],
        [1, []],
        [1, []],
      ]);
    },
  );
});

describe("a program of Python over REST", () => {
  it("creates a build, follows its events and saves what it made", async ({ skip }) => {
    skip(spawnSync("python3", ["--version"]).status !== 0, "python3 is not on this machine");
    await using folder = await tempFolder();
    await using system = await start({ dataDir: join(folder.path, "data") });
    const save = join(folder.path, "built");
    const built = python(system.url, "build.py", "Convert units and count words", "--save", save);
    const [code] = await built.ended;
    expect(code, built.out()).toBe(0);
    expect(built.out()).toMatch(/^completed 100/m);
    const [{ project_id } = { project_id: "" }] = (await system.client.projects.list({})).items;
    const { items } = await system.client.artifacts.listByProject({ project_id, limit: 100 });
    expect(items.length).toBeGreaterThan(7);
    for (const { path, sha256 } of items) {
      const bytes = await readFile(join(save, path));
      expect(createHash("sha256").update(bytes).digest("hex"), path).toBe(sha256);
    }

    const refused = python(system.url, "build.py", "x", "--pipeline", "none-such");
    expect((await refused.ended)[0]).toBe(1);
    expect(refused.out()).toContain("PIPELINE_NOT_FOUND");
  });
});

/** The example runner as a process of its own. */
const runner = (url: string, ...args: string[]) => python(url, "runner.py", ...args);

function python(url: string, name: string, ...args: string[]) {
  const child = spawn("python3", ["-u", join(root, "examples/python", name), "--url", url, ...args], {
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1" },
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      out += String(chunk);
    });
  return { child, out: () => out, ended: once(child, "close") };
}

/** Sends every request twice, as a client does whose first answer was lost, and gives the second answer. */
async function doublingProxy(target: string) {
  let calls = 0;
  const server = createServer(async (req, res) => {
    const body = await buffer(req);
    const { host: _h, connection: _c, "content-length": _l, ...headers } = req.headers;
    const send = () =>
      fetch(target + req.url, {
        method: req.method ?? "POST",
        headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(body.length > 0 && { body }),
      });
    calls += 1;
    await (await send()).arrayBuffer();
    const answer = await send();
    res.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    res.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("expected a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

describe("a YAML pipeline", () => {
  it("of three commands builds to the end", async () => {
    await using folder = await tempFolder();
    await writeFile(
      join(folder.path, "docs.yaml"),
      `
name: docs-site
stages:
  - stage: fetch
    stage_name: { en: Get the sources, zh: 获取源码 }
    command: mkdir -p src && echo "# $STAGEFOLD_REQUIREMENT" > src/index.md && echo fetched
  - stage: test
    command: grep -q '#' src/index.md && echo tested >&2
    weight: 2
    env: { CI: "1" }
  - stage: build
    command: mkdir site && sed 's/^# //' src/index.md > site/index.txt
    artifacts: ["site/**"]
`,
    );
    await using system = await start({
      dataDir: join(folder.path, "data"),
      env: { STAGEFOLD_PIPELINES: folder.path },
    });
    const { client, url } = system;
    const { project_id } = await client.projects.create({
      requirement: "The handbook",
      pipeline: "docs-site",
    });
    const project = await client.projects.waitForEnd({ project_id });
    expect(project).toMatchObject({ status: "completed", build_summary: { artifacts: 1 } });
    expect(await (await fetch(`${url}/artifacts/${project_id}/site/index.txt`)).text()).toBe(
      "The handbook\n",
    );
    const { items } = await client.stages.logs({ project_id, stage: "test" });
    expect(items.map((line) => line.text)).toContain("tested");
  });
});
