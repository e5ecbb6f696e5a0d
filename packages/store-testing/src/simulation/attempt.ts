import { isStagefoldError, type ReportEvent } from "@stagefold/core";
import type { Machine, World } from "./world.ts";
import { LeaseOver, type Writer } from "./writer.ts";

/** How long what a stage says waits for more, in milliseconds. */
const GATHER_MS = 700;

export interface AttemptEnd {
  readonly outcome: "completed" | "failed" | "stopped";
  /** What the stage said that no write has carried yet. */
  readonly events: readonly ReportEvent[];
}

/** A stage that runs: it works for a while, says this and that, and ends one way or another. */
export class Attempt {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #writer: Writer;
  readonly #stage: string;
  /** The attempts of its build, this one among them: a write takes along what they have said. */
  readonly #siblings: () => readonly Attempt[];
  #stopped = false;
  #dropped = false;
  readonly #said: ReportEvent[] = [];
  #progress = 0;
  #writing: Promise<void> | undefined;

  constructor(
    world: World,
    machine: Machine,
    writer: Writer,
    stage: string,
    siblings: () => readonly Attempt[],
  ) {
    this.#world = world;
    this.#machine = machine;
    this.#writer = writer;
    this.#stage = stage;
    this.#siblings = siblings;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Its stage does not run any more: what it has not said yet is nothing to anyone. */
  drop(): void {
    this.stop();
    this.#dropped = true;
  }

  async run(): Promise<AttemptEnd> {
    const { process, random } = this.#machine;
    let stopped = false;
    for (let steps = random.between(1, 4); steps > 0 && !stopped; steps--) {
      await process.sleep(random.between(50, 1500));
      stopped = this.#stopped || this.#writer.over !== undefined;
      if (!stopped) this.#say();
    }
    const outcome = stopped ? "stopped" : random.chance(0.2) ? "failed" : "completed";
    const gathering = this.#writing;
    this.#writing = Promise.resolve();
    await gathering;
    return { outcome, events: this.#said };
  }

  #say(): void {
    const { random } = this.#machine;
    const stage = this.#stage;
    const said = random.between(0, 3);
    if (said <= 1) this.#said.push({ event: "log", stage, lines: [this.#line(), this.#line()] });
    if (said >= 1) {
      this.#progress = Math.min(99, this.#progress + random.between(1, 40));
      this.#said.push({ event: "progress", stage, progress: this.#progress });
    }
    if (said >= 2) this.#said.push({ event: "artifacts", stage, mode: "add", artifacts: [this.#artifact()] });
    // While a write is under way, or waits for more, what is said meanwhile goes with the next.
    this.#writing ??= this.#writeSoon();
  }

  #line(): string {
    return `${this.#machine.process.name} ${this.#writer.token} ${this.#world.nextLine()}`;
  }

  #artifact() {
    return { path: `${this.#stage}/${this.#machine.random.between(1, 4)}.txt`, size: 1 };
  }

  #take(): ReportEvent[] {
    return this.#dropped ? [] : this.#said.splice(0);
  }

  #giveBack(events: readonly ReportEvent[]): void {
    this.#said.unshift(...events.filter(({ stage }) => stage === this.#stage));
  }

  async #writeSoon(): Promise<void> {
    await this.#machine.process.sleep(GATHER_MS);
    // What has ended says the rest with its end.
    const events = this.#siblings().flatMap((one) => one.#take());
    try {
      if (events.length > 0) await this.#writer.write(events);
    } catch (error) {
      for (const one of this.#siblings()) one.#giveBack(events);
      if (!(error instanceof LeaseOver) && !this.#isOfEnded(error, events))
        this.#world.violated("unexpected_error", `report of ${this.#stage}: ${String(error)}`);
    }
    this.#writing = undefined;
  }

  /** A stage of it was ended by a write before this one. */
  #isOfEnded(error: unknown, events: readonly ReportEvent[]): boolean {
    const { stages } = this.#writer.project.stages_snapshot;
    const over = stages.filter(({ status }) => status !== "running").map(({ stage }) => stage);
    return isStagefoldError(error, "STAGE_CONFLICT") && events.some(({ stage }) => over.includes(stage));
  }
}
