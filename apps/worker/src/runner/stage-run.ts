import type { Logger } from "pino";
import { deferred, sleep } from "../async.ts";
import { LineSplitter } from "./lines.ts";
import { exitText, type RunnerProcess } from "./process.ts";
import { tagsOf } from "./process-tags.ts";
import { newestPid } from "./process-tree.ts";
import type { RunnerMessage, StageJob, StageOutcome, StopReason } from "./protocol.ts";
import type { StageSink } from "./stage-sink.ts";

/** How long output may take to arrive after the stage's end, in milliseconds. */
const LAST_OUTPUT_MS = 2000;

/** A stage that took longer may have seen process numbers come round again: all processes are looked at then. */
const SHORT_MS = 10_000;

/** `clean`: nothing of the stage is left in the runner. `told`: the runner said so itself and lives. */
interface Ending {
  readonly outcome: StageOutcome;
  readonly clean: boolean;
  readonly told: boolean;
}

/** One attempt of a stage on one runner, from its start until nothing of it is left. */
export class StageRun {
  readonly #process: RunnerProcess;
  readonly #job: StageJob;
  readonly #sink: StageSink;
  readonly #log: Logger;
  readonly #onBegun: () => void;
  readonly #tags: readonly string[];
  readonly #splitter: LineSplitter;
  readonly #ended = deferred<Ending>();
  readonly #marker = deferred<void>();
  readonly #startedAt = performance.now();
  readonly #since = newestPid();
  #stopped: StopReason | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  /** When its grace is over, by the monotonic clock. */
  #killAt = Number.POSITIVE_INFINITY;
  #ending = false;
  #stores: Promise<void> = Promise.resolve();

  constructor(runner: RunnerProcess, job: StageJob, sink: StageSink, log: Logger, onBegun: () => void) {
    this.#onBegun = onBegun;
    this.#process = runner;
    this.#job = job;
    this.#sink = sink;
    this.#log = log;
    this.#tags = tagsOf(job);
    this.#splitter = new LineSplitter(job.marker);
  }

  /** Resolves when the attempt has ended; `reusable` says whether the runner may run another stage. */
  async run(): Promise<{ outcome: StageOutcome; reusable: boolean }> {
    this.#process.listener = {
      message: (message) => this.#heard(message),
      output: (bytes) => this.#read(bytes),
      garbled: (reason) => this.#lost(`The process of the stage said something unknown: ${reason}`),
    };
    void this.#process.exited.then((exit) =>
      this.#lost(`The process of the stage ${exitText(exit)} before the stage had returned.`),
    );
    this.#process.send({ kind: "start", job: this.#job });
    // A command needs no pipelines.
    if (this.#job.action.kind === "command") this.#onBegun();
    else void this.#process.loaded.then(this.#onBegun);
    const ending = await this.#ended.promise;
    this.#ending = true;
    this.#process.output.resume();
    const reusable = await this.#settle(ending);
    clearTimeout(this.#graceTimer);
    this.#process.listener = undefined;
    const outcome: StageOutcome =
      this.#stopped === undefined ? ending.outcome : { kind: "stopped", reason: this.#stopped };
    return { outcome, reusable };
  }

  /** Asks the stage to end and makes it end when the grace is over, in milliseconds. Of several graces the first ends it. */
  stop(reason: StopReason, graceMs: number): void {
    this.#stopped ??= reason;
    const killAt = performance.now() + graceMs;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    clearTimeout(this.#graceTimer);
    if (graceMs <= 0) {
      this.#kill();
      return;
    }
    this.#process.send({ kind: "abort", job: this.#job.id, reason });
    this.#graceTimer = setTimeout(() => this.#kill(), graceMs);
  }

  async #settle({ clean, told }: Ending): Promise<boolean> {
    if (told && !this.#splitter.ended)
      await Promise.race([this.#marker.promise, this.#process.exited, sleep(LAST_OUTPUT_MS)]);
    const complete = this.#splitter.ended;
    // Without /proc nobody can tell what a command left behind: its group ends with it.
    const since = performance.now() - this.#startedAt < SHORT_MS ? this.#since : undefined;
    const leftovers = this.#process.hasLeftovers(this.#tags, since) ?? this.#job.action.kind === "command";
    const reusable =
      told && clean && complete && !leftovers && this.#stopped === undefined && !this.#process.gone;
    if (!reusable) await this.#endRunner();
    this.#sink.lines(this.#splitter.end());
    await this.#stores;
    return reusable;
  }

  async #endRunner(): Promise<void> {
    const refused = await this.#process.kill(this.#tags);
    if (refused.length > 0) this.#log.error({ pids: refused }, "processes of a stage may not be ended");
    await Promise.race([this.#process.outputEnded, sleep(LAST_OUTPUT_MS)]);
    this.#process.output.destroy();
  }

  #kill(): void {
    this.#process
      .kill(this.#tags)
      .catch((error: unknown) => this.#lost(`The stage cannot be ended: ${String(error)}`));
  }

  #lost(message: string): void {
    const failure = { message, code: "STAGE_FAILED" };
    this.#ended.resolve({ outcome: { kind: "failed", failure }, clean: false, told: false });
  }

  #read(bytes: Buffer): void {
    this.#sink.lines(this.#splitter.feed(bytes));
    if (this.#splitter.ended) this.#marker.resolve();
    if (this.#ending || this.#sink.hasRoom()) return;
    // The pipe fills up and the stage waits: what cannot be stored yet is not gathered either.
    this.#process.output.pause();
    void this.#sink.room().then(() => this.#process.output.resume());
  }

  #heard(message: Exclude<RunnerMessage, { kind: "loaded" }>): void {
    if (message.kind === "ready" || message.job !== this.#job.id) return;
    switch (message.kind) {
      case "progress":
        this.#sink.progress(message.percent, message.sub_stage);
        return;
      case "metrics":
        this.#sink.metrics(message.values);
        return;
      case "part":
        this.#sink.part(message.part);
        return;
      case "reference":
        this.#sink.reference(message.artifact);
        return;
      case "artifact":
        this.#store(message);
        return;
      case "completed":
        this.#ended.resolve({
          outcome: { kind: "completed", output: message.output },
          clean: message.clean,
          told: true,
        });
        return;
      case "failed":
        this.#ended.resolve({
          outcome: { kind: "failed", failure: message.failure },
          clean: message.clean,
          told: true,
        });
        return;
      default:
        message satisfies never;
    }
  }

  /** One after the other: of two with the same path the later one stays. */
  #store({ request, artifact }: Extract<RunnerMessage, { kind: "artifact" }>): void {
    const job = this.#job.id;
    this.#stores = this.#stores.then(async () => {
      try {
        await this.#sink.artifact(artifact);
        this.#process.send({ kind: "stored", job, request });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#log.warn({ err: error, path: artifact.path }, "an artifact was not stored");
        this.#process.send({ kind: "refused", job, request, message });
      }
    });
  }
}
