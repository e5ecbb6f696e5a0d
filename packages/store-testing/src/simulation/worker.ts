import { type Claimed, DEFAULT_POOL, type DueWork, isStagefoldError } from "@stagefold/core";
import { Build } from "./build.ts";
import { viewOf } from "./view.ts";
import type { Machine, World } from "./world.ts";
import { momentOf, Writer } from "./writer.ts";

const IDLE_FIRST_MS = 100;
const IDLE_LAST_MS = 2000;
const ROWS = 20;
/** What running stages get to end when the worker drains. */
const DRAIN_MS = 1500;

/** A worker as the real one is: it looks for due work, claims it, keeps the lease, runs the stages. */
export class Worker {
  readonly machine: Machine;
  readonly #world: World;
  readonly #concurrency: number;
  readonly #builds = new Map<string, Build>();
  #stopped = false;

  constructor(world: World, machine: Machine, concurrency: number) {
    this.#world = world;
    this.machine = machine;
    this.#concurrency = concurrency;
  }

  get name(): string {
    return this.machine.process.name;
  }

  get idle(): boolean {
    return this.#builds.size === 0;
  }

  async run(): Promise<void> {
    const { process, random } = this.machine;
    await this.#look(() => this.#inherit());
    for (let waitMs = IDLE_FIRST_MS; !this.#stopped; ) {
      const claimed = await this.#look(() => this.#claimDue());
      waitMs = claimed > 0 ? IDLE_FIRST_MS : Math.min(IDLE_LAST_MS, waitMs * 2);
      await process.sleep(waitMs * (0.8 + 0.4 * random.next()));
    }
  }

  /** Claims nothing more, lets the stages that run end for a while, and gives the builds back. */
  async drain(): Promise<void> {
    this.#stopped = true;
    for (const build of this.#builds.values()) build.drain();
    await this.machine.process.sleep(DRAIN_MS);
    for (const build of this.#builds.values()) build.stop();
  }

  /** While the store is unavailable there is nothing to do but to look again. */
  async #look(look: () => Promise<number>): Promise<number> {
    try {
      return await look();
    } catch (error) {
      if (!isStagefoldError(error, "STORE_UNAVAILABLE"))
        this.#world.violated("unexpected_error", `looking for work: ${String(error)}`);
      return 0;
    }
  }

  async #claimDue(): Promise<number> {
    if (this.#builds.size >= this.#concurrency) return 0;
    const rows = await this.machine.repository.work.due(DEFAULT_POOL, ROWS);
    let claimed = 0;
    for (const row of this.machine.random.shuffled(rows))
      if (!this.#stopped && this.#builds.size < this.#concurrency && (await this.#claim(row))) claimed += 1;
    return claimed;
  }

  /** Takes the builds of those that are proven to be gone: their leases need not run out. */
  async #inherit(): Promise<number> {
    const rows = await this.machine.repository.work.held(DEFAULT_POOL, ROWS);
    for (const row of rows) {
      const from = row.lease?.owner;
      if (from !== undefined && this.#world.gone.has(from) && this.#builds.size < this.#concurrency)
        await this.#claim(row, from);
    }
    return 0;
  }

  async #claim(row: DueWork, from?: string): Promise<boolean> {
    const { project_id, work_queue } = row;
    if (this.#builds.has(project_id)) return false;
    const sentAt = momentOf(this.machine);
    const claimed = await this.#world.histories.record(
      this.name,
      project_id,
      { do: "claim" },
      () => this.machine.repository.work.claim(project_id, this.name, work_queue, { from }),
      (given) => (given ? { answer: "ok", view: viewOf(given.project) } : { answer: "none" }),
    );
    this.#check(project_id, claimed);
    if (!claimed) return false;
    const build = new Build(
      this.#world,
      this.machine,
      new Writer(this.#world, this.machine, claimed, sentAt),
    );
    this.#builds.set(project_id, build);
    void build.run().then(() => this.#builds.delete(project_id));
    return true;
  }

  /** A claim that is not given must not be held either. */
  #check(projectId: string, claimed: Claimed | undefined): void {
    const { lease } = this.#world.table.project(projectId) ?? {};
    if (!claimed && lease?.claim_id === this.machine.lastClaim())
      this.#world.violated("refused_though_done", `${this.name} holds ${projectId} and was told it does not`);
  }
}
