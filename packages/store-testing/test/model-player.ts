import { itemBytes } from "@stagefold/core";
import { events } from "@stagefold/core/testing";
import { expect } from "vitest";
import type { Call } from "../src/simulation/specification.ts";
import { begun, isDone } from "../src/simulation/specified-events.ts";
import { shown, viewOf } from "../src/simulation/view.ts";
import { KEYS, type Model, STAGES } from "./model.ts";
import type { Answered, Real } from "./model-real.ts";
import { eventsFor, type Step } from "./model-steps.ts";

type Of<S extends Step["step"]> = Extract<Step, { step: S }>;

/** Does a step for real and in the model, and holds the one against the other. */
export class Player {
  readonly #model: Model;
  readonly #real: Real;
  readonly #met: Set<string>;
  #operations = 0;

  /** `met` collects which calls had which answers. */
  constructor(model: Model, real: Real, met: Set<string>) {
    this.#model = model;
    this.#real = real;
    this.#met = met;
  }

  async play(step: Step): Promise<void> {
    const model = this.#model;
    // No two things happen at the same moment.
    model.now += 1;
    switch (step.step) {
      case "control":
        return await this.#control(step);
      case "control again": {
        const last = model.lastControl[step.user];
        if (last) await this.#byUser(step.user, last.key, last.call);
        return;
      }
      case "claim":
        return await this.#claim(step.worker, step.key);
      case "take back": {
        const life = model.lives[step.worker] ?? 1;
        const before = model.nameOf(step.worker, life - 1);
        return life > 1 ? await this.#claim(step.worker, step.key, before) : undefined;
      }
      case "report":
        return await this.#report(step);
      case "give back":
        return await this.#write(this.#owner(step.worker), [], true);
      case "report again":
        return await this.#again(this.#owner(step.worker));
      case "heartbeat": {
        const worker = this.#owner(step.worker);
        const held = model.held[worker];
        if (held) await this.#byWorker(worker, held.key, { do: "heartbeat", token: held.token });
        return;
      }
      case "crash":
        model.held[step.worker] = undefined;
        model.lives[step.worker] = (model.lives[step.worker] ?? 0) + 1;
        this.#real.restart(step.worker);
        return;
      case "time passes":
        model.now += step.ms;
        return;
      case "clock jumps":
        model.skewMs[step.worker] = (model.skewMs[step.worker] ?? 0) + step.ms;
        return;
      default:
        return step satisfies never;
    }
  }

  /** Every build that is not over can be claimed once all leases are, and run to its end. */
  async finish(): Promise<void> {
    const model = this.#model;
    model.skewMs.fill(0);
    model.now += 24 * 3_600_000;
    for (const key of KEYS) {
      for (let turn = 0; this.#isOffered(key); turn++) {
        expect(turn, `build ${key} is offered again and again`).toBeLessThan(10);
        model.now += 3_600_000;
        // A gate without a time-out waits for ever.
        if (model.build(key).spec?.gate?.timed === false)
          await this.#control({ step: "control", deed: "answer", user: 0, key });
        await this.#claim(0, key);
        expect(model.held[0]?.key, `build ${key} could not be claimed`).toBe(key);
        await this.#run(key);
      }
      await this.#compare(key);
    }
  }

  async #run(key: number): Promise<void> {
    const found = () => {
      const { spec } = this.#model.build(key);
      return spec && begun(spec);
    };
    // Its lease owners kept dying: the first write says so.
    if (found()?.status !== "building") return await this.#write(0, [], false);
    for (const stage of STAGES)
      if (found()?.stages.some((one) => one.stage === stage && !isDone(one)))
        for (const event of ["started", "completed"] as const)
          await this.#write(0, eventsFor(event, stage, undefined, 0), false);
    expect(found()?.status).toBe("completed");
  }

  #isOffered(key: number): boolean {
    const status = this.#model.build(key).spec?.status;
    return status === "queued" || status === "building" || status === "waiting";
  }

  async #control({ deed, user, key, stage: from }: Of<"control">): Promise<void> {
    const model = this.#model;
    const { spec, lastToken } = model.build(key);
    const stage = from ?? spec?.gate?.stage ?? STAGES[0];
    const token = Math.floor(model.now / 1000);
    const op = `operation-${this.#operations++}`;
    switch (deed) {
      case "enqueue":
        // A deleted project that is made again starts above its old tokens, unless it had more than one a second.
        if (spec || token > lastToken)
          await this.#byUser(user, key, {
            do: "create",
            token,
            stages: STAGES.map((one) => ({ stage: one })),
          });
        return;
      case "record": {
        const paths = [`${stage}/by-${user}.txt`];
        return await this.#byUser(user, key, { do: "record", stage, paths, mode: "add" });
      }
      case "remove":
        return await this.#byUser(user, key, { do: "record", stage, paths: [], mode: "replace" });
      case "delete":
        return await this.#byUser(user, key, { do: deed });
      case "retry":
        return await this.#byUser(user, key, { do: deed, op, from });
      case "answer": {
        const value = `yes by ${op}`;
        return await this.#byUser(user, key, { do: deed, op: `${stage} ${op}`, stage, value });
      }
      case "pause":
      case "resume":
      case "cancel":
        return await this.#byUser(user, key, { do: deed, op });
      default:
        return deed satisfies never;
    }
  }

  async #byUser(user: number, key: number, call: Call): Promise<void> {
    if ("op" in call) this.#model.lastControl[user] = { key, call };
    await this.#settle(key, call, this.#model.now, await this.#real.byUser(user, key, call));
  }

  async #byWorker(worker: number, key: number, call: Call): Promise<void> {
    await this.#settle(key, call, this.#model.clockOf(worker), await this.#real.byWorker(worker, key, call));
  }

  async #claim(worker: number, key: number, from?: string): Promise<void> {
    const model = this.#model;
    const answered = await this.#real.byWorker(worker, key, { do: "claim" }, from);
    await this.#settle(key, { do: "claim" }, model.clockOf(worker), answered, {
      owner: model.nameOf(worker),
      from,
    });
    const { token, seq } = answered;
    if (token !== undefined && seq !== undefined) model.held[worker] = { key, token, seq };
  }

  /** This worker, or another in its place that holds something or believes so. */
  #owner(worker: number): number {
    const { held } = this.#model;
    return held[worker] ? worker : Math.max(0, held.findIndex(Boolean));
  }

  async #report({ worker: named, deed, stage, progress, release }: Of<"report">): Promise<void> {
    const worker = this.#owner(named);
    const held = this.#model.held[worker];
    if (!held) return;
    const { spec } = this.#model.build(held.key);
    const open = spec ? begun(spec).stages.filter((one) => !isDone(one)) : [];
    const [turn, next] = open.map((one) => one.stage);
    await this.#write(worker, eventsFor(deed, stage ?? turn ?? STAGES[0], next, progress), release);
  }

  async #write(worker: number, given: ReturnType<typeof eventsFor>, release: boolean): Promise<void> {
    const held = this.#model.held[worker];
    if (!held) return;
    const seq = held.seq + 1;
    const call = { do: "report" as const, token: held.token, seq, events: events(...given), release };
    await this.#byWorker(worker, held.key, call);
    const { spec } = this.#model.build(held.key);
    // A report that was refused has not used its number.
    const used = spec?.written[held.token] === seq;
    this.#model.held[worker] = { ...held, seq: used ? seq : held.seq, last: call };
  }

  /** As after a lost reply: the same report under the same number. */
  async #again(worker: number): Promise<void> {
    const held = this.#model.held[worker];
    if (held?.last?.seq === held?.seq && held?.last) await this.#byWorker(worker, held.key, held.last);
  }

  async #settle(
    key: number,
    call: Call,
    at: number,
    { answer }: Answered,
    claim: { readonly owner?: string; readonly from?: string | undefined } = {},
  ): Promise<void> {
    const model = this.#model;
    this.#met.add(`${call.do} ${answer}`);
    const possible = model.outcomes(key, call, at, claim.from);
    const found = await this.#shown(key);
    const outcome = possible.find(
      (one) => one.answer === answer && (one.state ? shown(one.state) : undefined) === found,
    );
    const expected = possible.map((one) => `${one.answer}: ${one.state && shown(one.state)}`);
    if (!outcome) expect(`${answer}: ${found}`, JSON.stringify(call)).toBe(expected.join("\nor "));
    else model.took(key, call, outcome, at, claim.owner);
    await this.#compare(key);
  }

  async #shown(key: number): Promise<string | undefined> {
    const project = await this.#real.stored(key);
    return project && viewOf(project).text;
  }

  /** All of a build is as the model has it, with the times that decide who may claim it. */
  async #compare(key: number): Promise<void> {
    const { spec, expiresAt, dueAt, owner } = this.#model.build(key);
    const project = await this.#real.stored(key);
    expect(project && viewOf(project).text).toBe(spec && shown(spec));
    if (!project || !spec) return;
    const { lease, work_due_at, stages_snapshot } = project;
    const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
    expect([lease.owner, lease.expires_at, work_due_at]).toEqual([owner, time(expiresAt), time(dueAt)]);
    expect(stages_snapshot.completed).toBe(spec.stages.filter(isDone).length);
    if (
      project.lease_seq > 0 &&
      project.updated_at === project.completed_at &&
      project.status === "completed"
    )
      expect(project.item_bytes).toBe(itemBytes(project));
  }
}
