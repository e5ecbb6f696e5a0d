import { get } from "node:http";
import { text } from "node:stream/consumers";
import { builtInPipelines } from "@stagefold/agent-build";
import { type ApiDeps, startApi } from "@stagefold/api";
import { createMemoryFileStores, MemoryChangeFeed, MemoryProjectStore, Repository } from "@stagefold/core";

/** Everything an API is made of, on the reference stores. */
export function memoryDeps() {
  const { artifacts, logs } = createMemoryFileStores();
  const store = new MemoryProjectStore();
  const repository = new Repository({ store, artifacts, logs, leaseMs: 60_000 });
  return {
    repository,
    feed: new MemoryChangeFeed(store),
    artifacts,
    logs,
    pipelines: builtInPipelines(),
  } satisfies ApiDeps;
}

/** A real server; on a free port unless one is given. */
export async function serve(deps: ApiDeps = memoryDeps(), port = 0) {
  const api = await startApi(deps, { host: "127.0.0.1", port });
  return { ...api, port: Number(new URL(api.url).port), openWatches: () => openWatches(api.url) };
}

/** Streams that the server has open, as its metrics say. */
async function openWatches(url: string): Promise<number> {
  const lines = (await textOf(`${url}/metrics`)).split("\n");
  const found = lines.filter((line) => line.startsWith("stagefold_open_watches"));
  if (found.length === 0) throw new Error("expected the metric stagefold_open_watches, found none");
  return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Over a connection of its own: one that was kept open may be to a server that is gone. */
function textOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => text(response).then(resolve, reject)).on("error", reject);
  });
}

/** Waits until the condition holds; fails with what it was after five seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 5000; Date.now() < end; await new Promise((wake) => setTimeout(wake, 20)))
    if (await condition()) return;
  throw new Error(`expected ${what} within five seconds`);
}
