// Long because: its steps and their arbitraries are read together.
import {
  isStagefoldError,
  MemoryProjectStore,
  newProjectId,
  type Plan,
  type Project,
  type ProjectStore,
  type ReportEventInput,
  type Repository,
} from "@stagefold/core";
import { aRepository, events, FakeClock, TEST_PLAN, TEST_STAGES } from "@stagefold/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** Writers, each with its own, soon outdated, knowledge. */
const WRITERS = 3;

/** One step of one writer. Keys are remembered per writer, so superseded lease owners go on trying. */
type Step =
  | {
      do: "claim" | "heartbeat" | "release" | "pause" | "resume" | "cancel" | "delete" | "create" | "look";
      by: number;
    }
  | { do: "retry"; by: number; from?: string }
  | { do: "answer"; by: number; stage: string; value: unknown }
  | { do: "record" | "remove" | "merge"; by: number; stage: string; n: number }
  | { do: "report"; by: number; events: ReportEventInput[]; lag: number }
  | { do: "wait"; seconds: number };

/** The same stages one after the other, two of them at once, and with one that runs whatever comes of the others. */
const PLANS: readonly Plan[] = [
  TEST_PLAN,
  {
    ...TEST_PLAN,
    stages: [
      { stage: "plan" },
      { stage: "make", needs: [], allow_failure: true },
      { stage: "check", needs: ["plan", "make"] },
    ],
  },
  {
    ...TEST_PLAN,
    stages: [{ stage: "plan" }, { stage: "make", needs: [] }, { stage: "check", finally: true }],
  },
];

/** Within what DynamoDB keeps of a number. */
const decimal = fc
  .double({ min: -1e9, max: 1e9, noNaN: true })
  .map((value) => (Math.abs(value) < 1e-100 ? 0 : value));
const stage = fc.constantFrom(...TEST_STAGES);
const by = fc.nat(WRITERS - 1);
const text = fc.constantFrom("", "x", "日本語", "\u0000", "a.b[0]", "__proto__", "🙂".repeat(40));

const event: fc.Arbitrary<ReportEventInput> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ event: fc.constant("started" as const), stage }) },
  fc.record({ event: fc.constant("progress" as const), stage, progress: fc.integer({ min: 0, max: 100 }) }),
  fc.record({ event: fc.constant("log" as const), stage, lines: fc.array(text, { maxLength: 7 }) }),
  {
    weight: 5,
    arbitrary: fc.record({
      event: fc.constant("completed" as const),
      stage,
      output: fc.dictionary(fc.constantFrom("a", "status", "日 本", "size"), fc.oneof(text, decimal)),
      metrics: fc.constantFrom({}, { input_tokens: 5 }, { tool_calls: 1, own: 0.5 }),
    }),
  },
  fc.record({
    event: fc.constant("artifacts" as const),
    stage,
    artifacts: fc.array(fc.record({ path: fc.constantFrom("a.txt", "b/c.md", "日本.json") }), {
      maxLength: 3,
    }),
    mode: fc.constantFrom("add" as const, "replace" as const),
  }),
  fc.record({
    event: fc.constant("failed" as const),
    stage,
    message: text,
    retry_in_seconds: fc.constantFrom(0, 5, 90),
  }),
  fc.record({ event: fc.constant("failed" as const), stage, message: text }),
  fc.record({ event: fc.constant("skipped" as const), stage, reason: text }),
  {
    weight: 2,
    arbitrary: fc.record({
      event: fc.constant("waiting" as const),
      stage,
      question: fc.constantFrom("Go on?", "日本語?"),
      answer_schema: fc.constantFrom(undefined, { type: "object", properties: { ok: { type: "boolean" } } }),
      accept: fc.constantFrom(undefined, { ok: true }),
      timeout_seconds: fc.constantFrom(undefined, 20),
      on_timeout: fc.constantFrom("fail" as const, "skip" as const, { answer: { ok: true } }),
    }),
  },
  fc.record({
    event: fc.constantFrom("started" as const, "completed" as const),
    stage,
    sub_stage: fc.constantFrom("one", "two"),
  }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      by,
      events: fc.array(event, { minLength: 1, maxLength: 4 }),
      lag: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("claim" as const, "heartbeat" as const, "resume" as const),
      by,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "release" as const,
        "pause" as const,
        "cancel" as const,
        "look" as const,
        "create" as const,
      ),
      by,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("retry" as const), by, from: stage }) },
  fc.record({ do: fc.constant("retry" as const), by }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      by,
      stage,
      value: fc.constantFrom<unknown>({ ok: true }, { ok: false, why: "日本" }, "text", null, 0.5),
    }),
  },
  fc.record({
    do: fc.constantFrom("record" as const, "remove" as const, "merge" as const),
    by,
    stage,
    n: fc.nat(5),
  }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(1, 20, 70) }),
  },
);
const rarely: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: step },
  fc.record({ do: fc.constant("delete" as const), by }),
);

/** One store with its writers, all on one clock. */
class Side {
  readonly store: ProjectStore;
  readonly #writers: { repository: Repository; token: number; seq: number }[];
  readonly #clock = new FakeClock();
  readonly #id: string;
  readonly #key: string;
  readonly #plan: Plan;
  #operations = 0;

  constructor(store: ProjectStore, id: string, key: string, plan: Plan) {
    this.store = store;
    this.#plan = plan;
    this.#id = id;
    this.#key = key;
    this.#writers = Array.from({ length: WRITERS }, () => ({
      repository: aRepository(store, this.#clock).repository,
      token: 0,
      seq: 0,
    }));
  }

  create(by: number): Promise<Project> {
    const request = { requirement: "r", user_id: "property", tags: ["t"], idempotency_key: this.#key };
    return this.#writer(by).repository.control.create(request, this.#plan);
  }

  /** What the step came to: an answer, or the code of a typed error. Anything else is a fault of the test's subject. */
  async take(step: Step): Promise<unknown> {
    try {
      return await this.#take(step);
    } catch (error) {
      if (isStagefoldError(error)) return error.code;
      throw error;
    }
  }

  async #take(step: Step): Promise<unknown> {
    const id = this.#id;
    if (step.do === "wait") return this.#clock.advance(step.seconds * 1000);
    const writer = this.#writer(step.by);
    const { control, work, artifacts } = writer.repository;
    const operation = `op-${this.#operations++}`;
    switch (step.do) {
      case "create":
        return await this.create(step.by);
      case "look":
        return await writer.repository.get(id);
      case "claim": {
        const queue = (await this.store.get(id))?.work_queue;
        const claimed = await work.claim(
          id,
          `writer-${step.by}`,
          typeof queue === "string" ? queue : "agent_builds#p3#00",
        );
        if (claimed) Object.assign(writer, { token: claimed.lease_token, seq: claimed.lease_seq });
        return claimed;
      }
      case "heartbeat":
        return await work.heartbeat(id, writer.token);
      case "report":
      case "release": {
        const release = step.do === "release";
        const lease_seq = writer.seq + 1 - (step.do === "report" ? step.lag : 0);
        const given = step.do === "report" ? events(...step.events) : [];
        const project = await work.report({
          project_id: id,
          lease_token: writer.token,
          lease_seq,
          events: given,
          release,
        });
        writer.seq = Math.max(writer.seq, lease_seq);
        return project;
      }
      case "pause":
        return await control.pause(id, operation);
      case "resume":
        return await control.resume(id, operation);
      case "cancel":
        return await control.cancel(id, operation);
      case "retry":
        return await control.retry(id, { from_stage: step.from }, operation);
      case "answer":
        return await control.answer(id, { stage: step.stage, value: step.value }, operation);
      case "delete":
        return await control.delete(id);
      case "record":
        return await artifacts.record(
          id,
          step.stage,
          [{ path: `n${step.n}` }],
          step.n % 2 ? "add" : "replace",
        );
      case "remove":
        return await artifacts.removeForStage(id, step.stage);
      case "merge": {
        // From what the writer knows, which may be long over.
        const stored = writer.repository.cache.get(id) ?? (await this.store.get(id));
        if (!stored) return "nothing to merge into";
        return await writer.repository.imports.merge(stored, (known) =>
          Promise.resolve(step.n === 0 ? undefined : { ...known, [`own_${step.stage}`]: step.n }),
        );
      }
      default:
        return step satisfies never;
    }
  }

  #writer(by: number) {
    const writer = this.#writers[by];
    if (!writer) throw new RangeError(`no writer ${by}`);
    return writer;
  }
}

/**
 * The two interpreters of a patch are one: whatever several writers with outdated knowledge try, a store answers
 * as memory does, and holds the same item after every step.
 */
export function equivalenceSuite(name: string, getStore: () => ProjectStore, runs: number): void {
  describe(`${name} is what memory is`, () => {
    it(`in ${runs} histories of several writers`, async () => {
      const property = fc.asyncProperty(
        fc.array(rarely, { minLength: 5, maxLength: 40, size: "max" }),
        fc.constantFrom(...PLANS),
        async (steps, plan) => {
          const key = newProjectId();
          const memory = new MemoryProjectStore();
          const { project_id: id } = await new Side(memory, "", key, plan).create(0);
          await memory.write({ kind: "delete", transition: "delete", project_id: id, guards: [] });
          const model = new Side(memory, id, key, plan);
          const real = new Side(getStore(), id, key, plan);
          expect(await real.create(0)).toEqual(await model.create(0));
          for (const [i, step] of steps.entries()) {
            const expected = await model.take(step);
            expect(await real.take(step), `step ${i}: ${JSON.stringify(step)}`).toEqual(expected);
            expect(await getStore().get(id), `item after step ${i}: ${JSON.stringify(step)}`).toEqual(
              await memory.get(id),
            );
          }
        },
      );
      await fc.assert(property, { numRuns: runs });
    });
  });
}
