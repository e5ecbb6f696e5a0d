import { z } from "zod";

/** Types whose values JSON cannot carry: what is stored would be another value than the type says. */
const NOT_JSON: Readonly<Partial<Record<z.core.$ZodTypeDef["type"], string>>> = {
  date: "a date; return its ISO text (z.iso.datetime())",
  map: "a Map; return an object or a list of pairs",
  set: "a Set; return a list",
  bigint: "a bigint; return a text",
  symbol: "a symbol",
  function: "a function",
  promise: "a promise",
  file: "a file; record it as an artifact",
  nan: "NaN",
};

/** JSON Schema's types of what is no object. */
const NO_OBJECT = ["string", "number", "integer", "boolean", "null", "array"];

/**
 * Why the outputs of a schema cannot be stored as what its type says; undefined when they can, as far as the schema
 * tells: the results of transforms are checked when a stage ends.
 */
export function outputProblem(schema: z.ZodType): string | undefined {
  let problem: string | undefined;
  const json = z.toJSONSchema(schema, {
    io: "output",
    unrepresentable: "any",
    override: ({ zodSchema, path }) => {
      const found = NOT_JSON[zodSchema._zod.def.type] ?? asynchronous(zodSchema);
      if (found === undefined) return;
      const field = path.filter((part) => typeof part === "string" && part !== "properties").join(".");
      problem ??= field === "" ? found : `at ${field} ${found}`;
    },
  });
  if (problem !== undefined) return problem;
  return typeof json.type === "string" && NO_OBJECT.includes(json.type)
    ? `${json.type === "array" ? "a list" : `a ${json.type}`} at its top`
    : undefined;
}

/** A check that is asynchronous cannot be made where a later stage reads the output. */
function asynchronous(schema: z.core.$ZodType): string | undefined {
  const checks: unknown[] = schema._zod.def.checks ?? [];
  return checks.some((check) => isAsyncFunction(check)) ? "an asynchronous check" : undefined;
}

function isAsyncFunction(check: unknown): boolean {
  if (typeof check !== "object" || check === null || !("_zod" in check)) return false;
  const { _zod: inner } = check;
  if (typeof inner !== "object" || inner === null || !("def" in inner)) return false;
  const { def } = inner;
  if (typeof def !== "object" || def === null || !("fn" in def) || typeof def.fn !== "function") return false;
  return Object.prototype.toString.call(def.fn) === "[object AsyncFunction]";
}
