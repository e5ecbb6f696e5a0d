import {
  canonicalJson,
  type Item,
  readLegacyStage,
  type Stage,
  type SubStage,
  secondsBetween,
  stageSchema,
} from "@stagefold/core";
import { addArtifacts } from "./artifacts.ts";
import { joinLogs } from "./logs.ts";

/** A row of a table of stages as a stage at this position of its project. */
export function stageOfRow(item: Item, position: number): Stage {
  const stage = readLegacyStage(item, position);
  if (!stage) throw new TypeError("expected a map, found a row that is none");
  return stage;
}

/** The stage with what a row of it adds. Nothing that is known is lost: a row fills what is missing. */
export function fillStage(stage: Stage, row: Stage): Stage {
  const { artifacts: _a, artifact_info: _i, ...given } = row.output_data;
  const { logs: _l, ...fields } = row;
  const made = row.output_data.artifacts.map((path) => ({
    path,
    info: row.output_data.artifact_info[path] ?? {},
  }));
  const { stage: listed } = addArtifacts(stage, made);
  const filled = {
    ...fields,
    ...listed,
    // How it went is the row's to say where the snapshot never heard of it.
    ...(stage.status === "pending" && stateOf(row)),
    ...durationOf(stage, row),
    stage_name: stage.stage_name === stage.stage ? row.stage_name : stage.stage_name,
    error_message: stage.error_message ?? row.error_message,
    output_data: { ...given, ...listed.output_data },
    metrics: { ...row.metrics, ...stage.metrics },
    sub_stages: withParts(listed.sub_stages, row.sub_stages),
    ...logsOf(stage, row.logs),
  };
  return canonicalJson(filled) === canonicalJson(stage) ? stage : stageSchema.parse(filled);
}

/** The same for a row of what the project has as a part of a stage. The log is that of the stage. */
export function fillPart(stage: Stage, key: string, row: Stage): Stage {
  const part = stage.sub_stages[key];
  if (!part) return stage;
  const made = row.output_data.artifacts.map((path) => ({
    path,
    info: row.output_data.artifact_info[path] ?? {},
    part: key,
  }));
  const { stage: listed } = addArtifacts(stage, made);
  const { agent_name, started_at, completed_at, error_message } = row;
  const filled: SubStage = {
    ...(agent_name !== undefined && { agent_name }),
    ...(started_at !== undefined && { started_at }),
    ...(completed_at !== undefined && { completed_at }),
    ...(error_message !== null && { error_message }),
    ...(listed.sub_stages[key] ?? part),
    ...(part.status === "pending" && row.status !== "waiting" && { status: row.status }),
  };
  const next = {
    ...listed,
    sub_stages: { ...listed.sub_stages, [key]: filled },
    ...logsOf(stage, row.logs),
  };
  return canonicalJson(next) === canonicalJson(stage) ? stage : stageSchema.parse(next);
}

function stateOf({ status, attempt, progress }: Stage) {
  return { status, attempt, progress };
}

/** A measured duration goes before one that was only told from the times. */
function durationOf(stage: Stage, row: Stage): { duration_seconds?: number } {
  const { started_at, completed_at, duration_seconds } = stage;
  const told =
    started_at !== undefined && completed_at !== undefined
      ? secondsBetween(started_at, completed_at)
      : undefined;
  if (row.duration_seconds === undefined || (duration_seconds !== undefined && duration_seconds !== told))
    return {};
  return { duration_seconds: row.duration_seconds };
}

function logsOf(stage: Stage, given: readonly string[] | undefined): { logs?: string[] } {
  // A log that a lease owner wrote is no older one.
  if (given === undefined || (stage.log_seq ?? 0) > 0) return {};
  return { logs: [...joinLogs(stage.logs ?? [], given)] };
}

function withParts(known: Stage["sub_stages"], given: Stage["sub_stages"]): Stage["sub_stages"] {
  const parts = { ...known };
  for (const [key, part] of Object.entries(given))
    if (!Object.hasOwn(known, key)) parts[key] = { ...part, number: Object.keys(parts).length + 1 };
  return parts;
}
