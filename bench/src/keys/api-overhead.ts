import { Agent } from "node:http";
import { Cleanup } from "../measure/cleanup.ts";
import { type Engine, startEngine } from "../measure/engine.ts";
import { figureOf } from "../measure/figure.ts";
import { startProgram } from "../measure/program.ts";
import { startApp } from "../measure/worker-process.ts";
import { type Observer, openObserver, queueBuilds, untilNoWork } from "../workload/store.ts";
import type { Measurement } from "./measurement.ts";
import { medianMs } from "./median-ms.ts";

/** `projects.get` over HTTP against a bare handler that makes the same request of the engine, a round of each in turn. */
export const apiOverhead: Measurement = {
  keys: ["api_overhead"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const engine = await startEngine();
    cleanup.add(() => engine[Symbol.asyncDispose]());
    const observer = openObserver(engine.endpoint, engine.dataDir);
    cleanup.add(() => observer[Symbol.dispose]());
    const id = await finishedBuild(observer, engine);
    const api = await startApp("api", { endpoint: engine.endpoint, dataDir: engine.dataDir });
    cleanup.add(() => api[Symbol.asyncDispose]());
    const bare = await startProgram("express-get", { endpoint: engine.endpoint });
    cleanup.add(() => bare[Symbol.asyncDispose]());
    const agent = new Agent({ keepAlive: true });
    cleanup.add(() => agent.destroy());
    const input = encodeURIComponent(JSON.stringify({ project_id: id }));
    const ours = `${api.url}/trpc/projects.get?input=${input}`;
    const theirs = `${String(await bare.ask(null))}/projects/${id}`;
    const [rounds, requests] = short ? [3, 50] : [9, 300];
    const ratios: number[] = [];
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const ratio = (await medianMs(ours, requests, agent)) / (await medianMs(theirs, requests, agent));
      if (round > 0) ratios.push(ratio);
    }
    return { api_overhead: figureOf(ratios) };
  },
};

/** A build that has ended, run by a worker that is gone again. */
export async function finishedBuild(observer: Observer, { endpoint, dataDir }: Engine): Promise<string> {
  await using _worker = await startApp("worker", { endpoint, dataDir });
  const [id = ""] = await queueBuilds(observer, 1);
  await untilNoWork(observer, 60_000);
  return id;
}
