import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startCountingProxy } from "../counting-proxy.ts";
import { Cleanup } from "../measure/cleanup.ts";
import { startEngine } from "../measure/engine.ts";
import { rounded } from "../measure/figure.ts";
import { residentBytes } from "../measure/process-tree.ts";
import { builtFolder } from "../measure/program.ts";
import { type AppProcess, startApp } from "../measure/worker-process.ts";
import { openObserver, queueBuilds } from "../workload/store.ts";
import { type Measurement, say } from "./measurement.ts";

const PROJECTS = 100;
const OPENED_AT_ONCE = 50;
const SETTLE_MS = 3000;
const IDLE_MS = 5000;
const COLLECT_MS = 2000;

/** Many who watch, and nothing that happens: what each costs in memory, and what all of them ask of the store. */
export const watchers: Measurement = {
  keys: ["watchers"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const engine = await startEngine();
    cleanup.add(() => engine[Symbol.asyncDispose]());
    const observer = openObserver(engine.endpoint, engine.dataDir);
    cleanup.add(() => observer[Symbol.dispose]());
    const ids = await queueBuilds(observer, PROJECTS);
    const proxy = await startCountingProxy(engine.endpoint);
    cleanup.add(() => proxy[Symbol.asyncDispose]());
    const api = await startApp("api", {
      endpoint: proxy.endpoint,
      dataDir: engine.dataDir,
      execArgv: [
        "--expose-gc",
        "--import",
        pathToFileURL(join(builtFolder(), "programs", "collect.js")).href,
      ],
    });
    cleanup.add(() => api[Symbol.asyncDispose]());
    const streams = new Streams(api.url ?? "");
    cleanup.add(() => streams.close());
    const idle = async () => {
      await pause(SETTLE_MS);
      const before = proxy.requests.length;
      await pause(IDLE_MS);
      return ((proxy.requests.length - before) * 1000) / IDLE_MS;
    };
    // One for each project first: from here on more of them should cost the store nothing.
    await streams.open(ids, PROJECTS);
    const few = await idle();
    const before = await memoryOf(api);
    const all = short ? 500 : 5000;
    await streams.open(ids, all - PROJECTS);
    const many = await idle();
    const after = await memoryOf(api);
    say(`${streams.count} watches are open; the store is asked ${few} and ${many} times a second`);
    const memory =
      before === undefined || after === undefined ? undefined : (after - before) / (all - PROJECTS);
    return {
      watchers: {
        ...(memory !== undefined && { memory_kb: rounded(memory / 1024) }),
        requests_per_second: rounded(many),
        requests_per_second_of_100: rounded(few),
      },
    };
  },
};

/** Of what is in use: what could be freed is freed before. */
async function memoryOf(api: AppProcess): Promise<number | undefined> {
  api.signal("SIGUSR2");
  await pause(COLLECT_MS);
  return residentBytes(api.pid);
}

/** Open streams of the API: as browsers have them, without what a browser does with them. */
class Streams {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #open: IncomingMessage[] = [];
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  get count(): number {
    return this.#open.length;
  }

  /** Opens so many more, spread over the projects; each has had its first event when this resolves. */
  async open(ids: readonly string[], count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
      const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, (_, i) =>
        this.#one(ids[(opened + i) % ids.length] ?? ""),
      );
      this.#open.push(...(await Promise.all(some)));
    }
  }

  close(): void {
    for (const stream of this.#open) stream.destroy();
    this.#agent.destroy();
  }

  #one(project_id: string): Promise<IncomingMessage> {
    const input = encodeURIComponent(JSON.stringify({ project_id }));
    return new Promise((resolve, reject) => {
      request(
        `${this.#url}/trpc/projects.watch?input=${input}`,
        { agent: this.#agent, headers: { accept: "text/event-stream" } },
        (answer) => {
          if (answer.statusCode !== 200) reject(new Error(`a watch was refused: ${answer.statusCode}`));
          answer.on("error", () => undefined);
          answer.on("data", (bytes: Buffer) => {
            if (bytes.includes(project_id)) resolve(answer);
          });
        },
      )
        .on("error", reject)
        .end();
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
