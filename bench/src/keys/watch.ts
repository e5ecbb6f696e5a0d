import { createClient } from "@stagefold/client";
import type { Repository } from "@stagefold/core";
import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { percentile, rounded } from "../measure/figure.ts";
import { startApp } from "../measure/worker-process.ts";
import { openLocalObserver, queueBuilds } from "../workload/store.ts";
import type { Measurement } from "./measurement.ts";

/** From a write's acknowledgement until a client that watches the project has it. */
export const watch: Measurement = {
  keys: ["watch_ms"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const dataDir = await newDataDir(cleanup);
    const observer = await openLocalObserver(dataDir);
    cleanup.add(() => observer[Symbol.dispose]());
    const api = await startApp("api", { dataDir });
    cleanup.add(() => api[Symbol.asyncDispose]());
    const client = createClient({ url: api.url ?? "" });
    const [project_id = ""] = await queueBuilds(observer, 1);
    const seen = new Seen();
    const ending = new AbortController();
    const watching = (async () => {
      for await (const project of client.projects.watch({ project_id }, { signal: ending.signal }))
        seen.revision(project.revision);
    })();
    cleanup.add(async () => {
      ending.abort();
      await watching;
    });
    await seen.until(1);
    const writes = short ? 10 : 60;
    const same = await delays(writes, seen, (turn) => client.projects[turn]({ project_id }));
    const other = await delays(writes, seen, (turn) => controlOf(observer.repository)[turn](project_id));
    return {
      watch_ms: { same_p50: rounded(percentile(same, 0.5)), other_p99: rounded(percentile(other, 0.99)) },
    };
  },
};

type Turn = "pause" | "resume";

function controlOf({ control }: Repository) {
  return {
    pause: (id: string) => control.pause(id),
    resume: (id: string) => control.resume(id),
  };
}

/** Milliseconds from each acknowledgement to the event; 0 for an event that came first. */
async function delays(
  writes: number,
  seen: Seen,
  write: (turn: Turn) => Promise<{ revision: number }>,
): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < writes; i++) {
    const { revision } = await write(i % 2 === 0 ? "pause" : "resume");
    const acknowledged = performance.now();
    found.push(Math.max(0, (await seen.until(revision)) - acknowledged));
    // Not in step with what polls.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
  }
  return found;
}

/** When each revision, or a later one, was first seen. */
class Seen {
  #highest = 0;
  #at = 0;
  #waiting: { revision: number; resolve: (at: number) => void } | undefined;

  revision(revision: number): void {
    if (revision <= this.#highest) return;
    this.#highest = revision;
    this.#at = performance.now();
    if (this.#waiting && this.#waiting.revision <= revision) this.#waiting.resolve(this.#at);
  }

  until(revision: number): Promise<number> {
    if (this.#highest >= revision) return Promise.resolve(this.#at);
    return new Promise((resolve) => {
      this.#waiting = { revision, resolve };
    });
  }
}
