import { agentRefSchema, type Item } from "@stagefold/core";
import { UnreadableRow } from "./dynamo-json.ts";
import { mapField, textField } from "./fields.ts";
import { type OlderTime, olderTime, ulidTime } from "./older-time.ts";
import type { Origin } from "./row.ts";

/** Rows of the tables of agents, their sessions, messages and invocations, of both generations. */

interface AgentsRowBase {
  readonly origin: Origin;
  /** What names the row in its table. */
  readonly key: string;
  /** The line it was read from. */
  readonly text: string;
  readonly item: Item;
}

export interface OlderAgent extends AgentsRowBase {
  readonly kind: "agent";
  readonly agent_id: string;
}

export interface OlderSession extends AgentsRowBase {
  readonly kind: "session";
  readonly session_id: string;
  readonly agent_id: string;
}

export type OlderRole = "user" | "assistant" | "system" | "tool";

export interface OlderMessage extends AgentsRowBase {
  readonly kind: "message";
  readonly session_id: string;
  /** The first generation has it in each message. */
  readonly agent_id: string | undefined;
  readonly role: OlderRole;
  readonly content: string;
  readonly time: OlderTime;
  /** Where it sorts in its session: by time, then by id. */
  readonly order: string;
}

export interface OlderInvocation extends AgentsRowBase {
  readonly kind: "invocation";
  readonly invocation_id: string;
  readonly agent_id: string;
  readonly session_id: string | undefined;
  readonly time: OlderTime;
}

export type AgentsRow = OlderAgent | OlderSession | OlderMessage | OlderInvocation;
export type AgentsRowKind = AgentsRow["kind"];

const ROLES: Readonly<Record<string, OlderRole>> = {
  user: "user",
  human: "user",
  assistant: "assistant",
  agent: "assistant",
  ai: "assistant",
  system: "system",
  tool: "tool",
};

/** The fields of an agent that no row of a build has. */
const OF_AGENTS = ["deployment_type", "call_count", "total_invocations", "entrypoint", "code_path"];

/** Which of these tables a row is of, told by its content. */
export function agentsKindOf(item: Item): AgentsRowKind | undefined {
  const has = (...fields: string[]) => fields.some((field) => item[field] !== undefined);
  if (has("artifact_id", "file_path", "stages_snapshot", "requirement", "project_name", "stage_number"))
    return undefined;
  if (has("message_id") || (has("session_id") && has("role", "content"))) return "message";
  if (has("invocation_id")) return "invocation";
  if (has("session_id")) return "session";
  return has(...OF_AGENTS) || (has("agent_id") && has("agent_name")) ? "agent" : undefined;
}

/** Errors: UnreadableRow for one whose names, time or content are not what they should be. */
export function readAgentsRow(kind: AgentsRowKind, item: Item, origin: Origin, text: string): AgentsRow {
  const base = { origin, text, item };
  switch (kind) {
    case "agent": {
      const agent_id = agentId(item);
      return { ...base, kind, key: agent_id, agent_id };
    }
    case "session": {
      const [session_id, agent_id] = [required(item, "session_id"), agentId(item)];
      return { ...base, kind, key: session_id, session_id, agent_id };
    }
    case "message":
      return message(item, base);
    case "invocation": {
      const invocation_id = required(item, "invocation_id");
      const time = olderTime(item.timestamp) ?? olderTime(item.created_at);
      if (!time)
        throw new UnreadableRow(
          `expected a time in timestamp or created_at, found ${shown(item.timestamp ?? item.created_at)}`,
        );
      const session_id = textField(item, "session_id");
      return { ...base, kind, key: invocation_id, invocation_id, agent_id: agentId(item), session_id, time };
    }
    default:
      return kind satisfies never;
  }
}

function message(item: Item, base: Pick<OlderMessage, "origin" | "text" | "item">): OlderMessage {
  const session_id = required(item, "session_id");
  const { content, created_at } = item;
  if (typeof content !== "string")
    throw new UnreadableRow(`expected a text in content, found ${shown(content)}`);
  const role = typeof item.role === "string" ? ROLES[item.role.toLowerCase()] : undefined;
  if (!role)
    throw new UnreadableRow(`expected user, assistant, system or tool in role, found ${shown(item.role)}`);
  const id = textField(item, "message_id");
  const time = olderTime(created_at) ?? ulidTime(id ?? "");
  if (!time) throw new UnreadableRow(`expected a time in created_at, found ${shown(created_at)}`);
  const key = id ?? `${session_id}:${time.order}`;
  const agent_id = textField(item, "agent_id");
  return {
    ...base,
    kind: "message",
    key,
    session_id,
    agent_id,
    role,
    content,
    time,
    order: `${time.order}#${key}`,
  };
}

function required(item: Item, field: string): string {
  const value = textField(item, field);
  if (value === undefined)
    throw new UnreadableRow(`expected a text in ${field}, found ${shown(item[field])}`);
  return value;
}

/** An id that calls accept. */
function agentId(item: Item): string {
  const id = required(item, "agent_id");
  if (agentRefSchema.safeParse(id).success) return id;
  throw new UnreadableRow(`expected an agent_id of at most 256 bytes that can be seen, found ${shown(id)}`);
}

function shown(value: unknown): string {
  if (value === undefined) return "none";
  if (value instanceof Uint8Array || value instanceof Set) return "a value of another type";
  return (JSON.stringify(value) ?? typeof value).slice(0, 80);
}

/** How the group of an agent's rows begins. */
export const AGENT_GROUP = "agent ";

/** The rows that are imported together. */
export function groupOf(row: AgentsRow): string {
  if (row.kind === "agent") return `${AGENT_GROUP}${row.agent_id}`;
  if (row.session_id !== undefined) return `session ${row.session_id}`;
  return `invocation ${row.key}`;
}

/** What was asked and answered, by the names that both generations and their programs used. */
export function payloadText(item: Item, texts: readonly string[], payload: string): string {
  const plain = textField(item, ...texts);
  if (plain !== undefined) return plain;
  const map = mapField(item, payload);
  if (!map) return textField(item, payload) ?? "";
  return (
    textField(map, ...texts, "text", "message", "prompt", "content", "query", "result") ?? JSON.stringify(map)
  );
}
