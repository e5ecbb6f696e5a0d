import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Cleanup } from "../measure/cleanup.ts";
import { figureOf } from "../measure/figure.ts";
import { bareEnv, builtFolder } from "../measure/program.ts";
import type { Measurement } from "./measurement.ts";

/** From `npm start` until it says where the dashboard is, when everything is installed and built. */
export const start: Measurement = {
  keys: ["start_seconds"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const dataDir = await mkdtemp(join(tmpdir(), "stagefold-bench-start-"));
    cleanup.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    // The first one makes the data folder.
    await startSeconds(dataDir);
    const times: number[] = [];
    for (let run = 0; run < (short ? 1 : 3); run++) times.push(await startSeconds(dataDir));
    return { start_seconds: figureOf(times) };
  },
};

async function startSeconds(dataDir: string): Promise<number> {
  const root = dirname(dirname(builtFolder()));
  const from = performance.now();
  const child = spawn("npm", ["start"], {
    cwd: root,
    env: bareEnv(dataDir, {
      STAGEFOLD_DATA_DIR: dataDir,
      STAGEFOLD_PORT: String(20_000 + (process.pid % 20_000)),
    }),
    // Its processes end with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  const said: string[] = [];
  const ready = new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        if (/http:\/\/127\.0\.0\.1:\d+/.test(line)) resolve((performance.now() - from) / 1000);
      });
    ended.then(() => reject(new Error(`npm start ended before it was ready: ${said.join("\n")}`)), reject);
  });
  try {
    return await ready;
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await ended;
  }
}
