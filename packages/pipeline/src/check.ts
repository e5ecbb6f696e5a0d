import { allNeedsOf, orderProblem } from "@stagefold/core/snapshot";
import type { z } from "zod";
import { conditionProblem } from "./condition.ts";
import type { JsonSchema, Pipeline, StageDefinition } from "./definition.ts";
import { definitionDigest } from "./digest.ts";
import { type Finding, firstFinding, isRecord, meant, show, unknownField, valueAt } from "./finding.ts";
import { checkGate } from "./gate.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { outputProblem } from "./output-schema.ts";
import { commandStage, DEFAULT_RETRY, DEFAULT_TIMEOUT_SECONDS, pipelineHead, runStage } from "./schema.ts";

export type Checked = { readonly pipeline: Pipeline } | { readonly finding: Finding };

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
  if (value.gate !== undefined) {
    const checked = checkGate(value, path);
    if ("finding" in checked) return checked;
    const usual = { timeout_seconds: DEFAULT_TIMEOUT_SECONDS, retry: { ...DEFAULT_RETRY } };
    return { stage: normalise({ ...checked.head, ...usual }, { action: checked.action }) };
  }
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

type StageHead = Omit<z.output<typeof runStage>, "run" | "output">;

function normalise(head: StageHead, rest: Pick<StageDefinition, "action" | "output">): StageDefinition {
  const { attempts, backoff_seconds, final_codes } = head.retry;
  return {
    stage: head.stage,
    stage_name: head.stage_name ?? head.stage,
    weight: head.weight,
    ...(head.when === undefined ? {} : { when: head.when }),
    ...(head.needs === undefined ? {} : { needs: head.needs }),
    ...(head.if === undefined ? {} : { if: head.if }),
    ...(head.finally === true ? { finally: true } : {}),
    ...(head.allow_failure === true ? { allow_failure: true } : {}),
    ...(head.agent_name === undefined ? {} : { agent_name: head.agent_name }),
    ...(head.memory_mb === undefined ? {} : { memory_mb: head.memory_mb }),
    ...(head.secrets === undefined ? {} : { secrets: head.secrets }),
    timeout_seconds: head.timeout_seconds,
    retry: { attempts, backoff_seconds, ...(final_codes === undefined ? {} : { final_codes }) },
    ...rest,
  };
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
  const { name, version, description, max_running, publishes, requirement, limits, retention_days } =
    head.data;
  const misplaced = checkOrder(stages, publishes === "agent");
  if (misplaced) return { finding: misplaced };
  const input = checkInput(head.data.input, stages);
  if (input && "finding" in input) return input;
  const definition = {
    name,
    ...(description === undefined ? {} : { description }),
    stages,
    ...(max_running === undefined ? {} : { max_running }),
    ...(publishes === undefined ? {} : { publishes }),
    ...(input === undefined ? {} : { input: input.schema }),
    requirement: requirement ?? (input === undefined ? ("required" as const) : ("optional" as const)),
    ...(limits === undefined ? {} : { limits }),
    ...(retention_days === undefined ? {} : { retention_days }),
  };
  return { pipeline: { ...definition, version: version ?? definitionDigest(definition) } };
}

/** What stages need, and what their conditions read. */
function checkOrder(stages: readonly StageDefinition[], publishes: boolean): Finding | undefined {
  const problem = orderProblem(stages);
  if (problem) {
    const { position, field, found } = problem;
    const path = ["stages", position, ...field];
    const keys = stages.map(({ stage }) => stage);
    const key = valueAt({ stages }, path);
    const near = typeof key === "string" && !keys.includes(key) ? meant(key, keys) : undefined;
    const expected = near === undefined ? problem.expected : `${problem.expected}; did you mean ${near}?`;
    return { path, expected, found };
  }
  for (const [position, { if: condition }] of stages.entries()) {
    if (condition === undefined) continue;
    const needed = [...allNeedsOf(stages, position)].sort((a, b) => a - b);
    const wrong = conditionProblem(
      condition,
      needed.flatMap((i) => stages[i]?.stage ?? []),
    );
    if (wrong) return { path: ["stages", position, "if"], ...wrong };
  }
  return publishes ? checkLast(stages) : undefined;
}

/** The last stage of a pipeline that publishes says what is published: it ends the build, and always runs. */
function checkLast(stages: readonly StageDefinition[]): Finding | undefined {
  const position = stages.length - 1;
  const last = stages[position];
  if (!last) return undefined;
  const isLast = allNeedsOf(stages, position).size === position;
  const fields = [
    ...(isLast ? [] : ["needs"]),
    ...(["finally", "allow_failure", "if"] as const).filter((name) => last[name] !== undefined),
  ];
  const [field] = fields;
  if (field === undefined) return undefined;
  const expected =
    "expected a last stage that needs all others and always runs: its output says what is published";
  return { path: ["stages", position, field], expected, found: show(valueAt(last, [field])) };
}

/** The schema of inputs, which are objects, and names what stages depend on. */
function checkInput(
  given: z.ZodType | JsonSchema | undefined,
  stages: readonly StageDefinition[],
): { schema: JsonSchema } | { finding: Finding } | undefined {
  const checked = given === undefined ? undefined : jsonSchemaOf(given);
  if (checked && "problem" in checked) {
    const expected = "expected a schema that JSON Schema can carry";
    return { finding: { path: ["input"], expected, found: checked.problem } };
  }
  if (checked && checked.schema.type !== "object") {
    const expected = "expected a schema of an object";
    return { finding: { path: ["input"], expected, found: show(checked.schema.type) } };
  }
  const fields = isRecord(checked?.schema.properties) ? Object.keys(checked.schema.properties) : [];
  for (const [index, { when = {} }] of stages.entries()) {
    const unknown = Object.keys(when).find((name) => !fields.includes(name));
    if (unknown === undefined) continue;
    const expected = `expected a field of the input (${fields.join(", ") || "there is none"})`;
    return { finding: { path: ["stages", index, "when", unknown], expected, found: show(unknown) } };
  }
  return checked;
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
