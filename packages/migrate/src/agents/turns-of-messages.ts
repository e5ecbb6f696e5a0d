import { type Block, digestOf, fromTime, type Turn, toTime } from "@stagefold/core";
import type { OlderMessage } from "../rows/agents-row.ts";
import { mapField, textField } from "../rows/fields.ts";

/** A turn with the messages that it was made of, in their order. */
export interface OlderTurn {
  readonly turn: Turn;
  readonly rows: readonly OlderMessage[];
}

/** Texts of one turn that are blocks of their own; consecutive ones of more are one block. */
const MAX_BLOCKS = 100;

/** What tells a message from all others of its session. */
export function messageDigest({ key, time }: OlderMessage): string {
  return digestOf(`${time.order}#${key}`);
}

/** By time, then by id: the order in which they were said. */
export function sorted(messages: readonly OlderMessage[]): OlderMessage[] {
  return messages.toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
}

export interface TurnsOf {
  readonly session_id: string;
  readonly agent_id: string;
  readonly user_id: string | undefined;
}

/**
 * Turns of sorted messages: a user's message with all that follows up to the next one. What comes before the first
 * question is a turn without one. Without an answer it was interrupted.
 */
export function turnsOf(messages: readonly OlderMessage[], of: TurnsOf): OlderTurn[] {
  const groups: OlderMessage[][] = [];
  for (const row of messages) {
    const group = groups.at(-1);
    if (group && row.role !== "user") group.push(row);
    else groups.push([row]);
  }
  return groups.map((rows) => ({ rows, turn: turnOf(rows, of) }));
}

function turnOf(rows: readonly OlderMessage[], { session_id, agent_id, user_id }: TurnsOf): Turn {
  const [first] = rows;
  const last = rows.at(-1);
  if (!first || !last) throw new RangeError("expected a message");
  const question = first.role === "user" ? first.content : "";
  const blocks = blocksOf(first.role === "user" ? rows.slice(1) : rows);
  const isAnswered = rows.some(({ role, content }) => role === "assistant" && content !== "");
  const duration = Math.max(0, fromTime(last.time.at) - fromTime(first.time.at));
  return {
    session_id,
    agent_id,
    version: 1,
    ...(user_id !== undefined && { user_id }),
    caller: "import",
    key: `import:${messageDigest(first)}`,
    user: { text: question, files: [] },
    started_at: first.time.at,
    status: isAnswered ? "completed" : "interrupted",
    error: null,
    finish_reason: null,
    blocks,
    ended_at: toTime(fromTime(first.time.at) + duration),
    duration_ms: duration,
    input_tokens: 0,
    output_tokens: 0,
    cached_tokens: 0,
    tool_calls: blocks.filter(({ type }) => type === "tool").length,
    steps: 0,
    cost_usd: 0,
    imported: { messages: rows.map(messageDigest), last: last.order },
  };
}

function blocksOf(rows: readonly OlderMessage[]): Block[] {
  const blocks = rows.flatMap((row): Block[] => {
    if (row.role === "tool") return [toolBlock(row)];
    if (row.content === "") return [];
    return [{ type: "text", text: row.content, ...(row.role === "system" && { role: "system" }) }];
  });
  return blocks.length <= MAX_BLOCKS ? blocks : joined(blocks);
}

/** What a tool answered; what it was asked was not recorded as a message. */
function toolBlock({ item, key, content }: OlderMessage): Block {
  const metadata = mapField(item, "metadata") ?? {};
  const name = textField(metadata, "tool_name", "name", "tool") ?? textField(item, "name") ?? "tool";
  const id = textField(metadata, "tool_call_id", "tool_id") ?? key;
  return {
    type: "tool",
    id: id.slice(0, 200),
    name: name.slice(0, 64),
    input: null,
    output: content,
    status: "completed",
  };
}

function joined(blocks: readonly Block[]): Block[] {
  const all: Block[] = [];
  for (const block of blocks) {
    const before = all.at(-1);
    if (block.type === "text" && before?.type === "text" && before.role === block.role)
      all[all.length - 1] = { ...before, text: `${before.text}\n\n${block.text}` };
    else all.push(block);
  }
  return all;
}
