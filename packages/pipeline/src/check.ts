import { createHash } from "node:crypto";
import { checkedAnswer } from "@stagefold/core";
import leven from "leven";
import type { z } from "zod";
import type { StageContext } from "./context.ts";
import type { GateAction, GateQuestion, JsonSchema, Pipeline, StageDefinition } from "./definition.ts";
import { StageError } from "./errors.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { outputProblem } from "./output-schema.ts";
import {
  commandStage,
  DEFAULT_RETRY,
  DEFAULT_TIMEOUT_SECONDS,
  gateQuestion,
  gate as gateSchema,
  gateStage,
  pipelineHead,
  retry,
  runStage,
} from "./schema.ts";

/** One mistake of a definition, by its place in the value that was given. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly found: string;
}

export type Checked = { readonly pipeline: Pipeline } | { readonly finding: Finding };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A short rendering of any value for messages. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return `a map with ${Object.keys(value).slice(0, 5).join(", ") || "no fields"}`;
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (Array.isArray(at) && typeof key === "number") at = at[key];
    else if (isRecord(at) && typeof key === "string") at = Object.hasOwn(at, key) ? at[key] : undefined;
    else return undefined;
  }
  return at;
}

/** A slip of the keyboard is at most so far from what was meant. */
const MAX_DISTANCE = 2;

function meant(name: string, fields: readonly string[]): string | undefined {
  const near = fields.map((field) => ({ field, distance: leven(name.toLowerCase(), field) }));
  const [best] = near.sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= MAX_DISTANCE ? best.field : undefined;
}

function unknownField(name: string, fields: readonly string[]): string {
  const field = meant(name, fields);
  return field === undefined ? "no such field" : `no such field; did you mean ${field}?`;
}

function describe(
  issue: z.core.$ZodIssue,
  fields: readonly string[],
): { path: (string | number)[]; expected: string } {
  const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
  switch (issue.code) {
    case "unrecognized_keys": {
      const name = issue.keys[0] ?? "";
      const known =
        path.at(-1) === "retry"
          ? Object.keys(retry.shape)
          : path.at(-1) === "gate"
            ? Object.keys(gateSchema.shape)
            : fields;
      return { path: [...path, name], expected: unknownField(name, known) };
    }
    case "invalid_key":
      return { path, expected: issue.issues[0]?.message ?? issue.message };
    case "invalid_type":
      // A message of the schema's own says more.
      if (!issue.message.startsWith("Invalid input")) return { path, expected: issue.message };
      return { path, expected: `expected ${issue.expected === "record" ? "a map" : issue.expected}` };
    case "too_small":
      return { path, expected: `expected ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}` };
    case "too_big":
      return { path, expected: `expected ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}` };
    case "invalid_union":
      return describeUnion(issue, path);
    default:
      return { path, expected: issue.message };
  }
}

/** The only union is a text or texts by language: what is wrong inside the map says more than "invalid". */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: (string | number)[]) {
  const inner = issue.errors
    .flat()
    .find((candidate) => candidate.path.length > 0 || candidate.code === "custom");
  if (inner === undefined) return { path, expected: "expected a text, or texts by language" };
  const described = describe(inner, []);
  return { path: [...path, ...described.path], expected: described.expected };
}

function firstFinding(
  error: z.ZodError,
  value: unknown,
  prefix: readonly (string | number)[],
  fields: readonly string[],
): Finding {
  const issue = error.issues[0];
  if (issue === undefined) return { path: prefix, expected: error.message, found: show(value) };
  const { path, expected } = describe(issue, fields);
  return { path: [...prefix, ...path], expected, found: show(valueAt(value, path)) };
}

const KINDS = ["run", "command", "gate"];

function isTypo(name: string): boolean {
  return !(name in commandStage.shape) && meant(name, KINDS) !== undefined;
}

function checkStage(value: unknown, index: number): { stage: StageDefinition } | { finding: Finding } {
  const path = ["stages", index];
  if (!isRecord(value)) return { finding: { path, expected: "expected a map", found: show(value) } };
  const kinds = KINDS.filter((kind) => value[kind] !== undefined);
  const typo = kinds.length > 0 ? undefined : Object.keys(value).find((name) => isTypo(name));
  if (typo !== undefined)
    return {
      finding: { path: [...path, typo], expected: unknownField(typo, KINDS), found: show(value[typo]) },
    };
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? `none in ${show(value)}` : kinds.join(" and ");
    return { finding: { path, expected: "expected exactly one of run, command and gate", found } };
  }
  if (value.command !== undefined) {
    const parsed = commandStage.safeParse(value);
    if (!parsed.success)
      return { finding: firstFinding(parsed.error, value, path, Object.keys(commandStage.shape)) };
    const { command, env, artifacts, ...rest } = parsed.data;
    return { stage: normalise(rest, { action: { kind: "command", command, env, artifacts } }) };
  }
  if (value.gate !== undefined) return checkGate(value, path);
  const parsed = runStage.safeParse(value);
  if (!parsed.success)
    return { finding: firstFinding(parsed.error, value, path, Object.keys(runStage.shape)) };
  const { run, output, ...rest } = parsed.data;
  const problem = output === undefined ? undefined : outputProblem(output);
  if (problem !== undefined) {
    const expected = "expected a schema of an object whose values JSON can carry";
    return { finding: { path: [...path, "output"], expected, found: problem } };
  }
  const action = { kind: "run" as const, run };
  return { stage: normalise(rest, { action, ...(output === undefined ? {} : { output }) }) };
}

function checkGate(
  value: Record<string, unknown>,
  path: readonly (string | number)[],
): { stage: StageDefinition } | { finding: Finding } {
  const parsed = gateStage.safeParse(value);
  if (!parsed.success)
    return { finding: firstFinding(parsed.error, value, path, Object.keys(gateStage.shape)) };
  const { gate, ...rest } = parsed.data;
  const answer = gate.answer === undefined ? undefined : jsonSchemaOf(gate.answer);
  if (answer !== undefined && "problem" in answer) {
    const expected = "expected a schema that JSON Schema can carry";
    return { finding: { path: [...path, "gate", "answer"], expected, found: answer.problem } };
  }
  const { on_timeout } = gate;
  if (typeof on_timeout === "object" && answer) {
    const wrong = answerProblem(on_timeout.answer, answer.schema);
    const expected = "expected an answer that fits the schema of answers";
    if (wrong !== undefined)
      return { finding: { path: [...path, "gate", "on_timeout", "answer"], expected, found: wrong } };
  }
  const action: GateAction = {
    kind: "gate",
    ...(answer && { answer: answer.schema }),
    ...(gate.accept && { accept: gate.accept }),
    asks: asksOf(gate),
  };
  const usual = { timeout_seconds: DEFAULT_TIMEOUT_SECONDS, retry: { ...DEFAULT_RETRY } };
  return { stage: normalise({ ...rest, ...usual }, { action }) };
}

function answerProblem(value: unknown, schema: JsonSchema): string | undefined {
  try {
    checkedAnswer(value, schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The question as it is written, or a function that makes it of those that were given. */
function asksOf({ question, timeout_seconds, on_timeout }: z.output<typeof gateSchema>): GateAction["asks"] {
  const fixed = gateQuestion.safeParse({ question, timeout_seconds, on_timeout });
  if (fixed.success) return fixed.data;
  const valueNow = async (given: unknown, ctx: StageContext): Promise<unknown> =>
    typeof given === "function" ? await given(ctx) : given;
  return async (ctx): Promise<GateQuestion> => {
    return checkedQuestion({
      question: await valueNow(question, ctx),
      timeout_seconds: await valueNow(timeout_seconds, ctx),
      on_timeout: await valueNow(on_timeout, ctx),
    });
  };
}

/** What the functions of a gate made. Throws a StageError with the code OUTPUT_INVALID. */
export function checkedQuestion(value: unknown): GateQuestion {
  const asked = gateQuestion.safeParse(value);
  if (asked.success) return asked.data;
  const { path, expected, found } = firstFinding(asked.error, value, [], []);
  const message = `The gate cannot ask: ${path.join(".")}: ${expected}, found ${found}`;
  throw new StageError(message, { code: "OUTPUT_INVALID" });
}

type StageHead = Omit<z.output<typeof runStage>, "run" | "output">;

function normalise(head: StageHead, rest: Pick<StageDefinition, "action" | "output">): StageDefinition {
  const { attempts, backoff_seconds, final_codes } = head.retry;
  return {
    stage: head.stage,
    stage_name: head.stage_name ?? head.stage,
    weight: head.weight,
    ...(head.agent_name === undefined ? {} : { agent_name: head.agent_name }),
    timeout_seconds: head.timeout_seconds,
    retry: { attempts, backoff_seconds, ...(final_codes === undefined ? {} : { final_codes }) },
    ...rest,
  };
}

/** The version of a pipeline that names none: builds go on as long as the keys and their order stay. */
export function versionOf(stageKeys: readonly string[]): string {
  return createHash("sha256").update(stageKeys.join("\n")).digest("hex").slice(0, 12);
}

/** Checks and normalises a definition of unknown form; says of the first mistake where it is. */
export function checkPipeline(value: unknown): Checked {
  const head = pipelineHead.safeParse(value);
  if (!head.success) return { finding: firstFinding(head.error, value, [], Object.keys(pipelineHead.shape)) };
  const stages: StageDefinition[] = [];
  for (const [index, raw] of head.data.stages.entries()) {
    const checked = checkStage(raw, index);
    if ("finding" in checked) return checked;
    const first = stages.findIndex((earlier) => earlier.stage === checked.stage.stage);
    if (first !== -1) {
      const expected = `expected a key of its own, stages[${first}] has the same`;
      return { finding: { path: ["stages", index, "stage"], expected, found: show(checked.stage.stage) } };
    }
    stages.push(checked.stage);
  }
  const { name, version, description, max_running } = head.data;
  return {
    pipeline: {
      name,
      version: version ?? versionOf(stages.map((stage) => stage.stage)),
      ...(description === undefined ? {} : { description }),
      stages,
      ...(max_running === undefined ? {} : { max_running }),
    },
  };
}

/** The mistake as a sentence: `pipeline "a", stage "b", field retry.attempts: expected at most 20, found 21`. */
export function sentence(value: unknown, finding: Finding, place: { file?: string; line?: number } = {}) {
  const [first, index, ...inner] = finding.path;
  const inStage = first === "stages" && typeof index === "number";
  const name = valueAt(value, ["name"]);
  const key = inStage ? valueAt(value, ["stages", index, "stage"]) : undefined;
  const pipeline = typeof name === "string" ? name.slice(0, 80) : undefined;
  const stage = !inStage ? undefined : typeof key === "string" && key.length <= 64 ? key : `#${index + 1}`;
  const field = (inStage ? inner : finding.path).join(".");
  const parts = [
    ...(place.file === undefined
      ? []
      : [place.line === undefined ? place.file : `${place.file}:${place.line}`]),
    ...(pipeline === undefined ? [] : [`pipeline ${JSON.stringify(pipeline)}`]),
    ...(stage === undefined ? [] : [`stage ${JSON.stringify(stage)}`]),
    ...(field === "" ? [] : [`field ${field}`]),
  ];
  const message = `${parts.join(", ") || "pipeline"}: ${finding.expected}, found ${finding.found}`;
  return {
    message,
    mistake: {
      ...place,
      ...(pipeline === undefined ? {} : { pipeline }),
      ...(stage === undefined ? {} : { stage }),
      ...(field === "" ? {} : { field }),
      expected: finding.expected,
      found: finding.found,
    },
  };
}
