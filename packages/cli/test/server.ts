import { builtInPipelines } from "@stagefold/agent-build";
import { type ApiDeps, startApi } from "@stagefold/api";
import { createClient } from "@stagefold/client";
import { createMemoryFileStores, MemoryProjectStore, Repository } from "@stagefold/core";

/** A real API on a free port, on the reference stores. */
export async function serve() {
  const { artifacts, logs } = createMemoryFileStores();
  const repository = new Repository({ store: new MemoryProjectStore(), artifacts, logs, leaseMs: 60_000 });
  const deps: ApiDeps = { repository, artifacts, logs, pipelines: builtInPipelines() };
  const api = await startApi(deps, { host: "127.0.0.1", port: 0 });
  return { ...api, client: createClient({ url: api.url }), artifacts };
}
