import {
  AGENT_LIMITS,
  addMs,
  type Invocation,
  invocationIdOf,
  storableText,
  type Turn,
  type TurnError,
  userIdSchema,
} from "@stagefold/core";
import { type OlderInvocation, payloadText } from "../rows/agents-row.ts";
import { countField, textField } from "../rows/fields.ts";
import { cut } from "./agent-of-row.ts";

type Outcome = Pick<Turn, "status" | "error">;

/** A longer one is a mistake. Milliseconds. */
const MAX_DURATION = 1e10;

/** What was asked. */
export function questionOf({ item }: OlderInvocation): string {
  return payloadText(item, ["input_text", "input", "question"], "request_payload");
}

function answerOf({ item }: Pick<OlderInvocation, "item">): string {
  return payloadText(item, ["output_text", "output", "response", "answer"], "response_payload");
}

/** How it ended, what it used and how long it took, as far as the row says it. */
export function figuresOfRow({
  item,
}: OlderInvocation): Outcome & Pick<Turn, "input_tokens" | "output_tokens" | "duration_ms"> {
  const duration = countField(item, "duration_ms") ?? Number.POSITIVE_INFINITY;
  return {
    ...outcomeOf(item),
    input_tokens: Math.round(countField(item, "input_tokens") ?? 0),
    output_tokens: Math.round(countField(item, "output_tokens") ?? 0),
    ...(duration <= MAX_DURATION && { duration_ms: Math.round(duration) }),
  };
}

/** The invocation of an older row. */
export async function invocationOfRow(row: OlderInvocation, agent_id: string): Promise<Invocation> {
  const { item, time } = row;
  const invocation_id = await invocationIdOf(row.invocation_id);
  const answer = answerOf(row);
  const figures = figuresOfRow(row);
  const user_id = userIdSchema.safeParse(item.user_id).data;
  return {
    invocation_id,
    agent_id,
    version: 1,
    ...(user_id !== undefined && { user_id }),
    caller: cut(textField(item, "caller"), 64) ?? "import",
    key: `import:${invocation_id}`,
    user: { text: questionOf(row), files: [] },
    started_at: time.at,
    finish_reason: null,
    blocks: answer === "" ? [] : [{ type: "text", text: answer }],
    ended_at: addMs(time.at, figures.duration_ms ?? 0),
    cached_tokens: 0,
    tool_calls: 0,
    steps: 0,
    cost_usd: 0,
    ...figures,
    token: 1,
    seq: 0,
    imported: { messages: [], invocation_id: row.invocation_id },
  };
}

function outcomeOf(item: OlderInvocation["item"]): Outcome {
  const status = textField(item, "status")?.toLowerCase() ?? "";
  const message = storableText(textField(item, "error_message", "error") ?? "", AGENT_LIMITS.error);
  const failed = (code: TurnError["code"]): Outcome => ({ status: "failed", error: { code, message } });
  const isAnswered = status === "" && message === "" && answerOf({ item }) !== "";
  if (isAnswered || /^(success|succeeded|completed|complete|ok|done)$/.test(status))
    return { status: "completed", error: null };
  if (/^(timeout|timed_out)$/.test(status)) return failed("AGENT_TIMEOUT");
  if (/^(failed|failure|error)$/.test(status) || (status === "" && message !== ""))
    return failed("AGENT_FAILED");
  if (/^cancell?ed$/.test(status)) return { status: "cancelled", error: null };
  // Whatever ran it there is gone.
  return { status: "interrupted", error: null };
}
