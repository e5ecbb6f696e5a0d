import {
  type DueRange,
  type DueWork,
  type Item,
  type ListPage,
  type ListQuery,
  type Patch,
  type ProjectStore,
  StagefoldError,
  type StatusCounts,
  type Written,
} from "@stagefold/core";
import type { Fault, Weather, WriteFault } from "./faults.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Table } from "./table.ts";

/** Milliseconds. */
export const LEASE_MS = 6000;
/** How long a request is waited for, in milliseconds. */
export const TIMEOUT_MS = 1500;
/** How long a request may be on its way after its sender has given it up, or its copy after the first. */
const LATE_AT_MOST_MS = 9000;
/**
 * The same for create and delete. What is not there remembers nothing, so nothing can refuse a create that arrives
 * after its project was deleted: the deleting user waits for so long after the last create, and the other way round.
 */
export const LATE_UNGUARDED_MS = 2000;
const STALE_AT_MOST_MS = 4000;

/** Where a connection leads, and through what. */
export interface Route {
  readonly table: Table;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly random: Random;
  readonly trace: (line: string) => void;
}

type Reply<T> = { readonly resolve: (value: T) => void; readonly reject: (error: Error) => void };

/** One process's way to the table, on which requests and replies are lost, late, doubled and overtaken. */
export class Connection implements ProjectStore {
  readonly #route: Route;
  readonly #process: SimProcess;
  #onRequest: (() => void) | undefined;

  constructor(route: Route, process: SimProcess) {
    this.#route = route;
    this.#process = process;
  }

  /** Calls back once, when the next request is sent. */
  onNextRequest(sent: () => void): void {
    this.#onRequest = sent;
  }

  write(patch: Patch): Promise<Written> {
    const { weather, trace } = this.#route;
    this.#sends();
    const fault = weather.write();
    trace(`${this.#process.name} sends ${patch.transition} ${patch.project_id}${fault ? `: ${fault}` : ""}`);
    return new Promise((resolve, reject) => this.#deliver(patch, fault, { resolve, reject }));
  }

  get(projectId: string): Promise<Item | undefined> {
    return this.#read(() => this.#route.table.get(projectId));
  }

  getMany(projectIds: readonly string[]): Promise<readonly Item[]> {
    return this.#read(() => this.#route.table.getMany(projectIds));
  }

  /** Pages are cut at random, as a store may. */
  list(asked: ListQuery): Promise<ListPage> {
    const { random } = this.#route;
    const query = random.chance(0.3) ? { ...asked, limit: random.between(1, asked.limit) } : asked;
    return this.#read(async (stale, missing) => {
      const page = await this.#fresh(stale, (ageMs) => this.#route.table.list(query, ageMs));
      return missing ? { ...page, items: this.#without(page.items) } : page;
    });
  }

  counts(): Promise<StatusCounts> {
    return this.#read(() => this.#route.table.counts());
  }

  due(queue: string, now: string, limit: number, range?: DueRange): Promise<readonly DueWork[]> {
    return this.#read(async (stale, missing) => {
      const rows = await this.#fresh(stale, (ageMs) =>
        this.#route.table.due(ageMs, queue, now, limit, range),
      );
      return missing ? this.#without(rows) : rows;
    });
  }

  async ping(): Promise<void> {
    await this.#read(() => Promise.resolve());
  }

  #deliver(patch: Patch, fault: WriteFault | undefined, reply: Reply<Written>): void {
    const { scheduler, weather, random } = this.#route;
    const latency = this.#latency();
    switch (fault) {
      case undefined:
        this.#arrive(latency, patch, reply);
        break;
      case "slow":
        weather.hit(fault);
        this.#arrive(random.between(200, TIMEOUT_MS - 100), patch, reply);
        break;
      case "held_up":
        weather.hit(fault);
        this.#process.freeze(random.between(TIMEOUT_MS, LATE_AT_MOST_MS), random.chance(0.3));
        this.#process.whenAwake(() => this.#arrive(latency, patch, reply));
        break;
      case "throttled":
        weather.hit(fault);
        this.#process.after(latency, () => reply.reject(unavailable("throttled")));
        break;
      case "request_dropped":
        weather.hit(fault);
        this.#timeOut(reply);
        break;
      case "reply_dropped":
        scheduler.after(latency, () =>
          this.#apply(patch, false, (written) => {
            if (written?.ok) weather.hit(fault);
          }),
        );
        this.#timeOut(reply);
        break;
      case "delayed":
        this.#late(TIMEOUT_MS, patch, fault);
        this.#timeOut(reply);
        break;
      case "duplicated":
        this.#late(latency, patch, fault);
        this.#arrive(latency, patch, reply);
        break;
      case "resent":
        this.#resend(latency, patch, reply);
        break;
      default:
        fault satisfies never;
    }
  }

  #arrive(latency: number, patch: Patch, reply: Reply<Written>): void {
    this.#route.scheduler.after(latency, () =>
      this.#apply(patch, false, (written) => {
        if (written) this.#reply(() => reply.resolve(asAnswered(patch, written)));
      }),
    );
  }

  #late(latency: number, patch: Patch, fault: Fault): void {
    const { scheduler, weather } = this.#route;
    weather.strays += 1;
    scheduler.after(latency + this.#lateness(patch), () => {
      weather.strays -= 1;
      this.#apply(patch, true, () => weather.hit(fault));
    });
  }

  /** What a client does by itself: the caller sees one request, whose answer is that of the second. */
  #resend(latency: number, patch: Patch, reply: Reply<Written>): void {
    const { scheduler, weather, random } = this.#route;
    scheduler.after(latency, () =>
      this.#apply(patch, false, (first) => {
        if (first?.ok) weather.hit("resent");
        scheduler.after(random.between(50, 600), () =>
          this.#apply(patch, true, (second) => this.#second(patch, first, second, reply)),
        );
      }),
    );
  }

  #second(
    patch: Patch,
    first: Written | undefined,
    second: Written | undefined,
    reply: Reply<Written>,
  ): void {
    if (!second) {
      this.#timeOut(reply);
      return;
    }
    // As the client for DynamoDB has it: gone at the second attempt was the first one's doing.
    const ok = second.ok || (patch.kind === "delete" && first?.ok === true);
    this.#reply(() => reply.resolve(asAnswered(patch, { ...second, ok })));
  }

  #reply(answer: () => void): void {
    this.#process.after(this.#latency(), answer);
  }

  /** `copy`: it may be there already, and is let go where the contract says nothing of a repeat any more. */
  #apply(patch: Patch, copy: boolean, then: (written: Written | undefined) => void): void {
    const { table, trace } = this.#route;
    void table.write(patch, copy).then((written) => {
      if (written?.ok === false)
        trace(`  ${this.#process.name}'s ${patch.transition} ${patch.project_id} is refused`);
      then(written);
    });
  }

  #timeOut(reply: Reply<never>): void {
    this.#process.after(TIMEOUT_MS, () => reply.reject(unavailable("no answer")));
  }

  #read<T>(read: (stale: boolean, missing: boolean) => Promise<T>): Promise<T> {
    const { scheduler, weather } = this.#route;
    this.#sends();
    const fault = weather.read();
    return new Promise<T>((resolve, reject) => {
      if (fault === "request_dropped" || fault === "throttled") {
        weather.hit(fault);
        const ms = fault === "throttled" ? this.#latency() : TIMEOUT_MS;
        this.#process.after(ms, () => reject(unavailable(fault)));
      } else
        scheduler.after(this.#latency(), () => {
          const rows = read(fault === "stale_rows", fault === "missing_rows");
          void rows.then((value) => this.#process.whenAwake(() => resolve(value)));
        });
    });
  }

  #sends(): void {
    this.#onRequest?.();
    this.#onRequest = undefined;
  }

  async #fresh<T>(stale: boolean, read: (ageMs: number) => Promise<T>): Promise<T> {
    const now = await read(0);
    if (!stale) return now;
    const then = await read(this.#route.random.between(1, STALE_AT_MOST_MS));
    if (JSON.stringify(then) !== JSON.stringify(now)) this.#route.weather.hit("stale_rows");
    return then;
  }

  #without<T>(rows: readonly T[]): readonly T[] {
    const left = rows.filter(() => this.#route.random.chance(0.5));
    if (left.length < rows.length) this.#route.weather.hit("missing_rows");
    return left;
  }

  #latency(): number {
    return this.#route.random.between(2, 25);
  }

  #lateness(patch: Patch): number {
    return this.#route.random.between(1, patch.kind === "update" ? LATE_AT_MOST_MS : LATE_UNGUARDED_MS);
  }
}

/** What a store for real answers: not the item, where its writer knows what has come of it. */
function asAnswered(patch: Patch, written: Written): Written {
  const postImage = written.ok && patch.kind === "update" ? patch.postImage : undefined;
  return postImage ? { ok: true, item: postImage } : written;
}

function unavailable(why: string): StagefoldError<"STORE_UNAVAILABLE"> {
  return new StagefoldError("STORE_UNAVAILABLE", `The store is unavailable: ${why}.`, { retry_after: 1 });
}
