import type { Project, Stage } from "../../lib/api.ts";

/** One stage of one of the two builds. */
export interface Side {
  readonly status: Stage["status"];
  readonly attempts: number;
  readonly seconds: number | undefined;
  readonly tokens: number;
  readonly costUsd: number | undefined;
  /** As JSON, with its keys in order. */
  readonly output: string;
}

export interface StageRow {
  readonly stage: string;
  readonly name: string;
  readonly a: Side | undefined;
  readonly b: Side | undefined;
}

/** What the platform adds to a stage's own output. */
const TAKEN = new Set(["artifacts", "artifact_info", "artifact_count"]);

/** The stages of both builds, in the order of the first; those that only the second has come after them. */
export function stageRows(a: Project, b: Project): StageRow[] {
  const [ofA, ofB] = [stagesOf(a), stagesOf(b)];
  const keys = [...ofA.keys(), ...[...ofB.keys()].filter((key) => !ofA.has(key))];
  return keys.map((stage) => {
    const [one, other] = [ofA.get(stage), ofB.get(stage)];
    const name = one?.stage_name ?? other?.stage_name ?? stage;
    return { stage, name, a: one && sideOf(one), b: other && sideOf(other) };
  });
}

function stagesOf({ stages_snapshot }: Project): Map<string, Stage> {
  return new Map(stages_snapshot.stages.map((stage) => [stage.stage, stage]));
}

function sideOf(stage: Stage): Side {
  const { input_tokens = 0, output_tokens = 0, cost_usd } = stage.metrics;
  const own = Object.entries(stage.output_data).filter(([key]) => !TAKEN.has(key));
  return {
    status: stage.status,
    attempts: stage.attempt,
    seconds: stage.duration_seconds ?? undefined,
    tokens: Number(input_tokens) + Number(output_tokens),
    costUsd: typeof cost_usd === "number" ? cost_usd : undefined,
    output: own.length === 0 ? "" : sortedJson(Object.fromEntries(own)),
  };
}

/** JSON in which the order of keys makes no difference. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    2,
  );
}

/** Seconds, tokens and dollars of all stages together. */
export function totalsOf(rows: readonly StageRow[], side: "a" | "b") {
  const sides = rows.flatMap((row) => row[side] ?? []);
  const costs = sides.flatMap(({ costUsd }) => costUsd ?? []);
  return {
    seconds: sides.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
    tokens: sides.reduce((sum, { tokens }) => sum + tokens, 0),
    costUsd: costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0),
  };
}

export interface ComparedFile {
  readonly path: string;
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
}

export interface FileRow<File extends ComparedFile = ComparedFile> {
  readonly path: string;
  readonly change: "added" | "removed" | "changed" | "same";
  readonly a: File | undefined;
  readonly b: File | undefined;
}

/** The files of both builds by their paths, what differs first. Of one path made by several stages the last counts. */
export function fileRows<File extends ComparedFile>(a: readonly File[], b: readonly File[]): FileRow<File>[] {
  const [ofA, ofB] = [byPath(a), byPath(b)];
  const paths = [...new Set([...ofA.keys(), ...ofB.keys()])].sort();
  const rows = paths.map((path) => {
    const [one, other] = [ofA.get(path), ofB.get(path)];
    return { path, a: one, b: other, change: changeOf(one, other) };
  });
  return [
    ...rows.filter(({ change }) => change !== "same"),
    ...rows.filter(({ change }) => change === "same"),
  ];
}

function byPath<File extends ComparedFile>(files: readonly File[]): Map<string, File> {
  return new Map(files.map((file) => [file.path, file]));
}

function changeOf(a: ComparedFile | undefined, b: ComparedFile | undefined): FileRow["change"] {
  if (a === undefined) return "added";
  if (b === undefined) return "removed";
  // A file that is only named has no digest: by what is known of it, it is the same.
  if (a.sha256 === undefined || b.sha256 === undefined) return a.size === b.size ? "same" : "changed";
  return a.sha256 === b.sha256 ? "same" : "changed";
}
