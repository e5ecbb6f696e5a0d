import { createHash } from "node:crypto";
import { canonicalJson } from "@stagefold/core/snapshot";
import { z } from "zod";
import type { Pipeline, StageDefinition } from "./definition.ts";

/** Hex digits of a digest: as many as a person can compare. */
const DIGITS = 12;

const known = new WeakMap<object, string>();

/**
 * Names the definition of a pipeline by its content: keys, commands, names of environment variables, schemas, gates and
 * sources. Two processes that read the same files find the same one.
 */
export function definitionDigest(pipeline: Omit<Pipeline, "version">): string {
  const before = known.get(pipeline);
  if (before !== undefined) return before;
  const digest = createHash("sha256")
    .update(canonicalJson(describeDefinition(pipeline)))
    .digest("hex")
    .slice(0, DIGITS);
  known.set(pipeline, digest);
  return digest;
}

/** The definition as people may read it: JSON without functions, and without the values of environment variables. */
export function describeDefinition({ stages, ...head }: Omit<Pipeline, "version">) {
  return { ...head, version: undefined, stages: stages.map(describeStage) };
}

function describeStage({ action, output, ...head }: StageDefinition) {
  const schema = output === undefined ? {} : { output: jsonSchema(output) };
  switch (action.kind) {
    case "run":
      return { ...head, ...schema, run: { source: sourceOf(action.run) } };
    case "module":
      return { ...head, run: { source: action.source } };
    case "command": {
      const { command, env, artifacts } = action;
      return { ...head, command, env: Object.keys(env).sort(), artifacts };
    }
    case "gate": {
      const { answer, accept, asks } = action;
      const text = typeof asks === "function" ? { source: sourceOf(asks) } : asks;
      return { ...head, gate: { answer, accept, asks: "module" in text ? { source: text.source } : text } };
    }
    default:
      return action satisfies never;
  }
}

function sourceOf(code: (...given: never) => unknown): string {
  return createHash("sha256").update(String(code)).digest("hex").slice(0, DIGITS);
}

function jsonSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { unrepresentable: "any", io: "output" });
}
