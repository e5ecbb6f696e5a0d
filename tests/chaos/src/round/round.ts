import { setTimeout as sleep } from "node:timers/promises";
import type { Project } from "@stagefold/core";
import { until } from "../../../../tooling/vitest/until.ts";
import type { RandomFaults } from "../net/faults.ts";
import type { Random } from "../random.ts";
import { persist } from "../world/patience.ts";
import { LEASE_SECONDS, type Site, type World } from "../world/world.ts";
import { heldBy, type Incident } from "./recovery.ts";
import { BUILDS, type Event, scheduleOf } from "./schedule.ts";

/** The share of requests to which something happens. */
const FAULTS_SHARE = 0.12;
/** How long a kill waits for a worker that holds builds, in milliseconds. */
const VICTIM_MS = 30_000;

/** What happened in a round. */
export interface RoundRecord {
  readonly incidents: Incident[];
  /** Milliseconds from each kill of the engine until it answered again. */
  readonly engineBack: number[];
  readonly counts: Map<Event["kind"], number>;
}

/** Builds are made and disturbed, as the schedule says; then all is well again, and they come to their ends. */
export class Round {
  readonly record: RoundRecord = { incidents: [], engineBack: [], counts: new Map() };
  readonly #world: World;
  readonly #n: number;
  /** The ids of this round's builds by their place in the schedule. */
  readonly #builds = new Map<number, string>();
  readonly #unmade = new Map<number, unknown>();
  readonly #deleted = new Set<string>();

  /** `n`: which round of its world it is. */
  constructor(world: World, n: number) {
    this.#world = world;
    this.#n = n;
  }

  async run(random: Random, faults: RandomFaults): Promise<void> {
    const schedule = scheduleOf(random, this.#n, this.#world.sites.length, LEASE_SECONDS * 1000);
    const from = performance.now();
    const happening: Promise<void>[] = [];
    faults.storm(FAULTS_SHARE);
    for (const event of schedule) {
      await sleep(Math.max(0, event.at - (performance.now() - from)));
      happening.push(this.#happen(event));
      this.record.counts.set(event.kind, (this.record.counts.get(event.kind) ?? 0) + 1);
    }
    const settled = await Promise.allSettled(happening);
    faults.storm(0);
    const errors = settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    if (errors.length > 0) throw new AggregateError(errors, `not all of the round could be done: ${errors}`);
    await this.#ended();
    await this.#world.drained();
    // What was late may have been a pause or a cancel once more.
    await this.#ended();
  }

  async #happen(event: Event): Promise<void> {
    const { driver } = this.#world;
    switch (event.kind) {
      case "create":
        try {
          this.#builds.set(event.build, await driver.create(this.#n * BUILDS + event.build));
        } catch (error) {
          this.#unmade.set(event.build, error);
          throw error;
        }
        return;
      case "pause":
      case "resume":
      case "cancel":
      case "answer":
        await driver[event.kind](await this.#buildOf(event.build));
        return;
      case "delete":
        return await this.#delete(await this.#buildOf(event.build));
      case "kill":
        return await this.#kill(await this.#victim(event.site), event.forMs);
      case "freeze":
        return await this.#freeze(await this.#victim(event.site), event.forMs);
      case "partition":
        return await partition(this.#site(event.site), event.forMs);
      case "kill engine":
        return await this.#killEngine();
      default:
        return event satisfies never;
    }
  }

  /** Its create may take a while, with what happens to its request. Fails with what the create failed with. */
  #buildOf(build: number): Promise<string> {
    return until(`build ${build} to be made`, async () => {
      if (this.#unmade.has(build)) throw this.#unmade.get(build);
      return this.#builds.get(build);
    });
  }

  async #delete(id: string): Promise<void> {
    this.#deleted.add(id);
    await this.#world.driver.delete(id);
  }

  async #kill({ worker }: Site, forMs: number): Promise<void> {
    const { pid } = worker;
    // It is down already, from a kill a moment ago.
    if (pid === 0) return;
    this.#incident("kill", pid);
    await worker.kill();
    await sleep(forMs);
    worker.start();
  }

  async #freeze({ worker }: Site, forMs: number): Promise<void> {
    const { pid } = worker;
    if (pid === 0) return;
    this.#incident("freeze", pid);
    worker.freeze();
    await sleep(forMs);
    // Otherwise it was killed meanwhile, and this is another process.
    if (worker.pid === pid) worker.thaw();
  }

  #incident(what: Incident["what"], pid: number): void {
    this.record.incidents.push({ what, at: performance.now(), held: this.#heldBy(pid) });
  }

  #heldBy(pid: number): Incident["held"] {
    return pid === 0 ? [] : heldBy(this.#world.journal, [...this.#builds.values()], pid);
  }

  /** One that holds builds, as soon as any does: what happens to the others stops no build. */
  async #victim(index: number): Promise<Site> {
    for (const until = performance.now() + VICTIM_MS; performance.now() < until; await sleep(20)) {
      const owners = this.#world.sites.filter(({ worker }) => this.#heldBy(worker.pid).length > 0);
      const victim = owners[index % Math.max(1, owners.length)];
      if (victim) return victim;
      if (!this.#isBusy()) break;
    }
    return this.#site(index);
  }

  /** Whether there is, or will be, a build that a worker may hold. */
  #isBusy(): boolean {
    const statuses = [...this.#builds.values()].map((id) => this.#world.journal.latest(id)?.status);
    const over = statuses.filter((status) => status === "completed" || status === "cancelled");
    return this.#builds.size < BUILDS || over.length + this.#deleted.size < BUILDS;
  }

  /** dynalite runs in this very process, and loses index rows when it is killed. */
  async #killEngine(): Promise<void> {
    const { engine } = this.#world;
    if (engine.name !== "dynoxide") return;
    const at = performance.now();
    await engine.restart();
    this.record.engineBack.push(performance.now() - at);
  }

  #site(index: number): Site {
    const site = this.#world.sites[index];
    if (!site) throw new Error(`expected a worker ${index}`);
    return site;
  }

  async #ended(): Promise<void> {
    // All at once: each has a gate that may still be open.
    const left = [...this.#builds.values()].filter((id) => !this.#deleted.has(id));
    await Promise.all(left.map((id) => this.#completed(id)));
  }

  /** A build comes to its end; a user retries one that was stopped or given up on the way. */
  async #completed(id: string): Promise<void> {
    const { direct, driver, sites } = this.#world;
    let last: Project | undefined;
    const look = async () => {
      last = await persist(() => direct.get(id, { consistent: true }));
      if (last.status === "completed") return true;
      if (last.status === "paused") await driver.resume(id);
      if (last.status === "waiting") await driver.answer(id);
      if (last.status === "failed" || last.status === "cancelled") await driver.retry(id);
      return undefined;
    };
    const state = () =>
      [JSON.stringify(last, undefined, 1), ...sites.flatMap(({ worker }) => worker.said)].join("\n");
    await until(`${id} to be completed`, look, state);
  }
}

async function partition({ proxy }: Site, forMs: number): Promise<void> {
  proxy.partitioned = true;
  await sleep(forMs);
  proxy.partitioned = false;
}
