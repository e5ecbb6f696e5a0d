import {
  agentRowSchema,
  agentSchema,
  runUsageSchema,
  sessionRowSchema,
  toolBlockSchema,
  turnErrorSchema,
  turnRowSchema,
  turnSchema,
  turnStatusSchema,
} from "@stagefold/core";
import { z } from "zod";
import { pageSchema } from "../../pagination.ts";
import { agentStatsSchema, invocationStatsSchema } from "../../statistics/agent-statistics.ts";
import type { RestRoute } from "./table.ts";

const session = z.object({
  session_id: z.string(),
  agent_id: z.string(),
  user_id: z.string().optional(),
  title: z.string(),
  turns: z.number().int(),
  revision: z.number().int(),
  created_at: z.string(),
  last_active_at: z.string(),
  totals: z.object({
    failed: z.number(),
    input_tokens: z.number(),
    output_tokens: z.number(),
    cost_usd: z.number(),
  }),
  open: turnSchema.optional(),
});
const sent = z.object({ session_id: z.string(), turn: z.number().int(), again: z.boolean() });
const message = z.object({
  message_id: z.string(),
  session_id: z.string(),
  turn: z.number().int(),
  role: z.enum(["assistant", "user"]),
  content: z.string(),
  status: turnStatusSchema,
  created_at: z.string(),
});
const turnEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("turn"), turn: turnSchema }),
  z.object({ event: z.literal("text"), block: z.number(), at: z.number(), text: z.string() }),
  z.object({ event: z.literal("tool"), block: z.number(), tool: toolBlockSchema }),
  z.object({ event: z.literal("usage"), usage: runUsageSchema }),
  z.object({
    event: z.literal("end"),
    status: turnStatusSchema,
    error: turnErrorSchema.nullable(),
    finish_reason: z.string().nullable(),
    usage: runUsageSchema,
    duration_ms: z.number(),
  }),
]);

export const NAMED_AGENT_SCHEMAS = {
  Agent: agentSchema,
  AgentRow: agentRowSchema,
  AgentSession: session,
  AgentSessionRow: sessionRowSchema,
  Turn: turnSchema,
  TurnRow: turnRowSchema,
  TurnEvent: turnEvent,
} as const;

const AGENT = "/agents/{agent_id}";
const SESSION = "/sessions/{session_id}";
const TURN = `${SESSION}/turns/{turn}`;
const CALL = "/invocations/{invocation_id}";

const get = (path: string, summary: string, output: z.ZodType) =>
  ({ method: "get", path, summary, output }) satisfies RestRoute;
const post = (path: string, summary: string, output: z.ZodType) =>
  ({ method: "post", path, summary, output }) satisfies RestRoute;
const remove = (path: string, summary: string, output: z.ZodType) =>
  ({ method: "delete", path, summary, output }) satisfies RestRoute;

/** The addresses of agents, sessions, turns and invocations. */
export const AGENT_ROUTES = {
  "agents.list": get("/agents", "List agents, newest first", pageSchema(agentRowSchema)),
  "agents.get": get(AGENT, "Get an agent with its versions", agentSchema),
  "agents.update": { method: "patch", path: AGENT, summary: "Change an agent", output: agentSchema },
  "agents.enable": post(`${AGENT}/enable`, "Let an agent answer", agentSchema),
  "agents.disable": post(`${AGENT}/disable`, "Let an agent refuse all questions", agentSchema),
  "agents.setVersion": post(`${AGENT}/version`, "Choose the version that answers", agentSchema),
  "agents.publish": post("/agents", "Publish what a build made as a version of an agent", agentSchema),
  "agents.delete": remove(
    AGENT,
    "Delete an agent",
    z.object({ agent_id: z.string(), deleted: z.literal(true) }),
  ),
  "agents.invoke": post(`${AGENT}/invocations`, "Ask an agent once, without a session", turnSchema),
  "sessions.create": { ...post("/sessions", "Begin a session with an agent", session), status: 201 },
  "sessions.list": get("/sessions", "List sessions of an agent or a user", pageSchema(sessionRowSchema)),
  "sessions.get": get(SESSION, "Get a session", session),
  "sessions.rename": { method: "patch", path: SESSION, summary: "Rename a session", output: session },
  "sessions.delete": remove(
    SESSION,
    "Delete a session with its turns",
    z.object({ session_id: z.string(), deleted: z.literal(true) }),
  ),
  "turns.send": { ...post(`${SESSION}/turns`, "Ask in a session", sent), status: 201 },
  "turns.list": get(`${SESSION}/turns`, "List the turns of a session, newest first", pageSchema(turnSchema)),
  "turns.get": get(TURN, "Get a turn", turnSchema),
  "turns.stop": post(`${TURN}/stop`, "Stop a turn; its text is kept", turnSchema),
  "turns.retry": post(`${TURN}/retry`, "Ask the question of a turn once more", sent),
  "turns.watch": {
    ...get(`${SESSION}/events`, "The turn as it is, then what follows, until its end", turnEvent),
    stream: "first",
  },
  "messages.list": get(`${SESSION}/messages`, "List turns as messages, newest first", pageSchema(message)),
  "invocations.list": get(`${AGENT}/invocations`, "List the calls of an agent", pageSchema(turnRowSchema)),
  "invocations.get": get(CALL, "Get a call without a session", turnSchema),
  "invocations.stop": post(`${CALL}/stop`, "Stop a call; its text is kept", turnSchema),
  "invocations.watch": {
    ...get(`${CALL}/events`, "The call as it is, then what follows, until its end", turnEvent),
    stream: "first",
  },
  "stats.invocations": get("/stats/invocations", "The calls of each of the last days", invocationStatsSchema),
  "stats.agents": get("/stats/agents", "The calls of the last days by agent", agentStatsSchema),
} as const satisfies Readonly<Record<string, RestRoute>>;
