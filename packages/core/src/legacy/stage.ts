import { z } from "zod";
import { stageKeySchema } from "../snapshot/ids.ts";
import {
  type ArtifactInfo,
  artifactInfoSchema,
  type Metrics,
  metricsSchema,
  type Stage,
  type StageStatus,
  type SubStage,
  stageSchema,
  stageStatusSchema,
} from "../snapshot/schema.ts";
import { secondsBetween, timeSchema, toTime } from "../snapshot/time.ts";

type Raw = { readonly [field: string]: unknown };

/** Display names that old snapshots used where a key belongs. */
const KEY_OF_DISPLAY_NAME: Readonly<Record<string, string>> = {
  工作流编排: "orchestrator",
  需求分析: "requirements_analysis",
  系统架构设计: "system_architecture",
  Agent设计: "agent_design",
  智能体设计: "agent_design",
  提示词工程: "prompt_engineer",
  工具开发: "tools_developer",
  代码开发: "agent_code_developer",
  开发管理: "agent_developer_manager",
};

type OldStatus = Exclude<StageStatus, "waiting">;

const OLD_STATUS: Readonly<Record<string, OldStatus>> = {
  in_progress: "running",
  building: "running",
  success: "completed",
  done: "completed",
  error: "failed",
  canceled: "cancelled",
};

export function isRecord(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** Any time that can be read, in the stored form. */
export function timeOf(value: unknown): string | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  // Years of four digits alone: others are not in order as text.
  return Number.isFinite(ms) ? timeSchema.safeParse(toTime(ms)).data : undefined;
}

/** Texts of a list, or of a set, which some old tables have. */
export function textsOf(value: unknown): string[] {
  const all: unknown[] = value instanceof Set ? [...value] : Array.isArray(value) ? value : [];
  return all.filter((one) => typeof one === "string");
}

/** A stage of any older format. Fields that the current version does not know stay as they are. */
export function readLegacyStage(raw: unknown, index: number): Stage | undefined {
  if (!isRecord(raw)) return undefined;
  const status = statusOf(raw.status);
  const started_at = timeOf(raw.started_at);
  const completed_at = timeOf(raw.completed_at);
  const duration = numberOf(raw.duration_seconds);
  const sub_stages = subStagesOf(raw.sub_stages);
  const base = {
    ...without(readable(raw, stageSchema.options[0].shape), RENAMED),
    stage: keyOf(raw, index),
    stage_number: index + 1,
    stage_name: nameOf(raw, index),
    weight: positive(numberOf(raw.weight)) ?? 1,
    attempt: status === "pending" ? 0 : 1,
    progress: status === "completed" ? 100 : 0,
    ...(textOf(raw.agent_name) !== undefined && { agent_name: String(raw.agent_name) }),
    ...(started_at !== undefined && { started_at }),
    ...(completed_at !== undefined && { completed_at }),
    ...withDuration(duration, started_at, completed_at),
    output_data: outputOf(raw, sub_stages),
    metrics: metricsOf(raw.metrics),
    error_message: textOf(raw.error_message) ?? null,
    ...(textsOf(raw.logs).length > 0 && { logs: textsOf(raw.logs) }),
    sub_stages,
    history: [],
  };
  // No worker runs what an old one left running.
  if (status === "running") return { ...base, status: "pending" };
  if (status === "failed")
    return { ...base, status, error_message: base.error_message ?? "no error was recorded" };
  return { ...base, status };
}

/** Fields whose content moves to a field of the current version, or means nothing beside what is read here. */
const RENAMED = [
  "name",
  "display_name",
  "order",
  "stage_name_cn",
  "agent_name",
  "started_at",
  "completed_at",
  "duration_seconds",
  "logs",
  "weight",
  "artifact_manifest",
  "output_ref",
  "history_ref",
  "log_seq",
  "error_code",
  "exit_code",
  "signal",
  "definition",
  "notes",
  "summary",
];

/** The map without fields that the schema has and whose old value it does not take. */
export function readable(raw: Raw, shape: z.core.$ZodShape): Raw {
  return Object.fromEntries(
    Object.entries(raw).filter(([field, value]) => {
      const schema = Object.hasOwn(shape, field) ? shape[field] : undefined;
      return schema === undefined || z.safeParse(schema, value).success;
    }),
  );
}

export function without(raw: Raw, fields: readonly string[]): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([field]) => !fields.includes(field)));
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function keyOf(raw: Raw, index: number): string {
  for (const field of [raw.stage, raw.name, raw.stage_name]) {
    const key = keyOfName(field);
    if (key !== undefined) return key;
  }
  return `stage_${index + 1}`;
}

/** The key that a stage is named by: itself, or that of a display name that old tables used in its place. */
export function keyOfName(name: unknown): string | undefined {
  const key = stageKeySchema.safeParse(name);
  if (key.success) return key.data;
  return typeof name === "string" && Object.hasOwn(KEY_OF_DISPLAY_NAME, name)
    ? KEY_OF_DISPLAY_NAME[name]
    : undefined;
}

function nameOf(raw: Raw, index: number): string {
  return (
    textOf(raw.stage_name_cn) ??
    textOf(raw.display_name) ??
    textOf(raw.stage_name) ??
    textOf(raw.name) ??
    keyOf(raw, index)
  );
}

function statusOf(value: unknown): OldStatus {
  const known = stageStatusSchema.safeParse(value);
  // What waited in an older table waited for no gate.
  if (known.success) return known.data === "waiting" ? "pending" : known.data;
  return typeof value === "string" && Object.hasOwn(OLD_STATUS, value)
    ? (OLD_STATUS[value] ?? "pending")
    : "pending";
}

function withDuration(given: number | undefined, from: string | undefined, to: string | undefined) {
  if (given !== undefined && given >= 0) return { duration_seconds: given };
  return from !== undefined && to !== undefined ? { duration_seconds: secondsBetween(from, to) } : {};
}

function outputOf(raw: Raw, parts: Stage["sub_stages"]): Stage["output_data"] {
  const data = isRecord(raw.output_data) ? raw.output_data : {};
  const listed = Array.isArray(data.artifacts)
    ? data.artifacts
    : Array.isArray(raw.artifacts)
      ? raw.artifacts
      : [];
  const paths = listed.flatMap((one: unknown) => {
    const path = isRecord(one) ? (one.path ?? one.file_path) : one;
    return typeof path === "string" && path !== "" ? [path] : [];
  });
  const info = isRecord(data.artifact_info) ? data.artifact_info : {};
  const details = Object.entries(info).flatMap(([path, value]) =>
    isRecord(value) ? [[path, infoOf(value)] as const] : [],
  );
  return {
    ...without(data, ["artifact_count"]),
    // What a part made is the stage's too; older formats list it with the part alone.
    artifacts: [...new Set([...paths, ...Object.values(parts).flatMap((part) => part.artifacts)])],
    artifact_info: Object.fromEntries(details),
  };
}

/** What is known of an artifact, without the fields whose old value is of another type. */
function infoOf(value: Raw): ArtifactInfo {
  return artifactInfoSchema.parse(readable(value, artifactInfoSchema.shape));
}

function metricsOf(value: unknown): Metrics {
  if (!isRecord(value)) return {};
  const figures = Object.keys(metricsSchema.shape).flatMap((name) => {
    const figure = name === "model" ? undefined : numberOf(value[name]);
    return figure === undefined ? [] : [[name, figure] as const];
  });
  return metricsSchema.parse({ ...readable(value, metricsSchema.shape), ...Object.fromEntries(figures) });
}

function subStagesOf(value: unknown): Record<string, SubStage> {
  if (!isRecord(value)) return {};
  const parts: [string, SubStage][] = [];
  for (const [key, raw] of Object.entries(value)) {
    if (!isRecord(raw) || !stageKeySchema.safeParse(key).success) continue;
    const status = statusOf(raw.status);
    const started_at = timeOf(raw.started_at);
    const completed_at = timeOf(raw.completed_at);
    parts.push([
      key,
      {
        ...without(raw, ["started_at", "completed_at", "progress", "error_message"]),
        number: parts.length + 1,
        status: status === "running" ? "pending" : status,
        ...(started_at !== undefined && { started_at }),
        ...(completed_at !== undefined && { completed_at }),
        ...(textOf(raw.error_message) !== undefined && { error_message: String(raw.error_message) }),
        artifacts: textsOf(raw.artifacts),
      },
    ]);
  }
  return Object.fromEntries(parts);
}
