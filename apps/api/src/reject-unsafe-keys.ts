import { StagefoldError } from "@stagefold/core";

/** Levels of nesting that DynamoDB takes; no input needs more. */
const MAX_DEPTH = 32;

/** Refuses what no schema looks at: names that reach into prototypes, and nesting beyond what an item can keep. */
export function rejectUnsafeKeys(input: unknown): void {
  const problem = problemIn(input, "input", MAX_DEPTH);
  if (problem === undefined) return;
  throw new StagefoldError("INVALID_INPUT", `The input is not valid: ${problem}`, { issues: [problem] });
}

function problemIn(value: unknown, path: string, depthLeft: number): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (depthLeft === 0) return `${path.slice(0, 100)}: expected at most ${MAX_DEPTH} levels of nesting`;
  if (Array.isArray(value)) {
    for (const [i, inner] of value.entries()) {
      const problem = problemIn(inner, `${path}.${i}`, depthLeft - 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key === "__proto__") return `${path.slice(0, 100)}: the name __proto__ is not allowed`;
    const problem = problemIn(inner, `${path}.${key}`, depthLeft - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
