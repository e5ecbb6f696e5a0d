import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { builtInPipelines } from "@stagefold/agent-build";
import { type ApiDeps, startApi } from "@stagefold/api";
import { createClient } from "@stagefold/client";
import { createMemoryFileStores, MemoryChangeFeed, MemoryProjectStore, Repository } from "@stagefold/core";

/** A real API, on a free port unless one is named, on the reference stores unless it gets those of another. */
export async function serve(deps: ApiDeps = newDeps(), port = 0) {
  const api = await startApi(deps, { host: "127.0.0.1", port });
  return {
    ...api,
    deps,
    client: createClient({ url: api.url }),
    artifacts: deps.artifacts,
    [Symbol.asyncDispose]: () => api.close(),
  };
}

function newDeps(): ApiDeps {
  const { artifacts, logs } = createMemoryFileStores();
  const store = new MemoryProjectStore();
  const repository = new Repository({ store, artifacts, logs, leaseMs: 60_000 });
  return { repository, feed: new MemoryChangeFeed(store), artifacts, logs, pipelines: builtInPipelines() };
}

/** What stands where an API is expected; `asked` are the procedures that were called. */
export async function serveThat(answer: RequestListener) {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(req.url?.replace(/^\/trpc\/|\?.*/g, "") ?? "");
    answer(req, res);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    env: { STAGEFOLD_URL: `http://127.0.0.1:${port}` },
    asked,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
