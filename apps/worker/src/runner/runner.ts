import type { Logger } from "pino";
import { deferred } from "../async.ts";
import { RunnerPool } from "./pool.ts";
import type { RunnerOptions } from "./process.ts";
import type { OnPhase, StageJob, StageOutcome, StageSink, StopReason } from "./protocol.ts";
import { StageRun } from "./stage-run.ts";

export interface RunningStage {
  /** Never rejects: what goes wrong is an outcome. Nothing of the stage is left when this resolves. */
  readonly done: Promise<StageOutcome>;
  /** Resolves when its process is there and loads its module, if it has not done so before. */
  readonly loading: Promise<void>;
  /** Resolves when the stage itself begins: its process has loaded its module. */
  readonly begun: Promise<void>;
  /** Asks it to end, and makes it after `graceMs`. A second call may shorten the grace. */
  stop(reason: StopReason, graceMs: number): void;
}

/** Runs stages in processes of their own. */
export class StageRunner {
  readonly #pool: RunnerPool;

  constructor(options: RunnerOptions, atOnce: number, log: Logger) {
    this.#pool = new RunnerPool(options, atOnce, log);
  }

  /** A stage of this user will be run soon. */
  prepare(userId?: string): void {
    this.#pool.prepare(userKey(userId));
  }

  run(job: StageJob, sink: StageSink, log: Logger): RunningStage {
    let stopped: StopReason | undefined;
    let stage: StageRun | undefined;
    const loading = deferred<void>();
    const begun = deferred<void>();
    const onPhase: OnPhase = (phase) => {
      loading.resolve();
      if (phase === "begun") begun.resolve();
    };
    const run = async (): Promise<StageOutcome> => {
      const runner = await this.#pool.acquire(userKey(job.project.user_id));
      if (stopped !== undefined) {
        this.#pool.release(runner);
        return { kind: "stopped", reason: stopped };
      }
      stage = new StageRun(runner, job, sink, log, onPhase);
      try {
        const { outcome, reusable } = await stage.run();
        if (reusable) this.#pool.release(runner);
        return outcome;
      } catch (error) {
        await runner.kill();
        throw error;
      }
    };
    const done = run().catch((error: unknown): StageOutcome => {
      log.error({ err: error }, "a stage could not be run");
      const reason = `The stage could not be run: ${error instanceof Error ? error.message : String(error)}`;
      return { kind: "not_run", reason };
    });
    return {
      done,
      loading: loading.promise,
      begun: begun.promise,
      stop: (reason, graceMs) => {
        stopped ??= reason;
        stage?.stop(reason, graceMs);
      },
    };
  }

  /** Modules have changed: a runner that has loaded one runs no further stage. */
  retire(): void {
    this.#pool.retire();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  killNow(): void {
    this.#pool.killNow();
  }
}

/** Builds without a user are one user's. */
function userKey(userId: string | undefined): string {
  return userId ?? "";
}
