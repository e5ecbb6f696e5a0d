import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createClient, type StagefoldClient } from "@stagefold/client";
import { createDynamoClient, DynamoRecordStore } from "@stagefold/core/dynamodb";
import { startEngine, startS3Double } from "@stagefold/store-testing";
import { expect, it } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { root, tempFolder } from "./harness.ts";

const BUILDS = 15;
const LINES = 40;
/** Builds that one machine runs at the same time. */
const AT_ONCE = 4;
/** The machine that has the stores, and the bridge that connects all. */
const STORES = "10.77.0.1";
const BRIDGE = "sf-bridge";

const PIPELINE = `name: two-machines
stages:
  - stage: make
    command: |
      printf '#!/bin/sh\\necho ran on %s\\n' "$STAGEFOLD_PROJECT_ID" > run.sh && chmod 755 run.sh
      head -c 200000 /dev/urandom > data.bin
      for i in $(seq ${LINES}); do echo "line $i"; sleep 0.05; done
    artifacts: [run.sh, data.bin]
  - stage: use
    command: |
      ./run.sh > out.txt && cat out.txt
      for i in $(seq ${LINES}); do echo "line $i"; sleep 0.05; done
    artifacts: [out.txt]
`;

const ip = (...args: string[]) => spawnSync("ip", args, { stdio: "ignore" }).status === 0;

/** Whether this user may make machines of its own: network namespaces need root. */
function canMakeMachines(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const can = ip("netns", "add", "sf-probe");
  ip("netns", "delete", "sf-probe");
  return can && spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;
}

/** A network of its own for each machine, which sees the others over the bridge alone. */
function makeNetwork(names: readonly string[]) {
  const remove = () => {
    for (const name of names) ip("netns", "delete", `sf-${name}`);
    ip("link", "delete", BRIDGE);
  };
  remove();
  ip("link", "add", BRIDGE, "type", "bridge");
  ip("addr", "add", `${STORES}/24`, "dev", BRIDGE);
  ip("link", "set", BRIDGE, "up");
  for (const [i, name] of names.entries()) {
    const [space, outer, inner] = [`sf-${name}`, `sfo-${name}`, `sfi-${name}`];
    ip("netns", "add", space);
    ip("link", "add", outer, "type", "veth", "peer", "name", inner);
    ip("link", "set", outer, "master", BRIDGE, "up");
    ip("link", "set", inner, "netns", space);
    ip("-n", space, "addr", "add", `10.77.0.${i + 2}/24`, "dev", inner);
    ip("-n", space, "link", "set", inner, "up");
    ip("-n", space, "link", "set", "lo", "up");
  }
  return { [Symbol.dispose]: remove };
}

/** A machine's one process, with processes and a name of its own: no other machine can tell whether it lives. */
function startMachine(name: string, program: string, env: Record<string, string>) {
  const inside = `hostname ${name}; exec ${process.execPath} ${join(root, program)}`;
  const args = ["netns", "exec", `sf-${name}`, "unshare", "--uts", "--pid", "--fork", "--mount-proc"];
  const child = spawn("ip", [...args, "--kill-child=SIGKILL", "sh", "-c", inside], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const out of [child.stdout, child.stderr])
    out.on("data", (part) => {
      said = (said + part).slice(-20_000);
    });
  return { child, said: () => said, [Symbol.asyncDispose]: () => kill(child) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A line to a store that cuts one connection in fifty, and holds some back. */
async function unsteadyLine(target: string) {
  const { port } = new URL(target);
  const server = createServer((socket) => {
    const upstream = connect(Number(port), "127.0.0.1");
    for (const one of [socket, upstream]) one.on("error", () => undefined).setNoDelay(true);
    socket.pipe(upstream).pipe(socket);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const)
      one.once("close", () => other.destroy());
    const chance = Math.random();
    if (chance < 0.02) setTimeout(() => socket.destroy(), 200 * Math.random());
    else if (chance < 0.1) {
      upstream.pause();
      setTimeout(() => upstream.resume(), 300);
    }
  }).listen(0, STORES);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the line has no port");
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return { url: `http://${STORES}:${address.port}`, [Symbol.asyncDispose]: close };
}

// Skipped where this user may not make machines.
it.skipIf(!canMakeMachines())(
  `${BUILDS} builds on two machines that share no folder, one of which is lost in the middle, are whole`,
  async () => {
    await using folder = await tempFolder();
    const pipelines = join(folder.path, "pipelines");
    await mkdir(pipelines);
    await writeFile(join(pipelines, "two.yaml"), PIPELINE);
    using _network = makeNetwork(["w1", "w2", "api"]);
    await using engine = await startEngine();
    await using s3 = await startS3Double();
    await using table = await unsteadyLine(engine.endpoint);
    await using bucket = await unsteadyLine(s3.endpoint);
    const envOf = (name: string) => ({
      STAGEFOLD_STORE: "dynamodb",
      STAGEFOLD_DYNAMODB_ENDPOINT: table.url,
      STAGEFOLD_FILES: `s3://${s3.bucket}/team`,
      STAGEFOLD_S3_ENDPOINT: bucket.url,
      STAGEFOLD_PIPELINES: pipelines,
      STAGEFOLD_DATA_DIR: join(folder.path, name),
      STAGEFOLD_LEASE_SECONDS: "4",
      STAGEFOLD_WORKER_CONCURRENCY: String(AT_ONCE),
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      HOME: folder.path,
    });
    const onNetwork = { STAGEFOLD_HOST: "0.0.0.0", STAGEFOLD_AUTH: "keys", STAGEFOLD_PORT: "4000" };
    await using api = startMachine("api", "apps/api/dist/main.js", { ...envOf("api"), ...onNetwork });
    const key = await until("the first key", () =>
      readFile(join(folder.path, "api/admin-key"), "utf8").then(
        (text) => text.trim() || undefined,
        () => {
          if (api.child.exitCode !== null) throw new Error(api.said());
          return undefined;
        },
      ),
    );
    const client = createClient({ url: "http://10.77.0.4:4000", key });
    await until("the API", () =>
      client.system.info().then(
        () => true,
        () => undefined,
      ),
    );
    await using first = startMachine("w1", "apps/worker/dist/main.js", envOf("w1"));
    await using second = startMachine("w2", "apps/worker/dist/main.js", envOf("w2"));
    const ids: string[] = [];
    for (let i = 0; i < BUILDS; i++) {
      const given = { requirement: `build ${i}`, pipeline: "two-machines", idempotency_key: `build-${i}` };
      ids.push((await again(() => client.projects.create(given))).project_id);
    }
    const projects = () =>
      Promise.all(ids.map((project_id) => again(() => client.projects.get({ project_id }))));
    await until("the middle, with work in the hands of the first machine", async () => {
      const all = await projects();
      const done = all.filter(({ status }) => status === "completed").length;
      const held = all.filter(({ lease }) => lease.owner?.startsWith("worker-w1-")).length;
      return done >= 3 && held > 0 ? true : undefined;
    });
    await kill(first.child);
    await until(`the end of all builds (${second.said().slice(-2000)})`, async () =>
      (await projects()).every(({ status }) => status === "completed") ? true : undefined,
    );
    let takenOver = 0;
    const ended: Attempt[] = [];
    for (const project_id of ids) {
      const project = await again(() => client.projects.get({ project_id }));
      const attempts = project.stages_snapshot.stages.map(({ attempt }) => attempt);
      if (attempts.some((attempt) => attempt > 1)) takenOver += 1;
      await checkArtifacts(client, project_id);
      for (const { stage, attempt } of project.stages_snapshot.stages) {
        await checkLog(client, project_id, stage, attempt);
        ended.push({ project_id, stage, attempt });
      }
    }
    expect(takenOver).toBeGreaterThan(0);
    // Nothing is in a folder of one machine alone: the logs are in the bucket, sealed after the write that ended their
    // attempt. What a machine was lost between the two of is marked as open: another one seals it a day later.
    await until("the logs in the bucket", async () => {
      const open = await openLogs(engine.endpoint);
      const unsealed = ended.filter((one) => !isSealed(s3.objects, one));
      for (const one of unsealed) expect(open).toContainEqual(one);
      return unsealed.length <= AT_ONCE || undefined;
    });
  },
);

interface Attempt {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt: number;
}

function isSealed(objects: ReadonlyMap<string, unknown>, { project_id, stage, attempt }: Attempt): boolean {
  const folder = `/${project_id}/logs/${stage}/${attempt}/`;
  return [...objects.keys()].some((name) => name.includes(folder) && name.endsWith(".ndjson"));
}

/** The logs that wait for being sealed. */
async function openLogs(endpoint: string): Promise<Attempt[]> {
  const dynamodb = createDynamoClient({ endpoint });
  const records = new DynamoRecordStore(dynamodb, "StagefoldRecords");
  const { items } = await records.query({ index: "gsi1", pk: "open-logs", limit: 1000 });
  dynamodb.destroy();
  return items.map(({ pk, sk }) => {
    const [stage = "", attempt] = String(sk).split("#");
    return { project_id: String(pk).slice("log#".length), stage, attempt: Number(attempt) };
  });
}

/** The line to the API is steady, the one behind it is not. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = 10; ; left--)
    try {
      return await ask();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
}

async function checkArtifacts(client: StagefoldClient, project_id: string): Promise<void> {
  const { items } = await again(() => client.artifacts.listByProject({ project_id }));
  expect(items.map(({ path, executable }) => [path, executable === true]).sort()).toEqual([
    ["data.bin", false],
    ["out.txt", false],
    ["run.sh", true],
  ]);
  for (const { path, sha256, size, stage } of items) {
    const bytes = await again(async () =>
      Buffer.from(await (await client.artifacts.download({ project_id, path, stage })).arrayBuffer()),
    );
    expect([bytes.length, createHash("sha256").update(bytes).digest("hex")], path).toEqual([size, sha256]);
    if (path === "out.txt") expect(bytes.toString()).toBe(`ran on ${project_id}\n`);
  }
}

/** Every line of the attempt that ended well, once and in order. */
async function checkLog(
  client: StagefoldClient,
  project_id: string,
  stage: string,
  attempt: number,
): Promise<void> {
  const texts: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await again(() => client.stages.logs({ project_id, stage, attempt, limit: 15, cursor }));
    texts.push(...page.items.map(({ text }) => text));
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  const counted = texts.filter((text) => text.startsWith("line "));
  expect(counted, `${project_id} ${stage}`).toEqual(Array.from({ length: LINES }, (_, i) => `line ${i + 1}`));
}
