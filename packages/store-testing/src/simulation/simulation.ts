import { checkAftermath } from "./aftermath.ts";
import { LEASE_MS, TIMEOUT_MS } from "./connection.ts";
import type { FaultCounts, ProcessFault } from "./faults.ts";
import type { Histories } from "./history.ts";
import { Builds, User } from "./user.ts";
import { Worker } from "./worker.ts";
import { type Violation, World, type WorldOptions } from "./world.ts";

/** Trouble lasts so long, then everything continues without faults until it is done, but at most so long. */
const TROUBLE_MS = 16_000;
const PEACE_AT_MOST_MS = 240_000;
const SETTLING_MS = 2 * TIMEOUT_MS;

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly faults: FaultCounts;
  readonly histories: Histories;
  /** Writes that took effect. */
  readonly writes: number;
  /** Writes after which two stages of a build ran at once. */
  readonly overlaps: number;
  /** What happened, line by line, if asked for. */
  readonly trace: readonly string[];
}

/** One run: workers and users over a store that fails, then peace, then a look at what is left. */
export async function simulate(options: WorldOptions): Promise<SimulationResult> {
  const world = new World(options);
  await new Simulation(world).run();
  const { seed, violations, weather, histories, writes, overlaps, lines } = world;
  return { seed, violations, faults: weather.counts, histories, writes, overlaps, trace: lines };
}

class Simulation {
  readonly #world: World;
  readonly #builds = new Builds();
  readonly #users: readonly User[];
  readonly #workers: Worker[] = [];
  #started = 0;
  #done = false;

  constructor(world: World) {
    this.#world = world;
    // Whether users make a project again, under its old id, that was deleted.
    const recreates = world.random.chance(0.3);
    this.#users = ["u1", "u2"].map((name) => {
      const machine = world.machine(name, world.random.between(-200, 200));
      return new User(world, machine, this.#builds, recreates);
    });
  }

  async run(): Promise<void> {
    const { scheduler } = this.#world;
    const story = this.#story();
    await scheduler.run(() => this.#done);
    if (!this.#done) this.#world.violated("stuck", "nothing is left to happen, and it is not over");
    else await story;
  }

  async #story(): Promise<void> {
    const { scheduler, random, weather } = this.#world;
    const [first] = this.#users;
    for (let i = random.between(1, 3); i > 0; i--) await first?.create(`key-${i}`);
    const start = scheduler.now;
    for (let i = random.between(2, 3); i > 0; i--) this.#startWorker();
    const inTrouble = () => scheduler.now - start < TROUBLE_MS;
    const users = this.#users.map((user) => user.run(() => !inTrouble()));
    while (inTrouble()) {
      await this.#wait(1000);
      for (const worker of [...this.#workers]) this.#afflict(worker, weather.process());
    }
    this.#world.trace("--- peace ---");
    weather.calm();
    for (const { machine } of this.#workers) {
      machine.process.thaw();
      machine.process.synchronise();
    }
    await Promise.all(users);
    await this.#settle();
    await checkAftermath(this.#world, this.#world.machine("auditor"));
    this.#done = true;
  }

  async #settle(): Promise<void> {
    const { scheduler, table, weather } = this.#world;
    const end = scheduler.now + PEACE_AT_MOST_MS;
    // Who was just started or has given a request up is heard of within this time.
    const quietFrom = scheduler.now + SETTLING_MS;
    const busy = () =>
      // What is still on its way may set something going once more.
      weather.strays > 0 ||
      this.#workers.some((worker) => !worker.idle) ||
      table.projects.some(
        ({ status, work_queue }) =>
          status === "queued" || status === "building" || (status === "waiting" && work_queue !== undefined),
      );
    while ((busy() || scheduler.now < quietFrom) && scheduler.now < end) await this.#wait(500);
  }

  #startWorker(): void {
    const { random } = this.#world;
    this.#started += 1;
    const machine = this.#world.machine(`w${this.#started}`, random.between(-300, 300));
    const worker = new Worker(this.#world, machine, random.between(1, 2));
    this.#workers.push(worker);
    void worker.run();
  }

  #afflict(worker: Worker, fault: ProcessFault | undefined): void {
    if (fault === undefined) return;
    const { random, weather } = this.#world;
    const { process } = worker.machine;
    weather.hit(fault);
    this.#world.trace(`*** ${worker.name} ${fault}`);
    switch (fault) {
      case "crashed":
        this.#crash(worker);
        break;
      case "stopped":
      case "asleep":
        process.freeze(random.between(LEASE_MS / 4, LEASE_MS * 2.5), fault === "asleep");
        break;
      case "clock_jumped":
        process.jump(random.between(-2 * LEASE_MS, 2 * LEASE_MS));
        break;
      case "drained":
        void worker.drain();
        this.#replace(worker);
        break;
      default:
        fault satisfies never;
    }
  }

  #crash(worker: Worker): void {
    worker.machine.process.crash();
    this.#world.gone.add(worker.name);
    this.#replace(worker);
  }

  #replace(worker: Worker): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#world.scheduler.after(this.#world.random.between(200, 4000), () => this.#startWorker());
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.scheduler.after(ms, resolve));
  }
}
