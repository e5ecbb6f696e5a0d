// Long because: from its start to its end an attempt shares one state.
import { setImmediate } from "node:timers/promises";
import { endingFields, endingText, newestPid, SecretMask } from "@stagefold/node-files";
import type { ModelQuestion } from "@stagefold/pipeline";
import type { Logger } from "pino";
import { deferred, sleep } from "../async.ts";
import { failureOf } from "./child/failure.ts";
import type { OutputName, RunnerProcess } from "./process.ts";
import type {
  OnPhase,
  PartEvent,
  RunnerMessage,
  StageArtifact,
  StageJob,
  StageOutcome,
  StageSink,
  StopReason,
} from "./protocol.ts";
import { StageOutput } from "./stage-output.ts";

/** How long output may take to arrive after the stage's end, in milliseconds. */
const LAST_OUTPUT_MS = 2000;
/** How long files that are on their way to the store may hold up the end of a stage that was stopped. */
const LAST_STORE_MS = 2000;
/** Bytes of output that came at once, beyond which there is more. */
const LARGE_SLICE = 16 * 1024;
/** A stage that took longer may have seen process numbers come round again: all processes are looked at then. */
const SHORT_MS = 10_000;
/** How often the memory of a stage with a limit is looked at, in milliseconds. */
const MEMORY_MS = 500;
/** The same at its beginning, and once it has half of what it may have. */
const MEMORY_NEAR_MS = 100;
const MEGABYTE = 1024 * 1024;
/** Files of one stage that are stored at the same time. */
const STORES_AT_ONCE = 8;

/** `reported`: the runner said so itself and lives. `clean`, `spawned`: as it says what is left of the stage. */
interface Ending {
  readonly outcome: StageOutcome;
  readonly reported: boolean;
  readonly clean: boolean;
  readonly spawned: boolean;
}

/** One attempt of a stage on one runner process, from its start until nothing of it is left. */
export class StageRun {
  readonly #process: RunnerProcess;
  readonly #job: StageJob;
  readonly #sink: StageSink;
  readonly #log: Logger;
  readonly #onPhase: OnPhase;
  readonly #mask: SecretMask;
  readonly #output: StageOutput;
  readonly #ended = deferred<Ending>();
  readonly #marker = deferred<void>();
  readonly #startedAt = performance.now();
  readonly #since: number | undefined;
  #stopped: StopReason | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #memoryTimer: NodeJS.Timeout | undefined;
  /** When its grace is over, by the monotonic clock. */
  #killAt = Number.POSITIVE_INFINITY;
  #ending = false;
  /** The process is not this attempt's any more: it may run another stage. */
  #isOver = false;
  #stores: Promise<void> = Promise.resolve();

  constructor(runner: RunnerProcess, job: StageJob, sink: StageSink, log: Logger, onPhase: OnPhase) {
    this.#onPhase = onPhase;
    this.#mask = new SecretMask(Object.values(job.secrets));
    this.#process = runner;
    this.#job = job;
    this.#sink = sink;
    this.#log = log;
    this.#output = new StageOutput(job.marker, this.#mask, job.action.kind === "command");
    this.#since = job.action.kind === "command" ? newestPid() : undefined;
  }

  /** Resolves when the attempt has ended; `reusable` says whether the runner may run another stage. */
  async run(): Promise<{ outcome: StageOutcome; reusable: boolean }> {
    const { action, project } = this.#job;
    this.#process.listener = {
      message: (message) => this.#receive(message),
      output: (from, bytes) => this.#read(from, bytes),
      garbled: (reason) => this.#lost(`The process of the stage said something unknown: ${reason}`),
    };
    void this.#process.exited.then((exit) =>
      this.#lost(
        `The process of the stage ${endingText(exit)} before the stage had returned.`,
        endingFields(exit),
      ),
    );
    // A command runs in processes of its own: of its code nothing is left in the runner.
    if (action.kind === "run") this.#process.user = project.user_id ?? "";
    if (action.kind === "command" || this.#process.hasModule(action.module)) this.#onPhase("begun");
    this.#process.send({ kind: "start", job: this.#job });
    this.#watchMemory();
    const ending = await this.#ended.promise;
    this.#ending = true;
    clearTimeout(this.#memoryTimer);
    this.#process.resumeOutput();
    const reusable = await this.#settle(ending);
    this.#isOver = true;
    clearTimeout(this.#graceTimer);
    this.#process.listener = undefined;
    const outcome: StageOutcome =
      this.#stopped === undefined ? ending.outcome : { kind: "stopped", reason: this.#stopped };
    return { outcome: this.#mask.value(outcome), reusable };
  }

  /**
   * Asks the stage to end and makes it end when the grace is over, in milliseconds. Of several graces the first ends it.
   * Does nothing when nothing of it is left, as while the write of its end waits for the store.
   */
  stop(reason: StopReason, graceMs: number): void {
    if (this.#isOver) return;
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

  async #settle(ending: Ending): Promise<boolean> {
    if (ending.reported && !this.#output.ended)
      await Promise.race([this.#marker.promise, this.#process.exited, sleep(LAST_OUTPUT_MS)]);
    const reusable =
      ending.reported &&
      ending.clean &&
      // What a stage knew is not left to a later one.
      this.#mask.isEmpty &&
      this.#output.ended &&
      this.#stopped === undefined &&
      !this.#process.gone &&
      !(ending.spawned && this.#hasLeftovers());
    if (!reusable) await this.#endRunner();
    this.#sink.lines(this.#output.end());
    if (this.#stopped === undefined) await this.#stores;
    else await Promise.race([this.#stores, sleep(LAST_STORE_MS)]);
    if (this.#stopped === undefined || !reusable) return reusable;
    // Stopped while its files were stored: its process has been ended, or will be.
    await this.#endRunner();
    return false;
  }

  /** Without /proc the worker cannot see what a stage left behind, so it ends the whole group. */
  #hasLeftovers(): boolean {
    const since = performance.now() - this.#startedAt < SHORT_MS ? this.#since : undefined;
    return this.#process.hasLeftovers(since) ?? true;
  }

  async #endRunner(): Promise<void> {
    const refused = await this.#process.kill();
    if (refused.length > 0) this.#log.error({ pids: refused }, "processes of a stage may not be ended");
    await Promise.race([this.#process.outputEnded, sleep(LAST_OUTPUT_MS)]);
    this.#process.destroyOutput();
  }

  /**
   * The system's own limits are of one process each, and end it like any other fault: what all processes of a stage have
   * together is looked at now and then, so that the log can say why the stage was ended.
   */
  #watchMemory(): void {
    const { memory_mb, action } = this.#job;
    if (memory_mb === undefined) return;
    const used = () => this.#process.memory(action.kind === "run");
    if (used() === undefined) {
      this.#log.warn("this system does not tell what memory processes have: the stage's limit is not kept");
      return;
    }
    const limit = memory_mb * MEGABYTE;
    const look = () => {
      const bytes = used() ?? 0;
      if (bytes <= limit) {
        this.#memoryTimer = setTimeout(look, bytes > limit / 2 ? MEMORY_NEAR_MS : MEMORY_MS);
        return;
      }
      const found = Math.ceil(bytes / MEGABYTE);
      const message = `The stage was ended because its processes had ${found} MB of memory; its limit is ${memory_mb} MB.`;
      this.#lost(message, { signal: "SIGKILL" });
    };
    this.#memoryTimer = setTimeout(look, MEMORY_NEAR_MS);
  }

  #kill(): void {
    this.#process.kill().catch((error: unknown) => this.#lost(`The stage cannot be ended: ${String(error)}`));
  }

  /** The runner is of no more use, whatever it says from now on. */
  #lost(message: string, ending: ReturnType<typeof endingFields> = {}): void {
    const outcome = { kind: "failed", failure: { message, code: "STAGE_FAILED", ...ending } } as const;
    this.#ended.resolve({ outcome, reported: false, clean: false, spawned: true });
  }

  #read(from: OutputName, bytes: Buffer): void {
    this.#sink.lines(this.#output.feed(from, bytes));
    if (this.#output.ended) this.#marker.resolve();
    else if (this.#output.hasRest) this.#sink.begun(() => this.#output.takeRest());
    if (this.#ending || (bytes.length < LARGE_SLICE && this.#sink.hasRoom())) return;
    // Another build's turn comes before the next slice; and what cannot be stored yet stays in the pipe, which fills
    // up until the stage waits.
    this.#process.pauseOutput();
    void (this.#sink.hasRoom() ? setImmediate() : this.#sink.room()).then(() => this.#process.resumeOutput());
  }

  #receive(message: RunnerMessage): void {
    if (message.kind === "ready" || message.job !== this.#job.id || this.#ending) return;
    switch (message.kind) {
      case "loading":
        this.#onPhase("loading");
        return;
      case "begun":
        if (this.#job.action.kind === "run") this.#process.addModule(this.#job.action.module);
        this.#onPhase("begun");
        return;
      case "progress":
        this.#sink.progress(message.percent, message.sub_stage);
        return;
      case "metrics":
        this.#sink.metrics(message.values);
        return;
      case "noted":
        this.#sink.noted(this.#mask.value({ notes: message.notes, summary: message.summary }));
        return;
      case "part":
        this.#part(message.part);
        return;
      case "reference":
        this.#sink.reference(this.#unnamed(message.artifact));
        return;
      case "artifacts":
        this.#store(message.request, message.artifacts);
        return;
      case "ask":
        void this.#ask(message.request, message.question);
        return;
      case "completed":
        this.#report({ kind: "completed", output: message.output }, message);
        return;
      case "failed":
        this.#report({ kind: "failed", failure: message.failure }, message);
        return;
      case "not_run":
        // Code of a user may share the runner's process, and is not to make this worker back off.
        if (this.#job.action.kind !== "command") throw new Error("only a command can fail before it runs");
        this.#report({ kind: "not_run", reason: message.reason }, message);
        return;
      default:
        message satisfies never;
    }
  }

  #report(outcome: StageOutcome, { clean, spawned }: Pick<Ending, "clean" | "spawned">): void {
    this.#ended.resolve({ outcome, reported: true, clean, spawned });
  }

  async #ask(request: number, question: ModelQuestion): Promise<void> {
    const about = { kind: "answered", job: this.#job.id, request } as const;
    try {
      const { text, value } = await this.#sink.ask(question);
      this.#process.send({ ...about, reply: { text, value } });
    } catch (error) {
      this.#log.warn({ err: error, purpose: question.purpose }, "a language model gave no answer");
      this.#process.send({ ...about, failure: failureOf(error, this.#job.work_dir) });
    }
  }

  /** A name cannot be masked: what it names could not be found again. */
  #part(part: PartEvent): void {
    if (this.#mask.text(part.key) !== part.key) throw new Error("the key of a sub-stage has a secret in it");
    this.#sink.part(this.#mask.value(part));
  }

  #unnamed<Artifact extends StageArtifact>(artifact: Artifact): Artifact {
    if (this.#mask.text(artifact.path) !== artifact.path)
      throw new Error(
        `The artifact ${this.#mask.text(artifact.path)} is not recorded: its path has a secret in it.`,
      );
    return this.#mask.value(artifact);
  }

  /** One request after the other: of two with the same path the later one stays. Recorded in the order of the request. */
  #store(request: number, artifacts: readonly StageArtifact[]): void {
    this.#stores = this.#stores.then(async () => {
      const refused: { index: number; message: string }[] = [];
      const records: (() => void)[] = [];
      const entries = artifacts.entries();
      const work = async () => {
        for (const [index, artifact] of entries) {
          try {
            records[index] = await this.#sink.artifact(this.#unnamed(artifact));
          } catch (error) {
            const message = this.#mask.text(error instanceof Error ? error.message : String(error));
            this.#log.warn(
              { reason: message, path: this.#mask.text(artifact.path) },
              "an artifact was not stored",
            );
            refused.push({ index, message });
          }
        }
      };
      await Promise.all(Array.from({ length: STORES_AT_ONCE }, work));
      // Those that were refused left a gap.
      for (const record of records) record?.();
      this.#process.send({ kind: "stored", job: this.#job.id, request, refused });
    });
  }
}
