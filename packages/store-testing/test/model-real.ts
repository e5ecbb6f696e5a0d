import {
  type Clock,
  createMemoryFileStores,
  idempotentProjectId,
  isStagefoldError,
  MemoryProjectStore,
  normalise,
  type Project,
  Repository,
} from "@stagefold/core";

import type { Answer, Call } from "../src/simulation/specification.ts";
import { KEYS, LEASE_MS, type Model, STAGES, USERS, WORKERS } from "./model.ts";

const PLAN = { pipeline: "test", pipeline_version: "1", stages: STAGES.map((stage) => ({ stage })) };

export interface Answered {
  readonly answer: Answer;
  /** Of a claim that was given. */
  readonly token?: number;
  readonly seq?: number;
}

/** One table with several processes on it, each with what it knows and a clock that only the model moves. */
export class Real {
  readonly #store = new MemoryProjectStore();
  readonly #files = createMemoryFileStores();
  readonly #model: Model;
  readonly #ids: readonly string[];
  readonly #workers: Repository[];
  readonly #users: Repository[];
  #claims = 0;

  private constructor(model: Model, ids: readonly string[]) {
    this.#model = model;
    this.#ids = ids;
    this.#workers = WORKERS.map((worker) => this.#process(() => model.clockOf(worker)));
    this.#users = USERS.map(() => this.#process(() => model.now));
  }

  static async open(model: Model): Promise<Real> {
    return new Real(model, await Promise.all(KEYS.map((key) => idempotentProjectId("u", `${key}`))));
  }

  /** A worker starts anew: it knows nothing. */
  restart(worker: number): void {
    this.#workers[worker] = this.#process(() => this.#model.clockOf(worker));
  }

  async stored(key: number): Promise<Project | undefined> {
    const item = await this.#store.get(this.#id(key));
    return item && normalise(item);
  }

  async byWorker(worker: number, key: number, call: Call, from?: string): Promise<Answered> {
    const { work } = this.#of(this.#workers, worker);
    const project_id = this.#id(key);
    const { work_queue } = (await this.stored(key)) ?? {};
    switch (call.do) {
      case "claim": {
        const name = this.#model.nameOf(worker);
        const claimed = await work.claim(project_id, name, work_queue ?? "agent_builds#p3#00", { from });
        return claimed
          ? { answer: "ok", token: claimed.lease_token, seq: claimed.lease_seq }
          : { answer: "none" };
      }
      case "heartbeat":
        return await answered(work.heartbeat(project_id, call.token));
      case "report": {
        const { token: lease_token, seq: lease_seq, events, release } = call;
        return await answered(work.report({ project_id, lease_token, lease_seq, events, release }));
      }
      default:
        throw new Error(`a worker does not ${call.do}`);
    }
  }

  async byUser(user: number, key: number, call: Call): Promise<Answered> {
    const { control, artifacts } = this.#of(this.#users, user);
    const id = this.#id(key);
    const input = { requirement: "a calculator", user_id: "u", idempotency_key: `${key}` };
    switch (call.do) {
      case "create":
        return await answered(control.create(input, PLAN));
      case "pause":
        return await answered(control.pause(id, call.op));
      case "resume":
        return await answered(control.resume(id, call.op));
      case "cancel":
        return await answered(control.cancel(id, call.op));
      case "retry":
        return await answered(control.retry(id, { from_stage: call.from }, call.op));
      case "answer": {
        const { stage, value, op } = call;
        return await answered(control.answer(id, { stage, value }, op.slice(stage.length + 1)));
      }
      case "delete":
        return await answered(control.delete(id));
      case "record": {
        const given = call.paths.map((path) => ({ path }));
        if (given.length === 0) return await answered(artifacts.removeForStage(id, call.stage));
        return await answered(artifacts.record(id, call.stage, given, call.mode));
      }
      default:
        throw new Error(`a user does not ${call.do}`);
    }
  }

  #process(now: () => number): Repository {
    const { artifacts, logs } = this.#files;
    const newId = () => `claim-${this.#claims++}`;
    const clock: Clock = { now };
    return new Repository({ store: this.#store, artifacts, logs, clock, leaseMs: LEASE_MS, newId });
  }

  #id(key: number): string {
    return this.#of(this.#ids, key);
  }

  #of<T>(all: readonly T[], which: number): T {
    const one = all[which];
    if (one === undefined) throw new Error(`expected at least ${which + 1}, found ${all.length}`);
    return one;
  }
}

async function answered(doing: Promise<unknown>): Promise<Answered> {
  try {
    await doing;
    return { answer: "ok" };
  } catch (error) {
    if (!isStagefoldError(error)) throw error;
    return { answer: error.code };
  }
}
