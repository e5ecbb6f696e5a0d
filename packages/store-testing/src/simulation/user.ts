import { idempotentProjectId, isStagefoldError, type Project, toTime } from "@stagefold/core";
import { LATE_UNGUARDED_MS } from "./connection.ts";
import type { Call, Given } from "./specification.ts";
import { viewOf } from "./view.ts";
import type { Machine, World } from "./world.ts";

const DEEDS = [
  "pause",
  "resume",
  "cancel",
  "retry",
  "answer",
  "record",
  "remove",
  "delete",
  "get",
  "list",
] as const;
type Deed = (typeof DEEDS)[number];
const HOW_OFTEN: Readonly<Record<Deed, number>> = {
  pause: 4,
  resume: 6,
  cancel: 2,
  retry: 6,
  answer: 8,
  record: 4,
  remove: 1,
  delete: 0.4,
  get: 3,
  list: 1,
};
/** A caller gives up after so many answers that the store is unavailable. */
const TRIES = 3;

/** What users have in common: which builds there are, and since when no user makes or deletes them. */
export class Builds {
  readonly keys = new Map<string, string>();
  /** What each key's build is made with: a repeat of a create asks for the same. */
  readonly given = new Map<string, Given>();
  readonly #since = new Map<string, number>();

  /** A create or delete of it begins. */
  begins(id: string): void {
    this.#since.set(id, Number.POSITIVE_INFINITY);
  }

  /** It has ended. */
  ended(id: string, now: number): void {
    this.#since.set(id, now);
  }

  /** Whether nothing of the last create or delete can be on its way any more. */
  isSettled(id: string, now: number): boolean {
    return now - (this.#since.get(id) ?? now) > LATE_UNGUARDED_MS + 100;
  }
}

/** Someone who watches builds and presses buttons, also when another has just pressed. */
export class User {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #builds: Builds;
  readonly #recreates: boolean;
  #operations = 0;

  constructor(world: World, machine: Machine, builds: Builds, recreates: boolean) {
    this.#world = world;
    this.#machine = machine;
    this.#builds = builds;
    this.#recreates = recreates;
  }

  async run(until: () => boolean): Promise<void> {
    const { process, random } = this.#machine;
    for (;;) {
      await process.sleep(random.between(100, 2000));
      const [first = "", ...others] = this.#builds.keys.keys();
      if (until()) return;
      await this.#press(random.pick(first, ...others), random.weighted(HOW_OFTEN, DEEDS));
    }
  }

  /** Makes a project. The same key again is the same project, also when the first answer was lost. */
  async create(key: string): Promise<void> {
    while (!(await this.#world.digesting(this.#machine, () => this.#createOnce(key))));
  }

  #givenFor(key: string): Given {
    const { random, process } = this.#machine;
    const known = this.#builds.given.get(key);
    if (known) return known;
    const given: Given = {
      ...(random.chance(0.3) && { input: { n: 0 } }),
      ...(random.chance(0.3) && { limits: { attempts: random.between(1, 6) } }),
      ...(random.chance(0.3) && { start_at: toTime(process.clock.now() + random.between(1, 6000)) }),
    };
    this.#builds.given.set(key, given);
    return given;
  }

  async #createOnce(key: string): Promise<boolean> {
    const { process, repository } = this.#machine;
    const given = this.#givenFor(key);
    const input = { requirement: "a calculator", user_id: "u", idempotency_key: key, ...given };
    const plan = { pipeline: "test", pipeline_version: "1", stages: this.#world.stages };
    const id = await idempotentProjectId("u", key);
    const token = Math.floor(process.clock.now() / 1000);
    const call: Call = { do: "create", token, stages: this.#world.stages, given };
    this.#builds.begins(id);
    const made = await this.#try(id, call, () => repository.control.create(input, plan));
    this.#builds.keys.set(id, key);
    this.#builds.ended(id, this.#world.scheduler.now);
    return made;
  }

  async #press(id: string, deed: Deed): Promise<void> {
    const { random, repository } = this.#machine;
    const now = this.#world.scheduler.now;
    if (deed === "list") return await this.#list();
    if (deed === "delete" && !this.#builds.isSettled(id, now)) return;
    if (this.#world.table.project(id) === undefined && this.#recreates) {
      const key = this.#builds.keys.get(id);
      if (key !== undefined && this.#builds.isSettled(id, now)) return await this.create(key);
    }
    const [call, run] = this.#call(id, deed);
    const tries = random.between(1, TRIES);
    for (let i = 0; i < tries; i++) {
      if (deed === "delete") this.#builds.begins(id);
      const over = await this.#try(id, call, run);
      if (deed === "delete") this.#builds.ended(id, this.#world.scheduler.now);
      if (over) return;
    }
    this.#world.trace(`${this.#machine.process.name} gives up (${repository.now()})`);
  }

  #call(id: string, deed: Exclude<Deed, "list">): readonly [Call, () => Promise<Project | undefined>] {
    const { random, repository, process } = this.#machine;
    const { control, artifacts } = repository;
    const op = `${process.name}-${this.#operations++}`;
    const { stage } = random.pick(...this.#world.stages);
    const paths = [`${stage}/by-${process.name}-${random.between(1, 3)}.txt`];
    const from = random.chance(0.5) ? stage : undefined;
    const mode = random.pick("add" as const, "add" as const, "replace" as const);
    switch (deed) {
      case "pause":
        return [{ do: deed, op }, () => control.pause(id, op)];
      case "cancel":
        return [{ do: deed, op }, () => control.cancel(id, op)];
      case "resume":
        return [{ do: deed, op }, () => control.resume(id, op)];
      case "retry": {
        // Now and then with another input, no two of which are the same, or with another budget.
        const given: Given = {
          ...(random.chance(0.3) && { input: { by: op } }),
          ...(random.chance(0.3) && { limits: { attempts: random.between(1, 12) } }),
        };
        return [{ do: deed, op, from, given }, () => control.retry(id, { from_stage: from, ...given }, op)];
      }
      case "answer": {
        const value = `yes by ${op}`;
        return [
          { do: deed, op: `${stage} ${op}`, stage, value },
          () => control.answer(id, { stage, value }, op),
        ];
      }
      case "record": {
        const given = paths.map((path) => ({ path }));
        return [{ do: deed, stage, paths, mode }, () => artifacts.record(id, stage, given, mode)];
      }
      case "remove": {
        const call: Call = { do: "record", stage, paths: [], mode: "replace" };
        return [call, () => artifacts.removeForStage(id, stage)];
      }
      case "delete":
        return [{ do: deed }, () => control.delete(id).then(() => undefined)];
      case "get":
        return [{ do: deed }, () => repository.get(id)];
      default:
        return deed satisfies never;
    }
  }

  /** True when there was an answer: it is done, or refused. */
  async #try(id: string, call: Call, run: () => Promise<Project | undefined>): Promise<boolean> {
    const { name } = this.#machine.process;
    this.#world.trace(`${name} asks ${id} ${JSON.stringify(call)}`);
    const account = this.#world.ledger.account(id);
    const { operations } = account;
    const before = operations.length;
    try {
      await this.#world.histories.record(name, id, call, run, (project) => ({
        answer: "ok",
        view: project && viewOf(project),
      }));
      if ("op" in call && !operations.includes(`${call.do} ${call.op}`))
        this.#world.violated("acknowledged_not_done", `${id}: ${call.do} ${call.op}`);
      return true;
    } catch (error) {
      if (!isStagefoldError(error)) throw error;
      this.#world.trace(`${name} is refused: ${error.code} ${error.message}`);
      if (error.code === "STORE_UNAVAILABLE") return false;
      // With no control write after it, its own is still what the project shows.
      const [mine, ...later] = operations.slice(before);
      if (
        "op" in call &&
        mine === `${call.do} ${call.op}` &&
        later.length === 0 &&
        account.operation === mine
      )
        if (error.code !== "PROJECT_NOT_FOUND")
          this.#world.violated("refused_though_done", `${id}: ${mine}: ${error.code}`);
      return true;
    }
  }

  async #list(): Promise<void> {
    try {
      const { lists } = this.#machine.repository;
      await this.#world.digesting(this.#machine, () => lists.projects({ user_id: "u" }, 2));
    } catch (error) {
      if (!isStagefoldError(error, "STORE_UNAVAILABLE")) throw error;
    }
  }
}
