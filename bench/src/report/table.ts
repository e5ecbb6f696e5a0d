import type { Plain, Value } from "../keys/measurement.ts";
import { GOALS, type Goal } from "./goals.ts";

export type Results = Readonly<Record<string, Value>>;

export interface Row {
  readonly name: string;
  readonly value: string;
  readonly range: string;
  readonly unit: string;
  readonly goal: string;
  readonly met: string;
}

/** One row for each figure that was measured, or that could not be. */
export function rowsOf(results: Results): Row[] {
  return GOALS.flatMap((goal) => {
    const value = results[goal.key];
    if (value === undefined) return [];
    if (isAbsent(value))
      return goal.sub === undefined || isFirstOf(goal) ? [absentRow(goal, value.absent)] : [];
    const plain = partOf(value, goal.sub);
    return plain === undefined ? [] : [rowOf(goal, plain)];
  });
}

/** The table as it is printed: columns as wide as their widest. */
export function tableOf(results: Results): string {
  const rows = rowsOf(results).map((row) => [row.name, row.value, row.unit, row.range, row.goal, row.met]);
  const all = [["key", "median", "", "min – max", "goal", "met"], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function rowOf(goal: Goal, plain: Plain): Row {
  const median = typeof plain === "number" ? plain : plain.median;
  return {
    name: nameOf(goal),
    value: String(median),
    range: typeof plain === "number" ? "" : `${plain.min} – ${plain.max}`,
    unit: goal.unit,
    goal: goal.words,
    met: goal.met === undefined ? "" : goal.met(median) ? "yes" : "NO",
  };
}

function absentRow(goal: Goal, reason: string): Row {
  return { name: goal.key, value: "–", range: reason, unit: "", goal: goal.words, met: "" };
}

function nameOf({ key, sub }: Goal): string {
  return sub === undefined ? key : `${key}: ${sub}`;
}

function isFirstOf(goal: Goal): boolean {
  return GOALS.find((other) => other.key === goal.key) === goal;
}

export function isAbsent(value: Value): value is { readonly absent: string } {
  return typeof value === "object" && "absent" in value && typeof value.absent === "string";
}

function isPlain(value: Value): value is Plain {
  return (
    typeof value === "number" || ("median" in value && typeof value.median === "number" && "min" in value)
  );
}

function partOf(
  value: Exclude<Value, { readonly absent: string }>,
  sub: string | undefined,
): Plain | undefined {
  if (isPlain(value)) return sub === undefined ? value : undefined;
  return sub === undefined ? undefined : value[sub];
}
