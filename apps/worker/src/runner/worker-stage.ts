import type { StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import { deferred } from "../async.ts";
import { Channel } from "./host/channel.ts";
import { HostContext } from "./host/context.ts";
import { details, failureOf } from "./host/failure.ts";
import { checkedOutput } from "./host/output.ts";
import { stageProject } from "./host/run-stage.ts";
import { textLines } from "./lines.ts";
import type { FromHost, HostJob, StageOutcome, StopReason } from "./protocol.ts";
import { passOn } from "./stage-messages.ts";
import type { StageSink } from "./stage-sink.ts";

/** How a stage is run, as the runner gives it to whoever started it. */
export interface RunningStage {
  /** Never rejects: what goes wrong is a failure of the stage. Nothing of it is left when this resolves. */
  readonly done: Promise<StageOutcome>;
  /** Resolves when the stage itself begins: its process is there and has read the pipelines. */
  readonly begun: Promise<void>;
  /** Asks it to end, and makes it after `graceMs`. A second call may shorten the grace. */
  stop(reason: StopReason, graceMs: number): void;
}

/**
 * A stage in the worker's own process. It cannot be killed: one that does not give way within its grace is left behind,
 * and nothing that it says from then on counts.
 */
export class WorkerStage implements RunningStage {
  readonly begun = Promise.resolve();
  readonly done: Promise<StageOutcome>;
  readonly #job: HostJob;
  readonly #sink: StageSink;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #left = deferred<StageOutcome>();
  #channel: Channel | undefined;
  #stopped: StopReason | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(job: HostJob, definition: StageDefinition, sink: StageSink, log: Logger) {
    this.#job = job;
    this.#sink = sink;
    this.#log = log;
    this.done = Promise.race([this.#run(definition), this.#left.promise]).finally(() => {
      this.#over = true;
      clearTimeout(this.#graceTimer);
    });
  }

  stop(reason: StopReason, graceMs: number): void {
    if (this.#over) return;
    this.#stopped ??= reason;
    this.#abort.abort(new Error(`The stage is stopped: ${reason}.`));
    clearTimeout(this.#graceTimer);
    // At the least a turn, so that a stage that gives way is not taken for one that does not.
    this.#graceTimer = setTimeout(() => this.#leave(reason), Math.max(graceMs, 10));
  }

  #leave(reason: StopReason): void {
    this.#log.error({ reason }, "a stage in the worker's process does not give way and is left behind");
    this.#left.resolve({ kind: "stopped", reason });
  }

  async #run(definition: StageDefinition): Promise<StageOutcome> {
    const outcome = await this.#outcome(definition);
    return this.#stopped === undefined ? outcome : { kind: "stopped", reason: this.#stopped };
  }

  async #outcome({ action, output }: StageDefinition): Promise<StageOutcome> {
    const job = this.#job;
    const channel = new Channel(job.id, (message) => this.#heard(message));
    this.#channel = channel;
    const context = new HostContext(job, stageProject(job), channel, this.#abort.signal, (text) => {
      if (!this.#over) this.#sink.lines(textLines(text));
    });
    try {
      if (action.kind !== "run") throw new Error(`Expected a stage with a function, found a ${action.kind}.`);
      const value: unknown = await action.run(context);
      await context.settled();
      return { kind: "completed", output: await checkedOutput(value, output) };
    } catch (error) {
      if (!this.#over) this.#sink.lines(textLines(details(error)));
      return { kind: "failed", failure: failureOf(error) };
    } finally {
      channel.flush();
    }
  }

  #heard(message: FromHost): void {
    if (this.#over) return;
    if (message.kind === "artifact") void this.#store(message);
    else if (message.kind === "progress" || message.kind === "metrics") passOn(message, this.#sink);
    else if (message.kind === "part" || message.kind === "reference") passOn(message, this.#sink);
  }

  async #store({ request, artifact }: Extract<FromHost, { kind: "artifact" }>): Promise<void> {
    try {
      await this.#sink.artifact(artifact);
      this.#channel?.answered(request);
    } catch (error) {
      this.#log.warn({ err: error, path: artifact.path }, "an artifact was not stored");
      this.#channel?.answered(request, error instanceof Error ? error : new Error(String(error)));
    }
  }
}
