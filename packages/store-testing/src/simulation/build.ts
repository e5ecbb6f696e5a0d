import {
  isStagefoldError,
  type Project,
  type ReportEvent,
  readyStages,
  type Stage,
  withStage,
} from "@stagefold/core";
import { Attempt, type AttemptEnd } from "./attempt.ts";
import { Keeper } from "./keeper.ts";
import { gateEvent } from "./specified-events.ts";
import type { Machine, World } from "./world.ts";
import { LeaseOver, type Writer } from "./writer.ts";

/** How often a stage is tried before its build fails. */
const ATTEMPTS = 3;

interface Running {
  readonly attempt: Attempt;
  readonly ended: Promise<{ readonly stage: string; readonly end: AttemptEnd }>;
}

/** One build in the hands of a worker, from its claim until it is ended, given back or lost. */
export class Build {
  readonly writer: Writer;
  readonly #world: World;
  readonly #machine: Machine;
  /** Attempts whose end is not taken up yet, by stage. */
  readonly #running = new Map<string, Running>();
  #leaving = false;

  constructor(world: World, machine: Machine, writer: Writer) {
    this.#world = world;
    this.#machine = machine;
    this.writer = writer;
  }

  /** Resolves when nothing of the build is left in this worker. */
  async run(): Promise<void> {
    const keeper = new Keeper(this.#world, this.#machine, this.writer);
    void keeper.run();
    try {
      await this.#build();
    } catch (error) {
      if (!(error instanceof LeaseOver)) this.#world.violated("unexpected_error", String(error));
    } finally {
      keeper.stop();
    }
    for (const { ended } of this.#running.values()) await ended;
  }

  /** Gives the build back once the stages that run have ended. */
  drain(): void {
    this.#leaving = true;
  }

  /** Gives it back now. */
  stop(): void {
    this.#leaving = true;
    for (const { attempt } of this.#running.values()) attempt.stop();
  }

  async #build(): Promise<void> {
    const { status } = this.writer.project;
    // The claim found that lease owners keep dying: writing that down is all there is to do.
    if (status === "failed" || status === "completed") {
      await this.writer.write([]);
      return;
    }
    do {
      if (!(await this.#begin())) return;
      await this.#dropEnded();
      this.#launch();
      if (this.#running.size === 0) continue;
      const ended = await Promise.race([
        ...[...this.#running.values()].map((one) => one.ended),
        ...this.#nextTry(),
      ]);
      if (!ended) continue;
      this.#running.delete(ended.stage);
      await this.#ended(ended.stage, ended.end);
    } while (this.#isHeld() || this.#running.size > 0);
  }

  /** Starts what is ready. With nothing that runs or may start, the build is given back: false. */
  async #begin(): Promise<boolean> {
    const mayStart = !this.#leaving && this.#isHeld() && this.writer.project.status === "building";
    const begins = mayStart ? this.#beginnings(this.writer.project) : [];
    const isIdle = this.#running.size === 0 && this.#find("running") === undefined;
    if (begins.length > 0 && (await this.#writeUnlessPaused(begins))) return true;
    if (isIdle) await this.writer.write([], true);
    return !isIdle;
  }

  /** Ends those whose stages do not run any more by the project: the build has failed beside them, as for its budget. */
  async #dropEnded(): Promise<void> {
    const { stages } = this.writer.project.stages_snapshot;
    const over = [...this.#running].filter(([key]) =>
      stages.some(({ stage, status }) => stage === key && status !== "running"),
    );
    for (const [, { attempt }] of over) attempt.drop();
    for (const [key, { ended }] of over) {
      await ended;
      this.#running.delete(key);
    }
  }

  #launch(): void {
    if (!this.#isHeld()) return;
    for (const { stage, status } of this.writer.project.stages_snapshot.stages) {
      if (status !== "running" || this.#running.has(stage)) continue;
      const others = () => [...this.#running.values()].map((one) => one.attempt);
      const attempt = new Attempt(this.#world, this.#machine, this.writer, stage, others);
      this.#running.set(stage, { attempt, ended: attempt.run().then((end) => ({ stage, end })) });
    }
  }

  /** When a stage may be tried again that waits while others run. */
  #nextTry(): Promise<undefined>[] {
    const waits = this.#waiting(this.writer.project);
    const ms = Math.min(...waits) - this.#machine.process.clock.now();
    return waits.length === 0 ? [] : [this.#machine.process.sleep(Math.max(1, ms)).then(() => undefined)];
  }

  #waiting({ stages_snapshot }: Project): number[] {
    return stages_snapshot.stages.flatMap(({ status, retry_at }) =>
      status === "pending" && retry_at !== undefined ? [Date.parse(retry_at)] : [],
    );
  }

  async #ended(stage: string, end: AttemptEnd): Promise<void> {
    switch (end.outcome) {
      case "completed":
        return await this.#completed(stage, end);
      case "failed":
        return await this.#failed(stage, end);
      case "stopped": {
        if (this.writer.over !== undefined) throw new LeaseOver(this.writer.over);
        const others = await this.#stopOthers();
        await this.writer.write([...end.events, ...others], true);
        return;
      }
      default:
        return end.outcome satisfies never;
    }
  }

  /** One write ends the stage and starts what is ready then; with nothing that runs, the build is given back. */
  async #completed(stage: string, end: AttemptEnd): Promise<void> {
    const done = [...end.events, this.#completion(stage)];
    const { project } = this.writer;
    const { stages } = project.stages_snapshot;
    const position = stages.findIndex((one) => one.stage === stage);
    const own = stages[position];
    const next = own && withStage(project, position, { ...own, status: "completed" });
    if (next && !this.#leaving && project.status === "building") {
      const begins = this.#beginnings(next);
      if (begins.length > 0 && (await this.#writeUnlessPaused([...done, ...begins]))) return;
    }
    await this.writer.write(done, this.#running.size === 0);
  }

  #completion(stage: string): ReportEvent {
    const { random } = this.#machine;
    const metrics = { input_tokens: random.between(0, 9), tool_calls: random.between(0, 1) };
    return { event: "completed", stage, output: { made: stage }, metrics };
  }

  /** Now and then a stage that runs alone is a gate: the build then waits, and is in no worker's hands. */
  #beginnings(project: Project): ReportEvent[] {
    const { random, process } = this.#machine;
    const now = process.clock.now();
    const ready = readyStages(project)
      .flatMap((position) => project.stages_snapshot.stages[position] ?? [])
      .filter(({ retry_at }) => retry_at === undefined || Date.parse(retry_at) <= now);
    const isAlone = ready.length === 1 && this.#running.size === 0;
    return ready.map(({ stage }) =>
      isAlone && random.chance(0.15) ? gateEvent(stage, random.between(0, 41)) : { event: "started", stage },
    );
  }

  /** A stage that fails for good ends those that run beside it. */
  async #failed(stage: string, end: AttemptEnd): Promise<void> {
    const { random } = this.#machine;
    const own = this.writer.project.stages_snapshot.stages.find((one) => one.stage === stage);
    const failures = own?.history.filter((entry) => entry.code === "STAGE_FAILED").length ?? 0;
    const retry = failures + 1 < ATTEMPTS && { retry_in_seconds: random.between(0, 2000) / 1000 };
    const endsOthers = !retry && own?.allow_failure !== true && own?.finally !== true;
    const others = endsOthers ? await this.#stopOthers() : [];
    await this.writer.write([
      ...others,
      ...end.events,
      { event: "failed", stage, message: "It did not work.", code: "STAGE_FAILED", ...retry },
    ]);
  }

  /** Stops all that runs. Resolves with what was said and not written. */
  async #stopOthers(): Promise<ReportEvent[]> {
    const all = [...this.#running.values()];
    for (const { attempt } of all) attempt.stop();
    const ends = await Promise.all(all.map((one) => one.ended));
    this.#running.clear();
    return ends.flatMap(({ stage, end }) =>
      end.outcome === "completed" ? [...end.events, this.#completion(stage)] : end.events,
    );
  }

  /** False when the project is in a state in which no stage may start. */
  async #writeUnlessPaused(events: readonly ReportEvent[]): Promise<boolean> {
    try {
      await this.writer.write(events);
      return true;
    } catch (error) {
      if (!isStagefoldError(error, "PROJECT_CONFLICT")) throw error;
      return false;
    }
  }

  #isHeld(): boolean {
    const { status, lease, lease_token } = this.writer.project;
    const isOpen = status === "building" || status === "paused";
    return isOpen && lease.owner !== undefined && lease_token === this.writer.token;
  }

  #find(status: Stage["status"]): Stage | undefined {
    return this.writer.project.stages_snapshot.stages.find((stage) => stage.status === status);
  }
}
