/** What each stage of the workload says and makes, the same for everything that is measured. */
export const STAGES = ["one", "two", "three", "four", "five", "six"] as const;
export const PIPELINE = "bench-workload";
/** The same six stages, whose order is said: each needs the one before it, or two at a time need the same. */
export const ROW_PIPELINE = "bench-row";
export const PAIRS_PIPELINE = "bench-pairs";
const NEEDS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  [ROW_PIPELINE]: { two: ["one"], three: ["two"], four: ["three"], five: ["four"], six: ["five"] },
  [PAIRS_PIPELINE]: {
    two: ["one"],
    three: ["one"],
    four: ["two", "three"],
    five: ["two", "three"],
    six: ["four", "five"],
  },
};

/** What a stage of a workload's pipeline says that it needs; most say nothing. */
export function needsIn(pipeline: string, stage: string): { readonly needs?: readonly string[] } {
  const needs = NEEDS[pipeline]?.[stage];
  return needs === undefined ? {} : { needs };
}

/** Builds in work at once. */
export const AT_ONCE = 16;
export const REQUIREMENT = "A build whose stages have no work of their own";

/** Two lines of log. */
export function logLines(stage: string): [string, string] {
  return [`${stage}: begun with what the stage before it left`, `${stage}: done, and all checks passed`];
}

/** The size of an output, in bytes of JSON; about 300 is that of the workload. */
export const OUTPUT_BYTES = 300;

export function outputOf(stage: string, bytes = OUTPUT_BYTES): Record<string, unknown> {
  return { summary: `The output of ${stage}: ${"x".repeat(bytes - 80)}`, ok: true, items: [1, 2, 3], stage };
}

/** Outputs that the cost page compares, besides that of the workload. Larger ones than 16 KB leave the item. */
export const LARGER_OUTPUTS = [2000, 8000] as const;

export function pipelineOf(outputBytes: number): string {
  return outputBytes === OUTPUT_BYTES ? PIPELINE : `${PIPELINE}-${outputBytes}`;
}

/** Three paths of 80 characters. */
export function artifactPaths(stage: string): string[] {
  return ["a", "b", "c"].map((name) => `artifacts/${stage}/${name}`.padEnd(75, "_").concat(".json"));
}

/** One stage that takes longer than anyone measures. */
export const SLOW_PIPELINE = "bench-slow";

/** One stage that says when it ran. */
export const WAKE_PIPELINE = "bench-wake";

/** A gate between two stages that say when they ran, and one that writes lines. */
export const PEOPLE_PIPELINE = "bench-people";
export const PEOPLE_LINES = 20;
