import { randomBytes } from "node:crypto";

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createFileStores } from "@stagefold/core/files";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { until } from "../../test/reading.ts";
import { query } from "../../test/serve.ts";
import { startApi } from "../index.ts";
import { createWatch } from "../watch/index.ts";

const TIMES = SOAK ? 1000 : 20;
/** The protocol's version whose answers have no pings. */
const PINNED = { versionNegotiation: { mode: { pin: "2026-07-28" } } } as const;
const ARTIFACT = randomBytes(1_500_000);

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

async function setUp(stalledMs?: number, requirementLength = 10) {
  const root = await mkdtemp(join(tmpdir(), "stagefold-abandoned-"));
  const deps = memoryDeps(undefined, createFileStores(root));
  const watch = createWatch(deps);
  const listen = { host: "127.0.0.1", port: 0, ...(stalledMs !== undefined && { stalledMs }) };
  const api = await startApi({ ...deps, watch }, listen);
  // Events of some length fill the buffers of the system soon.
  const program = await Program.begin(callerOf(deps), { requirement: "x".repeat(requirementLength) });
  const { project_id } = program;
  await program.report({ event: "started", stage: "one" });
  await deps.artifacts.put({ project_id, stage: "one", attempt: 1, path: "big.bin" }, ARTIFACT);
  await program.report({ event: "artifacts", stage: "one", artifacts: [{ path: "big.bin" }] });
  const port = Number(new URL(api.url).port);
  const dispose = async () => {
    await api.close();
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    deps,
    root,
    watch,
    program,
    project_id,
    lease: program.lease_token,
    port,
    [Symbol.asyncDispose]: dispose,
  };
}

type Setup = Awaited<ReturnType<typeof setUp>>;

/** Sends this and goes away, having read so much of the answer. */
async function abandon({ port }: Setup, text: string, readBytes: number): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.write(text);
  let read = 0;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 1000);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    if (readBytes === 0) setTimeout(done, 5);
    else
      socket.on("data", (part) => {
        read += part.length;
        if (read < readBytes) return;
        socket.pause();
        done();
      });
    socket.on("close", done);
  });
  socket.destroy();
}

const head = (port: number, line: string, ...more: string[]) =>
  `${[`${line} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...more].join("\r\n")}\r\n\r\n`;
const watchOf = ({ project_id }: Setup) => `GET /trpc/projects.watch${query({ project_id })}`;
const manyOf = ({ project_id }: Setup) =>
  `GET /trpc/projects.watchMany${query({ project_ids: [project_id], logs: [{ project_id, stage: "one" }] })}`;
const bytesOf = ({ project_id }: Setup) => `GET /artifacts/${project_id}/big.bin`;

function mcpCall(port: number): string {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });
  const accept = "accept: application/json, text/event-stream";
  const headers = ["content-type: application/json", accept, `content-length: ${body.length}`];
  return head(port, "POST /mcp", ...headers) + body;
}

/** What is sent, and how much of the answer is read. */
const EXCHANGES: Record<string, (all: Setup) => readonly [text: string, readBytes: number]> = {
  "twenty pipelined watches": (all) => [head(all.port, watchOf(all)).repeat(20), 200],
  "twenty pipelined watches by tRPC": (all) => [head(all.port, manyOf(all)).repeat(20), 200],
  "twenty pipelined artifacts": (all) => [head(all.port, bytesOf(all)).repeat(20), 100_000],
  "twenty pipelined readings of the metrics": (all) => [head(all.port, "GET /metrics").repeat(20), 100],
  "more pipelined requests than are let wait": (all) => [head(all.port, watchOf(all)).repeat(300), 200],
  "a watch": (all) => [head(all.port, watchOf(all)), 200],
  "a watch by REST": (all) => [head(all.port, `GET /v1/projects/${all.project_id}/events`), 200],
  "twenty pipelined watches by REST": (all) => [
    head(all.port, `GET /v1/projects/${all.project_id}/events`).repeat(20),
    200,
  ],
  "a call by MCP that is gone before its answer": ({ port }) => [mcpCall(port), 0],
  "twenty pipelined calls by MCP": ({ port }) => [mcpCall(port).repeat(20), 200],
  "a watch of a list": (all) => [head(all.port, "GET /trpc/projects.watchList"), 100],
  "a watch that is gone before its answer": (all) => [head(all.port, manyOf(all)), 0],
  "an artifact that is half read": (all) => [head(all.port, bytesOf(all)), 100_000],
  "an artifact that is not read": (all) => [head(all.port, bytesOf(all)), 0],
  "half a head": ({ port }) => [head(port, "GET /trpc/projects.list").slice(0, 40), 0],
  "half a body": ({ port }) => [
    `${head(port, "POST /trpc/projects.create", "content-type: application/json", "content-length: 1000")}{"re`,
    0,
  ],
  "half an upload": ({ port, project_id, lease }) => [
    `${head(port, `PUT /artifacts/${project_id}/up.bin?stage=one&attempt=1`, `x-stagefold-lease: ${lease}`, "content-length: 900000")}${"x".repeat(10_000)}`,
    0,
  ],
  "no HTTP": () => ["\u0016\u0003\u0001\r\n\r\n", 10],
};

async function descriptors(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

function heapAfterCollection(): number {
  if (typeof collectGarbage === "function") collectGarbage();
  return process.memoryUsage().heapUsed;
}

// Skipped where the open files of a process cannot be counted.
describe.skipIf(process.platform !== "linux")("A3: exchanges that their client abandons", () => {
  it.each(Object.keys(EXCHANGES))(`A3: %s, ${TIMES} times, leave nothing behind`, async (name) => {
    await using all = await setUp();
    const [text, readBytes] = EXCHANGES[name]?.(all) ?? ["", 0];
    for (let i = 0; i < 10; i++) await abandon(all, text, readBytes);
    await sleep(100);
    const before = { descriptors: await descriptors(), timers: timers(), heap: heapAfterCollection() };
    for (let done = 0; done < TIMES; done += 10)
      await Promise.all(Array.from({ length: 10 }, () => abandon(all, text, readBytes)));
    await until(() => all.watch.projects.open.watches === 0 && all.watch.list.open === 0);
    await expect.poll(descriptors).toBeLessThanOrEqual(before.descriptors + 2);
    await expect.poll(timers).toBeLessThanOrEqual(before.timers + 3);
    // A stream that stays, or an answer, would be 5 KB and more each time: after a few times less than the heap grows by itself.
    if (SOAK)
      await expect
        .poll(() => heapAfterCollection() - before.heap, { interval: 500 })
        .toBeLessThan(3_000_000 + TIMES * 2000);
    const unfinished = () => readdir(join(all.root, ".tmp")).catch(() => []);
    await expect.poll(unfinished).toEqual([]);
  });

  it("A3: a reader that takes nothing is let go, of a stream and of a download; one that reads is not", async () => {
    await using all = await setUp(400, 16_000);
    const open = (line: string, times = 1) => {
      const socket = connect(all.port, "127.0.0.1").on("error", () => undefined);
      socket.write(head(all.port, line).repeat(times));
      return socket;
    };
    const reads = open(watchOf(all)).resume();
    const stalled = [open(manyOf(all)).pause(), open(watchOf(all)).pause(), open(bytesOf(all), 20).pause()];
    // That of many has one of the project and one of its log.
    await until(() => all.watch.projects.open.watches === 4);
    const withFiles = await descriptors();
    const end = performance.now() + 30_000;
    while (all.watch.projects.open.watches > 1 && performance.now() < end) {
      const lines = Array.from({ length: 5 }, () => randomBytes(100).toString("hex"));
      await all.program.report({ event: "log", stage: "one", lines });
      if (all.program.seq % 20 === 0) await sleep(1);
    }
    expect([all.watch.projects.open.watches, all.watch.list.open]).toEqual([1, 0]);
    expect(reads.readyState).toBe("open");
    // The sockets of three connections, and the file that one of them had open.
    await expect.poll(descriptors).toBeLessThan(withFiles - 3);
    for (const socket of [reads, ...stalled]) socket.destroy();
  });

  it("a call that waits for longer than a silent connection may is answered; half a request is cut", async () => {
    await using all = await setUp(200);
    const url = `http://127.0.0.1:${all.port}`;
    const client = new Client({ name: "test", version: "1" }, PINNED);
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
    const half = connect(all.port, "127.0.0.1").on("error", () => undefined);
    half.resume().write(EXCHANGES["half a body"]?.(all)[0] ?? "");
    const wait = { project_id: all.project_id, timeout_seconds: 1 };
    const started = performance.now();
    const answer = await client.callTool({ name: "wait_for_build", arguments: wait });
    expect(performance.now() - started).toBeGreaterThan(900);
    expect(answer.structuredContent).toMatchObject({ project_id: all.project_id, status: "building" });
    expect(half.destroyed).toBe(true);
    await client.close();
  });
});
