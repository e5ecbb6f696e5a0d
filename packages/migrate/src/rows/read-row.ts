import type { Item } from "@stagefold/core";
import { type AgentsRow, agentsKindOf, readAgentsRow } from "./agents-row.ts";
import { artifactInfoOf } from "./artifact-info.ts";
import { parseLine, UnreadableRow } from "./dynamo-json.ts";
import type { ArtifactRow, Origin, Row, StageRow } from "./row.ts";

/** A line of an export as the row it is, told by its content. Errors: UnreadableRow. */
export function readRow(text: string, origin: Origin): Row | AgentsRow {
  const item = parseLine(text);
  const kind = agentsKindOf(item);
  return kind === undefined ? buildRow(item, text, origin) : readAgentsRow(kind, item, origin, text);
}

export function isOfAgents(row: Row | AgentsRow): row is AgentsRow {
  return !("project_id" in row);
}

/** The same where it can be a row of builds alone. Errors: UnreadableRow. */
export function readBuildRow(text: string, origin: Origin): Row {
  return buildRow(parseLine(text), text, origin);
}

function buildRow(item: Item, text: string, origin: Origin): Row {
  const kind = kindOf(item);
  const project_id = textOf(item.project_id);
  if (kind === undefined) throw new UnreadableRow(`expected ${EXPECTED}, found ${fieldsOf(item)}`);
  if (project_id === undefined) throw new UnreadableRow(`expected a project_id, found ${fieldsOf(item)}`);
  const base = { origin, project_id, text };
  switch (kind) {
    case "project":
      return { ...base, kind, key: project_id, item };
    case "artifact":
      return artifactRow(item, base);
    case "stage":
      return stageRow(item, base);
    default:
      return kind satisfies never;
  }
}

const EXPECTED = "a project, a stage, an artifact, an agent, a session, a message or an invocation";

function kindOf(item: Item): Row["kind"] | undefined {
  if (has(item, "artifact_id", "file_path")) return "artifact";
  if (has(item, "stages_snapshot", "requirement", "project_name")) return "project";
  if (has(item, "stage_number", "stage", "stage_name")) return "stage";
  return has(item, "status", "user_id", "agents") && has(item, "project_id") ? "project" : undefined;
}

type Base = Pick<Row, "origin" | "project_id" | "text">;

function artifactRow(item: Item, base: Base): ArtifactRow {
  const path = textOf(item.file_path) ?? textOf(item.path);
  const stage = textOf(item.stage) ?? textOf(item.stage_name) ?? "";
  return {
    ...base,
    kind: "artifact",
    key: textOf(item.artifact_id) ?? `${base.project_id}:${stage}:${path ?? ""}`,
    stage,
    path: path === "__proto__" ? undefined : path?.toWellFormed(),
    info: artifactInfoOf(item),
    agent_id: textOf(item.agent_id),
  };
}

function stageRow(item: Item, base: Base): StageRow {
  const { project_id: _p, ...fields } = item;
  const number = typeof item.stage_number === "number" ? item.stage_number : Number.POSITIVE_INFINITY;
  const stage = textOf(item.stage) ?? textOf(item.name) ?? textOf(item.stage_name) ?? "";
  const key = `${base.project_id}:${Number.isFinite(number) ? number : stage}`;
  return { ...base, kind: "stage", key, stage, stage_number: number, item: fields };
}

function has(item: Item, ...fields: string[]): boolean {
  return fields.some((field) => item[field] !== undefined && item[field] !== null);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function fieldsOf(item: Item): string {
  const fields = Object.keys(item);
  return fields.length === 0 ? "no field" : `a row of ${fields.slice(0, 8).join(", ").slice(0, 120)}`;
}
