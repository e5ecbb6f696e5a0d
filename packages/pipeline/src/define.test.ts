import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkPipeline } from "./check.ts";
import { definitionDigest } from "./digest.ts";
import { createRegistry, definePipeline, PipelineError, StageError, stageNameIn } from "./index.ts";

const one = { stage: "one", command: "true" };

/** The sentence that a definition of any form is refused with. */
function refusal(definition: unknown): string {
  const checked = checkPipeline(definition);
  if ("pipeline" in checked) throw new Error("expected a refusal");
  const { path, expected, found } = checked.finding;
  return `${path.join(".")}: ${expected}, found ${found}`;
}

test("fills in defaults", () => {
  const run = () => ({ n: 1 });
  const output = z.object({ n: z.number() });
  const pipeline = definePipeline({
    name: "p",
    stages: [
      { stage: "a", run, output },
      { stage: "b", command: "true" },
    ],
  });
  expect(pipeline).toEqual({
    name: "p",
    version: definitionDigest(pipeline),
    requirement: "required",
    stages: [
      {
        stage: "a",
        stage_name: "a",
        weight: 1,
        timeout_seconds: 3600,
        retry: { attempts: 1, backoff_seconds: 5 },
        output,
        action: { kind: "run", run },
      },
      {
        stage: "b",
        stage_name: "b",
        weight: 1,
        timeout_seconds: 3600,
        retry: { attempts: 1, backoff_seconds: 5 },
        action: { kind: "command", command: "true", env: {}, artifacts: [] },
      },
    ],
  });
});

describe("a gate", () => {
  const gate = (given: object) => ({
    name: "p",
    stages: [{ stage: "g", gate: { question: "Go on?", ...given } }],
  });

  test("keeps its answers as JSON Schema, whichever schema they came as", () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    for (const answer of [z.object({ ok: z.boolean() }), schema]) {
      const checked = checkPipeline(
        gate({ answer, timeout_seconds: 5, on_timeout: { answer: { ok: true } } }),
      );
      expect("pipeline" in checked && checked.pipeline.stages[0]?.action).toEqual({
        kind: "gate",
        answer: schema,
        asks: { question: "Go on?", timeout_seconds: 5, on_timeout: { answer: { ok: true } } },
      });
    }
  });

  test.each([
    [
      "a check of its own",
      { answer: z.object({ n: z.number().refine((n) => n > 1) }) },
      "at n a check of its own",
    ],
    ["a transform", { answer: z.string().transform(Number) }, "Transforms cannot be represented"],
    ["a date", { answer: z.object({ at: z.date() }) }, "Date cannot be represented"],
    ["no JSON Schema", { answer: { type: "strin" } }, "Unsupported type: strin"],
    [
      "an answer that does not fit",
      { answer: z.boolean(), on_timeout: { answer: 1 } },
      "does not fit its schema",
    ],
    ["a long question", { question: "x".repeat(5000) }, "gate.question"],
    ["a slip", { timout_seconds: 4 }, "did you mean timeout_seconds?"],
    ["a time-out that is none", { timeout_seconds: 0 }, "gate.timeout_seconds"],
    ["an unknown end", { on_timeout: "explode" }, "gate.on_timeout"],
  ])("is refused with %s", (_name, given, expected) => {
    expect(refusal(gate(given))).toContain(expected);
  });
});

test("keeps what is given", () => {
  const given = {
    stage: "a-1_b",
    stage_name: { en: "A", zh: "甲" },
    weight: 0.5,
    agent_name: "writer",
    timeout_seconds: 86_400,
    retry: { attempts: 20, backoff_seconds: 0, final_codes: ["OUTPUT_INVALID"] },
  };
  const command = { kind: "command", command: "make", env: { CI: "1" }, artifacts: ["out/**"] };
  const pipeline = definePipeline({
    name: "p",
    version: "v2",
    description: "What it is for",
    max_running: 3,
    stages: [{ ...given, command: "make", env: { CI: "1" }, artifacts: ["out/**"] }],
  });
  expect(pipeline).toEqual({
    name: "p",
    version: "v2",
    description: "What it is for",
    max_running: 3,
    requirement: "required",
    stages: [{ ...given, action: command }],
  });
});

test("the version changes with the definition, not with values of the environment", () => {
  const version = (...keys: string[]) =>
    definePipeline({ name: "p", stages: keys.map((stage) => ({ stage, command: "true" })) }).version;
  expect(version("a", "b")).not.toBe(version("b", "a"));
  expect(version("a", "b")).not.toBe(version("ab"));
  expect(version("a")).toMatch(/^[0-9a-f]{12}$/);
  const made = (fields: object) =>
    definePipeline({ name: "p", stages: [{ stage: "a", command: "true", ...fields }] }).version;
  expect(made({ env: { A: "1" } })).toBe(made({ env: { A: "2" } }));
  const others = [{}, { env: { B: "1" } }, { command: "false" }, { timeout_seconds: 5 }, { secrets: ["S"] }];
  expect(new Set(others.map(made)).size).toBe(others.length);
});

describe("is refused:", () => {
  test.each<[string, unknown, string]>([
    ["nothing", undefined, ": expected object, found nothing"],
    ["no name", { stages: [one] }, "name: expected string, found nothing"],
    ["a capital name", { name: "P", stages: [one] }, 'beginning with a letter or digit, found "P"'],
    ["a long name", { name: "p".repeat(65), stages: [one] }, "name: expected 1 to 64"],
    [
      "an unknown field",
      { name: "p", stages: [one], stage: 1 },
      "stage: no such field; did you mean stages?, found 1",
    ],
    ["no stages", { name: "p", stages: [] }, "stages: expected at least 1, found a list of 0"],
    [
      "65 stages",
      { name: "p", stages: Array.from({ length: 65 }, (_, i) => ({ ...one, stage: `s${i}` })) },
      "at most 64",
    ],
    [
      "a key twice",
      { name: "p", stages: [one, one] },
      "stages.1.stage: expected a key of its own, stages[0] has the same",
    ],
    [
      "a key with a blank",
      { name: "p", stages: [{ ...one, stage: "a b" }] },
      "stages.0.stage: expected 1 to 64",
    ],
    [
      "neither run nor command",
      { name: "p", stages: [{ stage: "a" }] },
      "exactly one of run, command and gate, found none",
    ],
    [
      "both",
      { name: "p", stages: [{ ...one, run: () => 1 }] },
      "exactly one of run, command and gate, found run and command",
    ],
    ["a stage that is a list", { name: "p", stages: [[]] }, "stages.0: expected a map, found a list of 0"],
    [
      "weight 0",
      { name: "p", stages: [{ ...one, weight: 0 }] },
      "stages.0.weight: expected more than 0, found 0",
    ],
    [
      "weight NaN",
      { name: "p", stages: [{ ...one, weight: Number.NaN }] },
      "stages.0.weight: expected number, found NaN",
    ],
    [
      "timeout 0",
      { name: "p", stages: [{ ...one, timeout_seconds: 0 }] },
      "timeout_seconds: expected at least 1",
    ],
    [
      "a long timeout",
      { name: "p", stages: [{ ...one, timeout_seconds: 86_401 }] },
      "expected at most 86400, found 86401",
    ],
    [
      "21 attempts",
      { name: "p", stages: [{ ...one, retry: { attempts: 21 } }] },
      "stages.0.retry.attempts: expected at most 20",
    ],
    [
      "half an attempt",
      { name: "p", stages: [{ ...one, retry: { attempts: 1.5 } }] },
      "retry.attempts: expected int",
    ],
    [
      "a retry field",
      { name: "p", stages: [{ ...one, retry: { times: 2 } }] },
      "stages.0.retry.times: no such field, found 2",
    ],
    [
      "a number in env",
      { name: "p", stages: [{ ...one, env: { CI: 1 } }] },
      "stages.0.env.CI: expected a text (in quotes where YAML reads something else), found 1",
    ],
    [
      "a bad env name",
      { name: "p", stages: [{ ...one, env: { "A-B": "1" } }] },
      "expected the name of an environment variable",
    ],
    [
      "F11: an env name that no object keeps",
      { name: "p", stages: [{ ...one, env: JSON.parse('{"__proto__": "x"}') }] },
      "stages.0.env.__proto__: no environment can have this name here",
    ],
    [
      "artifacts elsewhere",
      { name: "p", stages: [{ ...one, artifacts: ["a/../../b"] }] },
      "stays below the workspace",
    ],
    [
      "absolute artifacts",
      { name: "p", stages: [{ ...one, artifacts: ["/etc/*"] }] },
      "relative to the workspace",
    ],
    [
      "env of a run stage",
      { name: "p", stages: [{ stage: "a", run: () => 1, env: {} }] },
      "stages.0.env: no such field",
    ],
    [
      "output of a command",
      { name: "p", stages: [{ ...one, output: z.number() }] },
      "stages.0.output: no such field",
    ],
    [
      "an output that is no schema",
      { name: "p", stages: [{ stage: "a", run: () => 1, output: {} }] },
      "expected a zod schema",
    ],
    [
      "a run that is a text",
      { name: "p", stages: [{ stage: "a", run: "x" }] },
      'stages.0.run: expected a function, found "x"',
    ],
    [
      "an empty name of a stage",
      { name: "p", stages: [{ ...one, stage_name: {} }] },
      "expected at least one language",
    ],
    [
      "a number as a name",
      { name: "p", stages: [{ ...one, stage_name: 3 }] },
      "expected a text, or texts by language",
    ],
    [
      "a name in no language",
      { name: "p", stages: [{ ...one, stage_name: { "": "x" } }] },
      "expected a language such as en or zh",
    ],
    [
      "a number in a language",
      { name: "p", stages: [{ ...one, stage_name: { en: 3 } }] },
      "stages.0.stage_name.en: expected string, found 3",
    ],
  ])("%s", (_name, definition, message) => {
    expect(refusal(definition)).toContain(message);
  });
});

test("says pipeline, stage and field in a sentence", () => {
  const wrong = () =>
    definePipeline({ name: "p", stages: [one, { stage: "two", command: "true", retry: { attempts: 0 } }] });
  expect(wrong).toThrow(PipelineError);
  expect(wrong).toThrow('pipeline "p", stage "two", field retry.attempts: expected at least 1, found 0');
  const unnamed = () => definePipeline({ name: "p", stages: [{ stage: "A", command: "" }] });
  expect(unnamed).toThrow('pipeline "p", stage "A", field stage: expected 1 to 64');
});

test("a registry finds by name and refuses a name twice", () => {
  const a = definePipeline({ name: "a", stages: [one] });
  const b = definePipeline({ name: "b", stages: [one] });
  const registry = createRegistry([a, b]);
  expect(registry.get("b")).toBe(b);
  expect(registry.get("constructor")).toBeUndefined();
  expect(registry.list()).toEqual([a, b]);
  expect(() => createRegistry([a, definePipeline({ name: "a", stages: [one] })])).toThrow(
    'pipeline "a": expected a name of its own',
  );
});

test("a stage's name falls back to its base language, then English, then the first", () => {
  const names = { de: "Prüfung", en: "Check", zh: "检查" };
  expect(stageNameIn(names, "zh-CN")).toBe("检查");
  expect(stageNameIn(names, "fr")).toBe("Check");
  expect(stageNameIn({ de: "Prüfung" }, "fr")).toBe("Prüfung");
  expect(stageNameIn({ de: "Prüfung" }, "constructor")).toBe("Prüfung");
  expect(stageNameIn("Plain", "fr")).toBe("Plain");
});

test("a StageError carries what the retry needs", () => {
  const cause = new Error("inner");
  expect(new StageError("x")).toMatchObject({
    code: "STAGE_FAILED",
    final: false,
    retry_in_seconds: undefined,
  });
  expect(new StageError("x", { code: "QUOTA", final: true, retry_in_seconds: 60, cause })).toMatchObject({
    code: "QUOTA",
    final: true,
    retry_in_seconds: 60,
    cause,
  });
});

describe("O4: an output schema whose values JSON cannot carry is refused when the pipeline is defined", () => {
  const definedWith = (output: z.ZodType) =>
    checkPipeline({ name: "p", stages: [{ stage: "s", output, run: () => ({}) }] });
  test.each<[string, z.ZodType, string]>([
    ["a date", z.object({ at: z.date() }), "at at a date"],
    ["a date in a list", z.object({ days: z.array(z.object({ at: z.date().optional() })) }), "a date"],
    ["a map", z.object({ m: z.map(z.string(), z.number()) }), "a Map"],
    ["a set", z.object({ s: z.set(z.string()) }), "a Set"],
    ["a bigint", z.object({ n: z.bigint() }), "a bigint"],
    ["a coerced date", z.object({ at: z.coerce.date() }), "a date"],
    ["a text turned into a date", z.object({ at: z.string().pipe(z.coerce.date()) }), "a date"],
    ["a number at the top", z.number(), "a number at its top"],
    ["a list at the top", z.array(z.string()), "a list at its top"],
    ["a text at the top", z.string().optional(), "a string at its top"],
    [
      "an asynchronous refinement",
      z.object({ a: z.string().refine(async () => true) }),
      "an asynchronous check",
    ],
    ["an asynchronous refinement at the top", z.object({}).refine(async () => true), "an asynchronous check"],
  ])("%s", (_name, output, found) => {
    expect(definedWith(output)).toMatchObject({
      finding: { path: ["stages", 0, "output"], found: expect.stringContaining(found) },
    });
  });
  test.each<[string, z.ZodType]>([
    [
      "an object with everything",
      z.object({ a: z.string().default("x"), b: z.array(z.number()), c: z.null() }),
    ],
    ["a record", z.record(z.string(), z.unknown())],
    [
      "a union",
      z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.literal("b") })]),
    ],
    ["a date turned into a text", z.object({ at: z.date().transform((date) => date.toISOString()) })],
    [
      "something that refers to itself",
      z.object({
        get next() {
          return z.object({}).optional();
        },
      }),
    ],
    ["any", z.any()],
  ])("%s is taken", (_name, output) => {
    expect(definedWith(output)).toHaveProperty("pipeline");
  });
});

describe("O11: what no process could be started with is refused at once, by name", () => {
  const withEnv = (env: Record<string, string>) =>
    checkPipeline({ name: "p", stages: [{ stage: "s", command: "true", env }] });
  test.each([
    ["a value of 140,000 bytes", { TOKEN: "x".repeat(140_000) }, "TOKEN"],
    ["one that is too long only in bytes", { NAME: "ü".repeat(70_000) }, "NAME"],
    [
      "many that are too long together",
      Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`V${i}`, "x".repeat(100_000)])),
      "V10",
    ],
  ])("%s", (_name, env, name) => {
    expect(withEnv(env)).toMatchObject({ finding: { path: ["stages", 0, "env", name] } });
  });
  test("a command of 140,000 bytes", () => {
    const command = `: ${"x".repeat(140_000)}`;
    expect(checkPipeline({ name: "p", stages: [{ stage: "s", command }] })).toMatchObject({
      finding: { path: ["stages", 0, "command"] },
    });
  });
  test("as much as goes is taken", () => {
    expect(withEnv({ A: "x".repeat(128 * 1024 - 4) })).toHaveProperty("pipeline");
  });
});
