import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { Cleanup } from "../measure/cleanup.ts";
import { startEngine } from "../measure/engine.ts";
import { figureOf } from "../measure/figure.ts";
import { startApp } from "../measure/worker-process.ts";
import { openObserver } from "../workload/store.ts";
import { finishedBuild } from "./api-overhead.ts";
import type { Measurement } from "./measurement.ts";
import { mediansMs } from "./median-ms.ts";

/** `projects.get` by an API that asks for a key against one without sign-in, one request of each in turn. */
export const authOverhead: Measurement = {
  keys: ["auth_overhead"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const engine = await startEngine();
    cleanup.add(() => engine[Symbol.asyncDispose]());
    const { endpoint, dataDir } = engine;
    const observer = openObserver(endpoint, dataDir);
    cleanup.add(() => observer[Symbol.dispose]());
    const id = await finishedBuild(observer, engine);
    const open = await startApp("api", { endpoint, dataDir });
    cleanup.add(() => open[Symbol.asyncDispose]());
    // The limit on requests is not what is measured.
    const env = { STAGEFOLD_AUTH: "keys", STAGEFOLD_RATE_LIMIT: "10000000" };
    const guarded = await startApp("api", { endpoint, dataDir, env });
    cleanup.add(() => guarded[Symbol.asyncDispose]());
    const key = (await readFile(join(dataDir, "admin-key"), "utf8")).trim();
    const agent = new Agent({ keepAlive: true });
    cleanup.add(() => agent.destroy());
    const path = `/trpc/projects.get?input=${encodeURIComponent(JSON.stringify({ project_id: id }))}`;
    const authorization = `Bearer ${key}`;
    const [rounds, requests] = short ? [5, 100] : [15, 300];
    const ratios: number[] = [];
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const questions = [{ url: guarded.url + path, headers: { authorization } }, { url: open.url + path }];
      const [asked = Number.NaN, unasked = Number.NaN] = await mediansMs(questions, requests, agent);
      if (round > 0) ratios.push(asked / unasked);
    }
    return { auth_overhead: figureOf(ratios) };
  },
};
