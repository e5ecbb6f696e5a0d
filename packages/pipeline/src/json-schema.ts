import { schemaProblem } from "@stagefold/core/snapshot";
import { z } from "zod";
import type { JsonSchema } from "./definition.ts";

/**
 * The JSON Schema of values that people and programs give: what the API checks, which never loads a module. So a schema
 * may have nothing that only its own process knows: transforms, checks of its own, values that JSON cannot carry.
 */
export function jsonSchemaOf(
  given: z.ZodType | JsonSchema,
): { readonly schema: JsonSchema } | { readonly problem: string } {
  if (!(given instanceof z.ZodType)) {
    const problem = schemaProblem(given);
    return problem === undefined ? { schema: given } : { problem };
  }
  let problem: string | undefined;
  const override: NonNullable<Parameters<typeof z.toJSONSchema>[1]>["override"] = ({ zodSchema, path }) => {
    if (!hasOwnCheck(zodSchema)) return;
    const field = path.filter((part) => part !== "properties").join(".");
    problem ??= `${field === "" ? "" : `at ${field} `}a check of its own (refine)`;
  };
  try {
    // Of what comes out, so that a transform is refused; a default is no field that must be given.
    z.toJSONSchema(given, { io: "output", override });
    const { $schema: _s, "~standard": _t, ...schema } = z.toJSONSchema(given, { io: "input" });
    return problem === undefined ? { schema } : { problem };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function hasOwnCheck(schema: z.core.$ZodType): boolean {
  const checks: readonly z.core.$ZodCheck<never>[] = schema._zod.def.checks ?? [];
  return checks.some((check) => check._zod.def.check === "custom");
}
