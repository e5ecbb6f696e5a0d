import { ENGINES } from "@stagefold/store-testing/engine";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import { Cleanup } from "./measure/cleanup.ts";
import { startEngine } from "./measure/engine.ts";
import { startApp } from "./measure/worker-process.ts";

/** A whole system on DynamoDB, in processes of its own, with everything that goes to the engine counted. */
export interface Stack extends AsyncDisposable {
  readonly url: string;
  readonly proxy: CountingProxy;
}

export async function startStack(engine = ENGINES[0]): Promise<Stack> {
  const cleanup = new Cleanup();
  try {
    const { endpoint, dataDir, [Symbol.asyncDispose]: stop } = await startEngine({ engine });
    cleanup.add(stop);
    const proxy = await startCountingProxy(endpoint);
    cleanup.add(() => proxy[Symbol.asyncDispose]());
    const api = await startApp("api", { endpoint: proxy.endpoint, dataDir });
    cleanup.add(() => api[Symbol.asyncDispose]());
    const worker = await startApp("worker", { endpoint: proxy.endpoint, dataDir });
    cleanup.add(() => worker[Symbol.asyncDispose]());
    if (api.url === undefined) throw new Error("the API did not say where it listens");
    return { url: api.url, proxy, [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose]() };
  } catch (error) {
    await cleanup[Symbol.asyncDispose]();
    throw error;
  }
}
