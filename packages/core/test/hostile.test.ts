import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { isStagefoldError, StagefoldError } from "../src/errors.ts";
import { normalise } from "../src/legacy/normalise.ts";
import type { Patch } from "../src/patch/index.ts";
import type { Written } from "../src/ports/project-store.ts";
import type { ReportEvent } from "../src/project/events.ts";
import { createProjectSchema } from "../src/snapshot/inputs.ts";
import { LIMITS } from "../src/snapshot/limits.ts";
import { textsOf } from "../src/snapshot/log-line.ts";
import { aLeaseOwner, type LeaseOwner, StrictStore, stageOf } from "./lease-owner.ts";

/** Generated cases of each property. */
const RUNS = SOAK ? 3000 : 100;

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
const WIDE = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));

/** What no program means and some send. */
const HOSTILE: readonly unknown[] = [
  "cut in a character \ud83d",
  "\udc00",
  "a\u0000b",
  "\u0000",
  "   ",
  "\u200b\u202e",
  "",
  "x".repeat(1024 * 1024),
  "日".repeat(100_000),
  1e300,
  -1e300,
  1e-310,
  -0,
  0,
  -1,
  2 ** 63,
  2 ** 53,
  Number("12345678901234567890"),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
  undefined,
  true,
  [],
  [undefined],
  {},
  JSON.parse('{"__proto__": {"a": 1}}'),
  { constructor: "a", toString: "b", hasOwnProperty: "c" },
  { "\ud83d": 1, "a\u0000": 2, "": 3 },
  { artifacts: 1, artifact_info: 2, artifact_count: 3 },
  deep(23),
  deep(40),
  deep(3000),
  WIDE,
  new Map([["a", 1]]),
  new Date(0),
  "__proto__",
  "../../etc/passwd",
  "proj_000000000000",
  "9999-99-99T99:99:99.999Z",
];
const hostile = fc.constantFrom(...HOSTILE);
const hostileText = fc.constantFrom(...HOSTILE.filter((value) => typeof value === "string"));

/** An event of a stage with some of its fields replaced. */
function attacked(event: object, fields: readonly string[]) {
  return fc
    .tuple(fc.subarray([...fields], { minLength: 1 }), fc.array(hostile, { minLength: 8, maxLength: 8 }))
    .map(([some, values]) => ({
      ...event,
      ...Object.fromEntries(some.map((field, i) => [field, values[i]])),
    }));
}

const about = ["sub_stage", "at", "stage"];
const anEvent = fc.oneof(
  attacked({ event: "progress", stage: "plan", progress: 5 }, ["progress", ...about]),
  attacked({ event: "log", stage: "plan", lines: ["a"] }, ["lines", ...about]),
  hostile.map((line) => ({ event: "log", stage: "plan", lines: [line] })),
  attacked({ event: "started", stage: "plan", sub_stage: "part" }, ["agent_name", "sub_stage"]),
  attacked({ event: "artifacts", stage: "plan", artifacts: [] }, ["artifacts", "mode", ...about]),
  attacked({ path: "a.txt" }, [
    "path",
    "size",
    "sha256",
    "media_type",
    "mode",
    "executable",
    "doc_path",
    "metadata",
    "created_at",
    "sub_stage",
  ]).map((artifact) => ({ event: "artifacts", stage: "plan", artifacts: [artifact] })),
);
const anEnd = fc.oneof(
  attacked({ event: "completed", stage: "plan" }, ["output", "metrics", "artifacts", "at"]),
  hostile.map((value) => ({ event: "completed", stage: "plan", output: { value, list: [value] } })),
  hostile.map((value) => ({ event: "completed", stage: "plan", metrics: { input_tokens: value } })),
  attacked({ event: "failed", stage: "plan", message: "m" }, [
    "message",
    "code",
    "metrics",
    "retry_in_seconds",
    "exit_code",
    "signal",
  ]),
  attacked({ event: "skipped", stage: "plan", reason: "r" }, ["reason"]),
);

/** Programs of any language send what no type allows. */
const untyped = (value: object) => value as ReportEvent;

async function running(store = new StrictStore()): Promise<LeaseOwner> {
  const owner = await aLeaseOwner([{ stage: "plan" }, { stage: "make" }], store);
  await owner.claim();
  await owner.report([{ event: "started", stage: "plan" }]);
  return owner;
}

/** Like `owner.report`, without the schema in front. */
async function send(owner: LeaseOwner, events: readonly object[], isFinal: boolean) {
  const { lease_token } = owner.key;
  const lease_seq = (await owner.repository.get(owner.id)).lease_seq + 1;
  const report = { project_id: owner.id, lease_token, lease_seq, events: events.map(untyped), isFinal };
  return await owner.repository.work.report(report);
}

async function isReadable(owner: LeaseOwner): Promise<void> {
  const item = await owner.item();
  expect(JSON.parse(JSON.stringify(normalise(item)))).toEqual(JSON.parse(JSON.stringify(item)));
  expect(JSON.stringify(item)).not.toMatch(/\\u0000|\\ud83d/);
  expect(item.item_bytes).toBeLessThan(LIMITS.item);
}

const typed = (error: unknown) => isStagefoldError(error) && error.code !== "INTERNAL";

describe("hostile values", () => {
  it("O1, W7: through any field of a report are stored or refused with a typed error, and never harm the item", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(anEvent, anEnd), { minLength: 1, maxLength: 4 }), async (events) => {
        const owner = await running();
        const refusal = await send(owner, events, false).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refusal !== undefined) expect(typed(refusal), String(refusal)).toBe(true);
        await isReadable(owner);
      }),
      { numRuns: RUNS },
    );
  });

  /** Each with one of its fields, or of the fields of its maps, replaced by each odd value in turn. */
  const WHOLE = [
    { event: "started", stage: "make", agent_name: "a", definition: "d" },
    { event: "started", stage: "plan", sub_stage: "part" },
    { event: "noted", stage: "plan", notes: { a: 1 }, summary: "s.md", metrics: { model: "m", own: 1 } },
    {
      event: "artifacts",
      stage: "plan",
      mode: "add",
      artifacts: [{ path: "a", size: 1, mode: "0600", executable: true, doc_path: "d", metadata: { a: 1 } }],
    },
    { event: "completed", stage: "plan", output: { a: 1 }, metrics: { input_tokens: 1, model: "m" } },
    {
      event: "failed",
      stage: "plan",
      message: "m",
      code: "STAGE_FAILED",
      metrics: { cost_usd: 1, model_calls: 1 },
      exit_code: 1,
      signal: "SIGKILL",
      retry_in_seconds: 1,
    },
    { event: "skipped", stage: "plan", reason: "r" },
    {
      event: "waiting",
      stage: "plan",
      question: "q",
      accept: { ok: true },
      timeout_seconds: 5,
      on_timeout: { answer: { ok: true } },
    },
  ];
  const ODD = [5, -1, 0.5, 1e300, "a\u0000b", "cut \ud83d", "", " ", true, null, [], [1], { a: "\ud83d" }];

  function* withOne(value: unknown, odd: unknown): Generator<unknown> {
    yield odd;
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value))
      for (const other of withOne(inner, odd))
        yield Array.isArray(value) ? value.with(Number(name), other) : { ...value, [name]: other };
  }

  it("a model that is a number, a signal with NUL: no field of an event makes a project unreadable", async () => {
    let stored = 0;
    let owner = await running();
    for (const event of WHOLE)
      for (const odd of ODD)
        for (const one of withOne(event, odd)) {
          // Nothing without a kind comes to the repository.
          const answer = await send(owner, [{ event: "log", ...Object(one) }], false).catch((error) => error);
          if (answer instanceof Error) {
            expect(typed(answer), String(answer)).toBe(true);
            continue;
          }
          stored += 1;
          await isReadable(owner).catch((error) => expect.fail(`${JSON.stringify(one)}: ${error}`));
          owner = await running();
        }
    // Not by refusing all of it.
    expect(stored).toBeGreaterThan(100);
  });

  it.each([true, false])(
    "O1, W7: a model that is a number is refused like any metric (final: %s)",
    async (isFinal) => {
      const owner = await running();
      const end = { event: "completed", stage: "plan", metrics: { model: 5 } };
      const answer = await send(owner, [end], isFinal).catch((error: unknown) => error);
      expect(answer).toMatchObject(
        isFinal ? { status: "failed", error_info: { code: "OUTPUT_INVALID" } } : { code: "INVALID_INPUT" },
      );
    },
  );

  it("O1, W7: never keep a stage from ending", async () => {
    await fc.assert(
      fc.asyncProperty(anEnd, fc.array(anEvent, { maxLength: 2 }), async (end, said) => {
        const owner = await running();
        const project = await send(owner, [...said, end], true);
        expect(["completed", "failed", "skipped", "pending"]).toContain(stageOf(project, "plan").status);
        await isReadable(owner);
      }),
      { numRuns: RUNS },
    );
  });

  it("through any field of a create are stored or refused with the field's name", async () => {
    const fields = Object.keys(createProjectSchema.shape);
    await fc.assert(
      fc.asyncProperty(attacked({ requirement: "r" }, fields), async (input) => {
        const parsed = createProjectSchema.safeParse(input);
        if (!parsed.success) {
          expect(parsed.error.issues.every(({ path }) => fields.includes(String(path[0])))).toBe(true);
          return;
        }
        const { repository, store } = await aLeaseOwner([{ stage: "plan" }]);
        const made = await repository.control.create(parsed.data, {
          stages: parsed.data.stages ?? [{ stage: "a" }],
        });
        const item = await store.get(made.project_id);
        expect(item && normalise(item)).toEqual(made);
        expect(JSON.stringify(item)).not.toMatch(/\\u0000|\\ud83d/);
      }),
      { numRuns: RUNS },
    );
  });

  it("through the names of control writes are refused or harmless", async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, fc.constantFrom("pause", "cancel", "retry"), async (value, verb) => {
        const owner = await running();
        const { control } = owner.repository;
        const text = value.slice(0, 64);
        const call =
          verb === "retry" ? control.retry(owner.id, { from_stage: text }) : control[verb](owner.id, text);
        const refusal = await call.then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refusal !== undefined) expect(typed(refusal)).toBe(true);
        normalise(await owner.item());
      }),
      { numRuns: 100 },
    );
  });
});

describe.each([true, false])("the last-resort ending (the report is final: %s)", (isFinal) => {
  /** A store that refuses any write with this text, as DynamoDB refuses what it cannot take. */
  class Refusing extends StrictStore {
    constructor(readonly what: string) {
      super();
    }

    override write(patch: Patch): Promise<Written> {
      if (!JSON.stringify(patch).includes(this.what)) return super.write(patch);
      return Promise.reject(new StagefoldError("INTERNAL", "DynamoDB refused a request: a value.", {}));
    }
  }

  it.each([
    ["an output", { event: "completed", stage: "plan", output: { text: "poison" } }],
    ["an artifact", { event: "completed", stage: "plan", artifacts: [{ path: "poison" }] }],
    ["a metric", { event: "completed", stage: "plan", metrics: { poison: 1 } }],
  ])("O1: records a stage whose end is refused for %s, with the reason and its log", async (_name, end) => {
    const owner = await running(new Refusing("poison"));
    const project = await send(
      owner,
      [{ event: "log", stage: "plan", lines: ["the last words"] }, end],
      isFinal,
    );
    expect(project).toMatchObject({
      status: "failed",
      error_info: {
        stage: "plan",
        code: "OUTPUT_INVALID",
        message: expect.stringContaining("DynamoDB refused"),
      },
    });
    expect(stageOf(project, "plan").logs).toEqual(["the last words"]);
    const ref = { project_id: owner.id, stage: "plan", attempt: 1 };
    const upTo = stageOf(project, "plan").log_seq ?? 0;
    expect(textsOf((await owner.logs.read(ref, { limit: 10, upTo })).lines)).toEqual(["the last words"]);
  });

  it("O1: keeps the words of a failure that is refused for what came with it", async () => {
    const owner = await running(new Refusing("poison"));
    const failed = { event: "failed", stage: "plan", message: "the disk is full", metrics: { poison: 1 } };
    const project = await send(owner, [failed], isFinal);
    expect(project).toMatchObject({
      error_info: {
        code: "STAGE_FAILED",
        message: expect.stringMatching(/^the disk is full .*DynamoDB refused/),
      },
    });
  });

  it("O1: ends a stage that started in the report that is refused", async () => {
    const owner = await running(new Refusing("poison"));
    const events = [
      { event: "completed", stage: "plan" },
      { event: "started", stage: "make" },
      { event: "completed", stage: "make", output: { text: "poison" } },
    ];
    // What came before the refused end is not recorded either: a report is all or nothing.
    const answer = await send(owner, events, isFinal).catch((error: unknown) => error);
    expect(isStagefoldError(answer) ? answer.code : (answer as { status: string }).status).toMatch(
      /failed|INTERNAL|STAGE_CONFLICT/,
    );
    normalise(await owner.item());
  });

  it("O1: ends a stage whose list of artifacts is gone", async () => {
    const owner = await running();
    const files = Array.from({ length: 60 }, (_, i) => ({ path: `f/${i}` }));
    await owner.report([{ event: "artifacts", stage: "plan", artifacts: files }]);
    await owner.artifacts.removeProject(owner.id);
    const project = await send(owner, [{ event: "completed", stage: "plan" }], isFinal);
    expect(project).toMatchObject({
      status: "failed",
      error_info: { message: expect.stringContaining("damaged") },
    });
  });
});
