import { checkedAnswer } from "@stagefold/core/snapshot";
import type { z } from "zod";
import type { StageContext } from "./context.ts";
import type { GateAction, GateQuestion, JsonSchema } from "./definition.ts";
import { StageError } from "./errors.ts";
import { type Finding, firstFinding } from "./finding.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { gateQuestion, type gate as gateSchema, gateStage } from "./schema.ts";

/** A gate as it is run, and the rest of its stage; or what is wrong. */
export function checkGate(
  value: Record<string, unknown>,
  path: readonly (string | number)[],
): { action: GateAction; head: Omit<z.output<typeof gateStage>, "gate"> } | { finding: Finding } {
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
  return { action, head: rest };
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
