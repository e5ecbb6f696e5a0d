import { isStagefoldError, type ReportEvent, type Stage } from "@stagefold/core";
import { Attempt, type AttemptEnd } from "./attempt.ts";
import { Keeper } from "./keeper.ts";
import { gateEvent } from "./specified-events.ts";
import type { Machine, World } from "./world.ts";
import { LeaseOver, type Writer } from "./writer.ts";

/** How often a stage is tried before its build fails. */
const ATTEMPTS = 3;

/** One build in the hands of a worker, from its claim until it is ended, given back or lost. */
export class Build {
  readonly writer: Writer;
  readonly #world: World;
  readonly #machine: Machine;
  #leaving = false;
  #stopping = false;

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
  }

  /** Gives the build back once the stage that runs has ended. */
  drain(): void {
    this.#leaving = true;
  }

  /** Gives it back now. */
  stop(): void {
    this.#leaving = true;
    this.#stopping = true;
  }

  async #build(): Promise<void> {
    const { status } = this.writer.project;
    // The claim found that lease owners keep dying: writing that down is all there is to do.
    if (status === "failed" || status === "completed") {
      await this.writer.write([]);
      return;
    }
    let stage = this.#nextOpen();
    const begins = stage === undefined ? undefined : this.#beginning(stage);
    if (!begins || this.#leaving || !(await this.#writeUnlessPaused([begins]))) {
      await this.writer.write([], true);
      return;
    }
    if (begins.event === "waiting") return;
    while (stage !== undefined) stage = await this.#stage(stage);
  }

  async #stage(stage: string): Promise<string | undefined> {
    const isStopped = () => this.#stopping;
    const end = await new Attempt(this.#world, this.#machine, this.writer, stage, isStopped).run();
    switch (end.outcome) {
      case "completed":
        return await this.#completed(stage, end);
      case "failed":
        await this.#failed(stage, end);
        return undefined;
      case "stopped":
        if (this.writer.over !== undefined) throw new LeaseOver(this.writer.over);
        await this.writer.write(end.events, true);
        return undefined;
      default:
        return end.outcome satisfies never;
    }
  }

  /** One write ends the stage and starts the next; where that may not start, the build is given back. */
  async #completed(stage: string, end: AttemptEnd): Promise<string | undefined> {
    const { random } = this.#machine;
    const metrics = { input_tokens: random.between(0, 9), tool_calls: random.between(0, 1) };
    const done: ReportEvent[] = [
      ...end.events,
      { event: "completed", stage, output: { made: stage }, metrics },
    ];
    const next = this.#nextOpen(stage);
    if (next !== undefined && !this.#leaving && this.writer.project.status === "building") {
      const begins = this.#beginning(next);
      if (await this.#writeUnlessPaused([...done, begins]))
        return begins.event === "waiting" ? undefined : next;
    }
    await this.writer.write(done, next !== undefined);
    return undefined;
  }

  /** Now and then a stage is a gate: the build then waits, and is in no worker's hands. */
  #beginning(stage: string): ReportEvent {
    const { random } = this.#machine;
    return random.chance(0.15) ? gateEvent(stage, random.between(0, 41)) : { event: "started", stage };
  }

  async #failed(stage: string, end: AttemptEnd): Promise<void> {
    const { random } = this.#machine;
    const failures = this.#find(stage)?.history.filter((entry) => entry.code === "STAGE_FAILED").length ?? 0;
    const retry = failures + 1 < ATTEMPTS && { retry_in_seconds: random.between(0, 2000) / 1000 };
    await this.writer.write([
      ...end.events,
      { event: "failed", stage, message: "It did not work.", code: "STAGE_FAILED", ...retry },
    ]);
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

  #find(key: string): Stage | undefined {
    return this.writer.project.stages_snapshot.stages.find((stage) => stage.stage === key);
  }

  #nextOpen(after?: string): string | undefined {
    const { stages } = this.writer.project.stages_snapshot;
    const from = stages.findIndex((stage) => stage.stage === after);
    const open = stages.find(
      (stage, i) => i > from && stage.status !== "completed" && stage.status !== "skipped",
    );
    return open?.stage;
  }
}
