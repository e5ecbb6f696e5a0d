import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Repository } from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore, ensureTable } from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import { type Engine, type EngineName, startEngine } from "@stagefold/store-testing/engine";
import type { Faults } from "../net/faults.ts";
import { Journal } from "../net/journal.ts";
import { NetworkProxy } from "../net/proxy.ts";
import { Closers } from "./closers.ts";
import { Driver } from "./driver.ts";
import { writePipelines } from "./pipeline.ts";
import { untilGone } from "./processes.ts";
import { WorkerProcess } from "./worker-process.ts";

export { ENGINES } from "@stagefold/store-testing/engine";

export const TABLE = "AgentProjects";
export const LEASE_SECONDS = 2;
const GONE_MS = 8000;

export interface WorldOptions {
  readonly engine: EngineName;
  readonly workers: number;
  readonly faults: Faults;
}

/** A worker and the network that it has. */
export interface Site {
  readonly worker: WorkerProcess;
  readonly proxy: NetworkProxy;
}

/** An engine, workers and a person, each behind a network of its own, and what goes over those networks. */
export interface World extends AsyncDisposable {
  readonly root: string;
  readonly engine: Engine;
  readonly journal: Journal;
  readonly sites: readonly Site[];
  readonly driver: Driver;
  /** Where each attempt of a stage leaves a line. */
  readonly runs: string;
  /** Everything as it is, without a network between. */
  readonly direct: Repository;
  /** A program with a network of its own. */
  behind(name: string): Promise<{ readonly repository: Repository; readonly proxy: NetworkProxy }>;
  /** Resolves when nothing is on its way to the engine any more. */
  drained(): Promise<void>;
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const closers = new Closers();
  try {
    return await build(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function build({ engine: name, workers, faults }: WorldOptions, closers: Closers): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "stagefold-chaos-"));
  closers.add(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));
  const engine = closers.use(await startEngine(name));
  const journal = new Journal();
  const runs = join(root, "runs");
  const plans = await writePipelines(join(root, "pipelines"), runs);
  await mkdir(join(root, "files"));
  const direct = openRepository(root, engine.endpoint, closers);
  const opening = createDynamoClient({ endpoint: engine.endpoint });
  await ensureTable(opening, TABLE);
  opening.destroy();
  const proxies: NetworkProxy[] = [];
  const proxyFor = async (name: string) => {
    const proxy = closers.use(new NetworkProxy(name, engine.endpoint, journal, faults));
    proxies.push(proxy);
    return { proxy, endpoint: await proxy.open() };
  };
  const behind = async (name: string) => {
    const { proxy, endpoint } = await proxyFor(name);
    return { proxy, repository: openRepository(root, endpoint, closers) };
  };
  const driver = new Driver((await behind("person")).repository, plans, root);
  // Disposed of first: no process outlives the networks and folders it uses.
  closers.add(() => untilGone(join(root, "pipelines"), GONE_MS));
  const sites: Site[] = [];
  for (let i = 1; i <= workers; i++) {
    const { proxy, endpoint } = await proxyFor(`worker ${i}`);
    const worker = new WorkerProcess(`worker ${i}`, await workerEnv(root, i, endpoint));
    closers.add(() => worker.kill());
    worker.start();
    sites.push({ worker, proxy });
  }
  await Promise.all(sites.map(({ worker }) => worker.ready()));
  const drained = async () => {
    await Promise.all(proxies.map((proxy) => proxy.drained()));
  };
  const close = () => closers.close();
  return {
    root,
    engine,
    journal,
    sites,
    driver,
    runs,
    direct,
    behind,
    drained,
    [Symbol.asyncDispose]: close,
  };
}

function openRepository(root: string, endpoint: string, closers: Closers): Repository {
  const client = createDynamoClient({ endpoint, requestTimeoutMs: 2000 });
  closers.add(() => client.destroy());
  const store = new DynamoProjectStore(client, TABLE);
  return new Repository({ store, ...createFileStores(join(root, "files")), leaseMs: LEASE_SECONDS * 1000 });
}

/** Each worker is a machine of its own: it shares the files, and neither the work folders nor anything else. */
async function workerEnv(root: string, n: number, endpoint: string): Promise<Record<string, string>> {
  const dataDir = join(root, `machine-${n}`);
  await mkdir(dataDir);
  await symlink(join(root, "files"), join(dataDir, "files"), "dir");
  return {
    STAGEFOLD_DATA_DIR: dataDir,
    STAGEFOLD_PIPELINES: join(root, "pipelines"),
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: endpoint,
    STAGEFOLD_LEASE_SECONDS: String(LEASE_SECONDS),
    STAGEFOLD_WORKER_CONCURRENCY: "2",
  };
}
