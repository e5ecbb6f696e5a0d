import type { Project, Stage } from "../../../lib/api.ts";

/** What a completed build made, as far as its stages say. Pipelines of any kind fill it by the names of their outputs. */
export interface BuildResult {
  /** One sentence about what was made. */
  readonly purpose: string | undefined;
  /** Markdown. */
  readonly summary: string | undefined;
  readonly tools: readonly string[];
  readonly selfTests: { readonly passed: number; readonly total: number } | undefined;
  /** What was asked for and is no part of what was made: in words, how many there are, and the stage that says so. */
  readonly unmet: {
    readonly wishes: readonly string[];
    readonly total: number;
    readonly stage: string | undefined;
  };
  /** What a reader types to run it. */
  readonly command: string | undefined;
  /** Paths of files that are looked at first. */
  readonly main: readonly string[];
  /** What its stages took together, without what lay between them. */
  readonly seconds: number;
  /** US dollars, as the stages count them; 0 where none does. */
  readonly costUsd: number;
}

/** So many files are named; the others are among the artifacts. */
const MAIN = 4;

export function resultOf(project: Project): BuildResult | undefined {
  if (project.status !== "completed") return undefined;
  const { stages } = project.stages_snapshot;
  // What a later stage says is nearer to what was made.
  const last = <T>(read: (output: Stage["output_data"]) => T | undefined): T | undefined =>
    stages.map(({ output_data }) => read(output_data)).findLast((value) => value !== undefined);
  const toldBy = stages.find(({ output_data }) => Number(output_data.unmet_total) > 0);
  return {
    purpose: last(({ purpose }) => text(purpose)),
    summary: last(({ summary }) => text(summary)),
    tools: last(({ tools }) => namesIn(tools)) ?? [],
    selfTests: last(({ self_tests }) => counts(self_tests)),
    unmet: {
      wishes: toldBy ? wishesIn(toldBy.output_data.unmet) : [],
      total: project.build_summary?.unmet_total ?? 0,
      stage: toldBy?.stage,
    },
    command: last(({ run }) => text(run)),
    main: mainFiles(stages),
    seconds: sum(Object.values(project.build_summary?.stage_seconds ?? {})),
    costUsd: sum(stages.map(({ metrics }) => metrics.cost_usd)),
  };
}

function sum(values: readonly unknown[]): number {
  return values.reduce<number>((all, value) => all + (typeof value === "number" ? value : 0), 0);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** `["mean"]`, or `[{ "tool": "mean" }]`, or `[{ "name": "mean" }]`. */
function namesIn(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.flatMap(
    (one: unknown) => text(one) ?? text(field(one, "name")) ?? text(field(one, "tool")) ?? [],
  );
  return names.length > 0 ? [...new Set(names)] : undefined;
}

function counts(value: unknown): BuildResult["selfTests"] {
  const [passed, total] = [field(value, "passed"), field(value, "total")];
  return typeof passed === "number" && typeof total === "number" && total > 0 ? { passed, total } : undefined;
}

/** The words of the requirement, where the stage's output has them as the built-in pipeline's does. */
function wishesIn(unmet: unknown): string[] {
  if (!Array.isArray(unmet)) return [];
  return unmet.flatMap((one: unknown) => text(one) ?? text(field(one, "phrase")) ?? []);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** What to read first: a README, what the outputs name as the agent or its prompt, then the last stage's files. */
function mainFiles(stages: readonly Stage[]): string[] {
  const paths = stages.flatMap(({ output_data }) => output_data.artifacts);
  const there = new Set(paths);
  const readme = paths.findLast((path) => /(^|\/)readme(\.\w+)?$/i.test(path));
  const named = stages.flatMap(({ output_data: { agent, prompt } }) => [text(agent), text(prompt)]);
  const ending = stages.findLast(({ output_data }) => output_data.artifacts.length > 0);
  const wanted = [readme, ...named.toReversed(), ...(ending?.output_data.artifacts ?? [])];
  return [...new Set(wanted)]
    .filter((path): path is string => path !== undefined && there.has(path))
    .slice(0, MAIN);
}
