import type { StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import { deferred } from "../async.ts";
import type { HostOptions } from "./host-process.ts";
import { HostedStage } from "./hosted-stage.ts";
import { HostPool } from "./pool.ts";
import type { HostJob, StageOutcome, StopReason } from "./protocol.ts";
import type { StageSink } from "./stage-sink.ts";
import { type RunningStage, WorkerStage } from "./worker-stage.ts";

/** Whether a stage asks to run in the worker's own process. */
export function runsInWorker({ action }: StageDefinition): boolean {
  return action.kind === "run" && action.in_worker === true;
}

/** Runs stages in processes of their own, unless they ask not to be. */
export class StageRunner {
  readonly #pool: HostPool;

  constructor(options: HostOptions, atOnce: number, log: Logger) {
    this.#pool = new HostPool(options, atOnce, log);
  }

  /** A stage will be run soon. */
  prepare(): void {
    this.#pool.prepare();
  }

  run(job: HostJob, definition: StageDefinition, sink: StageSink, log: Logger): RunningStage {
    if (runsInWorker(definition)) return new WorkerStage(job, definition, sink, log);
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
