import { z } from "zod";
import { TURN_ERROR_CODES } from "../errors.ts";
import { agentIdSchema } from "../snapshot/ids.ts";
import { timeSchema } from "../snapshot/time.ts";
import { invocationIdSchema, sessionIdSchema } from "./ids.ts";

export const SESSION_STATUSES = ["open", "deleting"] as const;
export const TURN_STATUSES = ["running", "completed", "failed", "cancelled", "interrupted"] as const;
export const BLOCK_STATUSES = ["running", "completed", "failed"] as const;

export const turnStatusSchema = z.enum(TURN_STATUSES);
export const turnErrorCodeSchema = z.enum(TURN_ERROR_CODES);
export type TurnStatus = (typeof TURN_STATUSES)[number];

const count = z.number().int().min(0);
const positive = z.number().int().min(1);

/** A file of a question, or one that the agent wrote. The bytes are in the artifact store at `ref` (see `parseRef`). */
export const turnFileSchema = z.looseObject({
  name: z.string(),
  media_type: z.string(),
  /** Bytes. */
  size: count,
  sha256: z.string(),
  ref: z.string(),
});

export const turnUserSchema = z.looseObject({
  /** Empty where an older platform recorded an answer without a question. */
  text: z.string(),
  /** The whole text, where `text` is only how it begins. */
  ref: z.string().nullish(),
  files: z.array(turnFileSchema).default(() => []),
});

export const textBlockSchema = z.looseObject({
  type: z.literal("text"),
  text: z.string(),
  /** The whole text, where `text` is only how it begins. */
  ref: z.string().nullish(),
});

/** One call of a tool. `output` of a failed one is what went wrong. */
export const toolBlockSchema = z.looseObject({
  type: z.literal("tool"),
  id: z.string(),
  name: z.string(),
  /** JSON. Where the whole is at `ref`, how its JSON text begins. */
  input: z.unknown(),
  output: z.string().nullable().default(null),
  status: z.enum(BLOCK_STATUSES),
  /** `{ input, output }` as JSON, where they are longer than what is kept here. */
  ref: z.string().nullish(),
  /** Files that it wrote, by their paths below the turn's folder, and what was not kept of them, as a sentence. */
  files: z.array(turnFileSchema).optional(),
  left_out: z.string().optional(),
});

/** What was answered, in its order. Blocks that are given away before an end leave one with their number and `ref`. */
export const blockSchema = z.discriminatedUnion("type", [textBlockSchema, toolBlockSchema]);

export const turnErrorSchema = z.looseObject({ code: turnErrorCodeSchema, message: z.string() });

/** Sums over a turn. `cost_usd` is 0 without a price. */
export const runUsageSchema = z.looseObject({
  input_tokens: count.default(0),
  output_tokens: count.default(0),
  cached_tokens: count.default(0),
  tool_calls: count.default(0),
  steps: count.default(0),
  model: z.string().optional(),
  cost_usd: z.number().min(0).default(0),
});

const asked = {
  agent_id: agentIdSchema,
  version: positive,
  user_id: z.string().optional(),
  /** Which way in: `web`, `cli`, `api`, `key:<name>` … */
  caller: z.string().default("api"),
  /** The message_key or invocation_key: a repeat is recognised by it. */
  key: z.string(),
  user: turnUserSchema,
  started_at: timeSchema,
  /** The turn that this one repeats. */
  retry_of: z.union([positive, z.string()]).optional(),
};

const leaseSchema = z.looseObject({ owner: z.string(), expires_at: timeSchema });
const stopSchema = z.looseObject({ at: timeSchema, by: z.string().optional() });

/** A turn that is not archived yet, in its session's head. */
export const openTurnSchema = z.looseObject({
  turn: positive,
  ...asked,
  blocks: z.array(blockSchema).default(() => []),
  usage: runUsageSchema.prefault({}),
  first_text_at: timeSchema.optional(),
  /** Numbers the checkpoints: a late duplicate of an earlier one changes nothing. */
  seq: count.default(0),
  stop: stopSchema.optional(),
  lease: leaseSchema,
});

/** Which rows of older tables a turn was made of. */
export const importedTurnSchema = z.looseObject({
  /** Digests of its messages. */
  messages: z.array(z.string()).default(() => []),
  /** Where its last message sorts: time to the nanosecond, then id. */
  last: z.string().optional(),
  /** The invocation that its figures come from, by its id there. */
  invocation_id: z.string().optional(),
});

/** What an older platform says of a session. */
export const importedSessionSchema = z.looseObject({
  /** Its id there. */
  session_id: z.string(),
  /** Messages that were counted there: shown, never added to ours. */
  message_count: count.optional(),
  status: z.string().optional(),
  /** The highest number of a turn that an import has taken. */
  turns: count.default(0),
});

/** What is recorded of one question and its answer. With a session it is written once, when it has ended. */
export const turnSchema = runUsageSchema.extend({
  /** With a session: the number in it. */
  session_id: sessionIdSchema.optional(),
  turn: positive.optional(),
  /** Without a session. */
  invocation_id: invocationIdSchema.optional(),
  ...asked,
  status: turnStatusSchema,
  error: turnErrorSchema.nullable().default(null),
  finish_reason: z.string().nullable().default(null),
  blocks: z.array(blockSchema).default(() => []),
  first_text_at: timeSchema.optional(),
  ended_at: timeSchema.optional(),
  duration_ms: count.optional(),
  imported: importedTurnSchema.optional(),
});

/** An invocation without a session: a turn that also has the fields which its session's head would have. */
export const invocationSchema = turnSchema.extend({
  invocation_id: invocationIdSchema,
  token: count,
  seq: count.default(0),
  stop: stopSchema.optional(),
  /** While it runs: the lease, and the usage of the last checkpoint. */
  usage: runUsageSchema.optional(),
  lease: leaseSchema.optional(),
});

const sessionTotalsSchema = z.looseObject({
  failed: count.default(0),
  input_tokens: count.default(0),
  output_tokens: count.default(0),
  cost_usd: z.number().min(0).default(0),
});

/** The head of a session. */
export const sessionSchema = z.looseObject({
  session_id: sessionIdSchema,
  agent_id: agentIdSchema,
  user_id: z.string().optional(),
  title: z.string().default(""),
  status: z.enum(SESSION_STATUSES),
  /** Turns that were begun. */
  turns: count,
  /** The fence: grows with every begin, end and take-over. */
  token: count,
  /** +1 on every write that a reader can see. */
  revision: positive,
  created_at: timeSchema,
  last_active_at: timeSchema,
  /** Made under an idempotency key. */
  keyed: z.boolean().optional(),
  /** Digests of the keys of the turns begun last, eight characters each; the last one is that of `turns`. */
  recent_keys: z.string().optional(),
  /** Of older heads: the store removed them, and left their turns. */
  expires_at: count.optional(),
  totals: sessionTotalsSchema.prefault({}),
  /** The turn that ended last. */
  last: z.looseObject({ turn: positive, key: z.string(), status: turnStatusSchema }).optional(),
  open: openTurnSchema.optional(),
  imported: importedSessionSchema.optional(),
});

/** One line of the list of invocations: a turn with or without a session. `text`: how the question begins. */
export const turnRowSchema = z.looseObject({
  agent_id: agentIdSchema,
  version: positive,
  session_id: sessionIdSchema.optional(),
  turn: positive.optional(),
  invocation_id: invocationIdSchema.optional(),
  user_id: z.string().optional(),
  caller: z.string(),
  status: turnStatusSchema,
  code: turnErrorCodeSchema.optional(),
  text: z.string(),
  input_tokens: count.default(0),
  output_tokens: count.default(0),
  tool_calls: count.default(0),
  cost_usd: z.number().min(0).default(0),
  started_at: timeSchema,
  duration_ms: count.optional(),
});

/** One line of the list of sessions. `running`: its open turn. */
export const sessionRowSchema = z.looseObject({
  session_id: sessionIdSchema,
  agent_id: agentIdSchema,
  user_id: z.string().optional(),
  title: z.string().default(""),
  status: z.enum(SESSION_STATUSES),
  turns: count,
  created_at: timeSchema,
  last_active_at: timeSchema,
  totals: sessionTotalsSchema.prefault({}),
  running: turnRowSchema.optional(),
});

export type TurnFile = z.output<typeof turnFileSchema>;
export type TextBlock = z.output<typeof textBlockSchema>;
export type ToolBlock = z.output<typeof toolBlockSchema>;
export type Block = z.output<typeof blockSchema>;
export type TurnError = z.output<typeof turnErrorSchema>;
export type ImportedTurn = z.output<typeof importedTurnSchema>;
export type RunUsage = z.output<typeof runUsageSchema>;
export type OpenTurn = z.output<typeof openTurnSchema>;
export type Turn = z.output<typeof turnSchema>;
export type Invocation = z.output<typeof invocationSchema>;
export type Session = z.output<typeof sessionSchema>;
export type SessionRow = z.output<typeof sessionRowSchema>;
export type TurnRow = z.output<typeof turnRowSchema>;
