import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  Agents,
  ArtifactStore,
  ChangeFeed,
  Claimed,
  ProjectChange,
  RecordStore,
  Repository,
} from "@stagefold/core";
import type { SecretSource } from "@stagefold/runtime/secrets";
import { NO_TELEMETRY, type Telemetry } from "@stagefold/runtime/telemetry";
import type { Logger } from "pino";
import { sleep } from "./async.ts";
import { BuildRun } from "./build/build-run.ts";
import type { ModelAccess } from "./build/model-calls.ts";
import { type BuildDeps, TIMINGS, type Timings, type WorkerPipelines } from "./deps.ts";
import { createMetrics, type WorkerMetrics } from "./metrics.ts";
import type { ClockReading } from "./monotonic-clock.ts";
import { Presence } from "./presence.ts";
import { ClaimLoop } from "./queue/claim-loop.ts";
import { Reconciler, type ReconcilerOptions } from "./queue/reconciler.ts";
import { Retention } from "./queue/retention.ts";
import { WorkerBackoff } from "./queue/worker-backoff.ts";
import { workerIdentity } from "./queue/worker-identity.ts";
import { StageRunner } from "./runner/runner.ts";
import { Workspaces } from "./workspace/workspaces.ts";

const TIDY_MS = 60 * 60 * 1000;

export interface WorkerDeps {
  readonly repository: Repository;
  readonly artifacts: ArtifactStore;
  /** Wakes the worker when another process makes work; without it the worker scans now and then. */
  readonly feed?: ChangeFeed | undefined;
  readonly pipelines: WorkerPipelines;
  /** Where the worker says that it lives, and which definitions it has; nowhere without one. */
  readonly records?: RecordStore | undefined;
  /** Such as `0.3.0`. */
  readonly version?: string | undefined;
  /** Workspaces are kept below it. */
  readonly dataDir: string;
  /** Without one no stage has secrets. */
  readonly secrets?: SecretSource | undefined;
  /** Builds at once. */
  readonly concurrency: number;
  /** What running stages get to end when the worker drains, in milliseconds. */
  readonly drainMs: number;
  /** Builds of one user that may run at once, over all workers. */
  readonly maxRunningPerUser?: number | undefined;
  /** The language model that stages may ask through this worker. */
  readonly modelAccess?: ModelAccess | undefined;
  /** The agents that builds make; without them each build makes a new one. */
  readonly agents?: Pick<Agents, "get" | "publish" | "usersOf"> | undefined;
  readonly existingTurnOwners?: ReconcilerOptions["existingTurnOwners"];
  /** Builds that ended so many days ago are deleted, unless their pipeline says another number. */
  readonly retentionDays?: number | undefined;
  /** All that the processes of stages inherit of the environment. */
  readonly stageEnv: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly metrics?: WorkerMetrics;
  /** Traces builds; without it nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  /** The built module of runner processes, for a worker that itself runs from its sources. */
  readonly runnerScript?: string;
  readonly timings?: Partial<Timings>;
}

export interface Worker extends AsyncDisposable {
  /** Unique to this worker, also among those of one machine. */
  readonly owner: string;
  /** Ids of the projects that it holds. */
  readonly running: readonly string[];
  /** Why it cannot run stages; undefined while it can. */
  readonly notReady: string | undefined;
  start(): void;
  /** The pipelines were read again: what was loaded of them before is not used any more. */
  pipelinesChanged(): void;
  /** Claims nothing more, gives running stages some time to end, and gives the builds back. */
  drain(): Promise<void>;
  /** Claims nothing more, stops what runs, and gives the builds back. */
  stop(): Promise<void>;
  /** Ends every stage at once and writes nothing: for a process that ends now. */
  killNow(): void;
}

/** A worker: claims builds, keeps their leases, and runs their stages in processes of their own. */
export function createWorker(deps: WorkerDeps): Worker {
  return new StageWorker(deps);
}

class StageWorker implements Worker {
  readonly owner = workerIdentity();
  readonly #deps: WorkerDeps;
  readonly #build: BuildDeps;
  readonly #builds = new Map<string, { readonly run: BuildRun; readonly done: Promise<void> }>();
  readonly #loop: ClaimLoop;
  readonly #reconciler: Reconciler;
  #looping: Promise<void> | undefined;
  #reconciling: Promise<void> | undefined;
  readonly #subscriptions: (() => void)[] = [];
  readonly #presence: Presence | undefined;
  #tidyTimer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    const log = deps.log.child({ worker: this.owner });
    this.#build = {
      repository: deps.repository,
      artifacts: deps.artifacts,
      pipelines: deps.pipelines,
      workspaces: new Workspaces(join(resolve(deps.dataDir), "work"), deps.artifacts, deps.repository, log),
      runner: newRunner(deps, log),
      modelAccess: deps.modelAccess,
      agents: deps.agents,
      secrets: deps.secrets ?? { get: async () => new Map() },
      stagesAtOnce: deps.concurrency,
      metrics: deps.metrics ?? createMetrics(),
      telemetry: deps.telemetry ?? NO_TELEMETRY,
      workerBackoff: new WorkerBackoff(),
      timings: { ...TIMINGS, ...deps.timings },
      log,
    };
    this.#loop = new ClaimLoop({
      deps: this.#build,
      owner: this.owner,
      concurrency: deps.concurrency,
      maxRunningPerUser: deps.maxRunningPerUser,
      held: () => [...this.#builds.values()].map((build) => build.run),
      onClaim: (claimed) => this.#take(claimed),
      onClockSetBack: () => void this.#reconciler.findMisdated(),
    });
    this.#presence =
      deps.records &&
      new Presence({
        records: deps.records,
        clock: deps.repository.clock,
        pipelines: deps.pipelines,
        log,
        about: () => ({
          owner: this.owner,
          version: deps.version ?? "unknown",
          node_version: process.versions.node,
          slots: deps.concurrency,
          running: [...this.#builds.values()].map(({ run }) => run.present),
          not_ready: this.notReady,
        }),
      });
    const { reconcileMs, lostAfterMs } = this.#build.timings;
    this.#reconciler = new Reconciler({
      repository: deps.repository,
      owner: this.owner,
      metrics: this.#build.metrics,
      log,
      everyMs: reconcileMs,
      lostAfterMs,
      onFound: (rows) => this.#loop.offer(rows),
      retention: new Retention({ ...this.#build, retentionDays: deps.retentionDays }),
      existingTurnOwners: deps.existingTurnOwners,
    });
  }

  get running(): readonly string[] {
    return [...this.#builds.keys()];
  }

  get notReady(): string | undefined {
    return this.#build.workerBackoff.notReady;
  }

  start(): void {
    this.#subscriptions.push(this.#deps.repository.onChange((change) => this.#observe(change)));
    const { feed } = this.#deps;
    if (feed) this.#subscriptions.push(feed.watchWork(() => this.#loop.wake()));
    this.#build.runner.prepare();
    this.#presence?.start();
    this.#looping = this.#loop.run();
    this.#reconciling = this.#reconciler.run();
    void this.#tidy();
    // Also what keeps the process alive while there is nothing to do.
    this.#tidyTimer = setInterval(() => void this.#tidy(), TIDY_MS);
    this.#build.log.info({ concurrency: this.#deps.concurrency }, "worker started");
  }

  pipelinesChanged(): void {
    this.#build.runner.retire();
    this.#presence?.pipelinesChanged();
    this.#loop.wake();
  }

  async drain(): Promise<void> {
    this.#loop.stop();
    this.#reconciler.stop();
    for (const { run } of this.#builds.values()) run.drain();
    const { drainMs } = this.#deps;
    this.#build.log.info({ builds: this.running, drainMs }, "worker drains");
    await Promise.race([this.#allDone(), sleep(drainMs)]);
    await this.stop();
  }

  stop(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  killNow(): void {
    this.#build.runner.killNow();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #close(): Promise<void> {
    const { stopGraceMs, releaseMs } = this.#build.timings;
    this.#loop.stop();
    this.#reconciler.stop();
    clearInterval(this.#tidyTimer);
    for (const { run } of this.#builds.values()) run.stop();
    // A store that does not answer must not keep a worker from ending: the leases expire.
    await Promise.race([this.#allDone(), sleep(stopGraceMs + releaseMs)]);
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    if (this.#builds.size > 0)
      this.#build.log.error({ builds: this.running }, "builds could not be given back");
    await this.#build.runner.close();
    await this.#presence?.stop();
    this.#build.log.info("worker stopped");
  }

  async #allDone(): Promise<void> {
    await Promise.all([this.#looping, this.#reconciling]);
    await Promise.all([...this.#builds.values()].map((build) => build.done));
  }

  #take(claimed: Claimed & { readonly sentAt: ClockReading }): void {
    const run = new BuildRun(this.#build, claimed);
    // The worker began to end while the store answered the claim: the build is given back before a stage starts.
    if (this.#loop.stopped) run.stop();
    const done = run.run().then((end) => {
      this.#builds.delete(run.projectId);
      this.#build.metrics.running.set(this.#builds.size);
      if (end === "not_run") this.#loop.putAside(run.projectId);
      else this.#loop.clear(run.projectId);
      this.#loop.freed();
    });
    this.#builds.set(run.projectId, { run, done });
    this.#build.metrics.running.set(this.#builds.size);
  }

  #observe(change: ProjectChange): void {
    if (change.kind === "deleted") {
      this.#builds.get(change.project_id)?.run.deleted();
      return;
    }
    this.#builds.get(change.project.project_id)?.run.observe(change.project);
    if (change.project.status === "queued") this.#loop.wake();
  }

  async #tidy(): Promise<void> {
    try {
      await this.#build.workspaces.sweep((projectId) => this.#builds.has(projectId));
    } catch (error) {
      this.#build.log.warn({ err: error }, "workspaces of ended builds could not be removed");
    }
  }
}

function newRunner(deps: WorkerDeps, log: Logger): StageRunner {
  const script = deps.runnerScript ?? fileURLToPath(new URL("./runner/child/main.js", import.meta.url));
  return new StageRunner({ script, env: deps.stageEnv, workerPid: process.pid }, deps.concurrency, log);
}
