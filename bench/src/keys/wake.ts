import { createClient } from "@stagefold/client";
import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { figureOf } from "../measure/figure.ts";
import { startApp } from "../measure/worker-process.ts";
import { WAKE_PIPELINE } from "../workload/contents.ts";
import type { Measurement } from "./measurement.ts";

/** From a create through the API until the code of the build's first stage runs, in an idle worker. */
export const wake: Measurement = {
  keys: ["wake_ms"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const dataDir = await newDataDir(cleanup);
    const api = await startApp("api", { dataDir });
    cleanup.add(() => api[Symbol.asyncDispose]());
    const worker = await startApp("worker", { dataDir });
    cleanup.add(() => worker[Symbol.asyncDispose]());
    const client = createClient({ url: api.url ?? "" });
    const times: number[] = [];
    // The first one warms up.
    for (let run = 0; run <= (short ? 3 : 20); run++) {
      // Longer than an idle worker's shortest pause, and not in step with it.
      await new Promise((resolve) => setTimeout(resolve, 2500 + Math.random() * 500));
      const from = Date.now();
      const { project_id } = await client.projects.create({
        requirement: "Wake up",
        pipeline: WAKE_PIPELINE,
      });
      const project = await client.projects.waitForEnd({ project_id });
      const ran = Number(project.stages_snapshot.stages[0]?.output_data.ran_at);
      if (!(ran >= from)) throw new Error(`expected when the stage ran, found ${ran}`);
      if (run > 0) times.push(ran - from);
    }
    return { wake_ms: figureOf(times) };
  },
};
