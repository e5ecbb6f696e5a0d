import type { Logger } from "pino";
import { deferred } from "../async.ts";
import type { HostOptions } from "./host-process.ts";
import { HostedStage } from "./hosted-stage.ts";
import { HostPool } from "./pool.ts";
import type { HostJob, StageOutcome, StopReason } from "./protocol.ts";
import type { StageSink } from "./stage-sink.ts";

export interface RunningStage {
  /** Never rejects: what goes wrong is a failure of the stage. Nothing of it is left when this resolves. */
  readonly done: Promise<StageOutcome>;
  /** Resolves when the stage itself begins: its process is there and has read the pipelines. */
  readonly begun: Promise<void>;
  /** Asks it to end, and makes it after `graceMs`. A second call may shorten the grace. */
  stop(reason: StopReason, graceMs: number): void;
}

/** Runs stages in processes of their own. */
export class StageRunner {
  readonly #pool: HostPool;

  constructor(options: HostOptions, atOnce: number, log: Logger) {
    this.#pool = new HostPool(options, atOnce, log);
  }

  /** A stage will be run soon. */
  prepare(): void {
    this.#pool.prepare();
  }

  run(job: HostJob, sink: StageSink, log: Logger): RunningStage {
    let stopped: StopReason | undefined;
    let stage: HostedStage | undefined;
    const begun = deferred<void>();
    const run = async (): Promise<StageOutcome> => {
      const host = await this.#pool.acquire();
      if (stopped !== undefined) {
        this.#pool.release(host);
        return { kind: "stopped", reason: stopped };
      }
      stage = new HostedStage(host, job, sink, log, () => begun.resolve());
      try {
        const { outcome, reusable } = await stage.run();
        if (reusable) this.#pool.release(host);
        return outcome;
      } catch (error) {
        await host.kill();
        throw error;
      }
    };
    const done = run().catch((error: unknown): StageOutcome => {
      log.error({ err: error }, "a stage could not be run");
      const message = `The stage could not be run: ${error instanceof Error ? error.message : String(error)}`;
      return { kind: "failed", failure: { message, code: "STAGE_FAILED" } };
    });
    return {
      done,
      begun: begun.promise,
      stop: (reason, graceMs) => {
        stopped ??= reason;
        stage?.stop(reason, graceMs);
      },
    };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  killNow(): void {
    this.#pool.killNow();
  }
}
