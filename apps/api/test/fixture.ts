import { agentBuild } from "@stagefold/agent-build";
import {
  type ArtifactStore,
  createMemoryFileStores,
  type LogStore,
  MemoryChangeFeed,
  MemoryProjectStore,
  Repository,
} from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { type ContextDeps, createContextInner } from "../src/context.ts";
import { appRouter } from "../src/routers/index.ts";

/** A time that only moves when it is told to. Setting the clock is no time that passes. */
export class TestClock {
  #uptime = 0;
  #now = Date.parse("2025-06-01T10:00:00.000Z");

  now(): number {
    return this.#now;
  }

  set(time: string): void {
    this.#now = Date.parse(time);
  }

  pass(seconds: number): void {
    this.#now += seconds * 1000;
    this.#uptime += Math.max(0, seconds * 1000);
  }

  readonly monotonic = (): number => this.#uptime;
}

export const twoSteps = definePipeline({
  name: "two-steps",
  version: "v1",
  description: "Two commands",
  stages: [
    { stage: "first", stage_name: { en: "First", zh: "第一步" }, command: "true" },
    { stage: "second", command: "true", weight: 3, retry: { attempts: 2 } },
  ],
});

interface Files {
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
}

/** Everything an API is made of, on the reference stores. */
export function memoryDeps(
  store: MemoryProjectStore = new MemoryProjectStore(),
  files: Files = createMemoryFileStores(),
) {
  const clock = new TestClock();
  const { artifacts, logs } = files;
  const repository = new Repository({ store, artifacts, logs, clock, leaseMs: 60_000 });
  const pipelines = createRegistry([agentBuild, twoSteps]);
  const feed = new MemoryChangeFeed(store, clock);
  const { monotonic } = clock;
  return { store, clock, monotonic, artifacts, logs, feed, repository, pipelines } satisfies ContextDeps & {
    [name: string]: unknown;
  };
}

/** The signal ends the subscriptions that the caller opens. */
export function callerOf(deps: ContextDeps, signal?: AbortSignal) {
  return appRouter.createCaller(createContextInner(deps), signal ? { signal } : {});
}

export const OWN_STAGES = [{ stage: "one", stage_name: "One" }, { stage: "two" }];
