import { marshalled, type Source } from "../src/index.ts";
import { sourceOf } from "./fixtures.ts";

/** Rows of the four tables of agents, as each generation of the older platform wrote them. */

export const V1_AGENT = "proj_0123456789ab:csv_agent";
export const V2_AGENT = "agent_0123456789ab";
export const LOCAL_AGENT = "local_weather_bot";
export const V2_SESSION = "sess-4f2b8a36-1111-4222-8333-0123456789ab";

/** Maps and lists are JSON text; times have microseconds. */
export const V1 = {
  AgentInstances: [
    {
      agent_id: V1_AGENT,
      project_id: "proj_0123456789ab",
      agent_name: "csv_agent",
      description: "Means of columns",
      category: "data",
      version: "v1.0.0",
      status: "running",
      deployment_type: "local",
      deployment_status: "deployed",
      tags: '["csv", "mean"]',
      supported_models: '["claude"]',
      tools_count: 2,
      call_count: 40,
      success_rate: 97.5,
      last_called_at: "2025-10-09T08:00:00.250000Z",
      created_at: "2025-10-01T08:00:00.123456Z",
    },
  ],
  AgentSessions: [
    {
      agent_id: V1_AGENT,
      session_id: "1c0ffee0-0000-4000-8000-000000000001",
      display_name: "Tables",
      conversation_mode: "normal",
      metadata: "{}",
      created_at: "2025-10-02T10:00:00.000000Z",
      last_active_at: "2025-10-02T10:05:00.000000Z",
    },
  ],
  AgentSessionMessages: [
    v1Message("m4", "assistant", "The mean is 4.", "2025-10-02T10:01:00.000002Z"),
    v1Message("m3", "tool", "[4]", "2025-10-02T10:01:00.000001Z", '{"tool_name": "csv_mean"}'),
    v1Message("m2", "assistant", "I am counting.", "2025-10-02T10:00:30+00:00Z"),
    v1Message("m1", "user", '{"a": [1, 7]}', "2025-10-02T10:00:00"),
    v1Message("m5", "user", "And the median?", "2025-10-02T18:05:00.500+08:00"),
  ],
  AgentInvocations: [
    {
      invocation_id: "7d0c9c1e-aaaa-4bbb-8ccc-000000000001",
      agent_id: V1_AGENT,
      input_type: "text",
      request_payload: '{"input_text": "mean of 1 and 3"}',
      response_payload: '{"response": "2"}',
      caller: "api",
      duration_ms: 1500,
      status: "success",
      timestamp: "2025-10-03T10:00:00.000000Z",
    },
  ],
};

function v1Message(message_id: string, role: string, content: string, created_at: string, metadata = "{}") {
  const session_id = "1c0ffee0-0000-4000-8000-000000000001";
  return { session_id, message_id, agent_id: V1_AGENT, role, content, metadata, created_at };
}

export const V2 = {
  nexus_agents: [
    {
      agent_id: V2_AGENT,
      project_id: "proj_0123456789ac",
      agent_name: "greeter",
      category: "general",
      version: "1.0.0",
      status: "offline",
      deployment_type: "local",
      capabilities: ["greet"],
      tools: ["greeting"],
      total_invocations: 10,
      successful_invocations: 7,
      failed_invocations: 3,
      avg_duration_ms: 812.5,
      created_at: "2026-01-05T09:00:00Z",
      updated_at: "2026-01-06T09:00:00Z",
    },
    { agent_id: LOCAL_AGENT, agent_name: "weather_bot", deployment_type: "local", total_invocations: 0 },
  ],
  nexus_sessions: [
    {
      session_id: V2_SESSION,
      agent_id: V2_AGENT,
      user_id: "ada",
      display_name: "会话 456789ab",
      status: "closed",
      message_count: 0,
      metadata: {},
      created_at: "2026-01-05T10:00:00.000001Z",
      last_active_at: "2026-01-05T10:00:00.000001Z",
    },
  ],
  nexus_messages: [
    // The same millisecond: by the id, a ULID.
    v2Message("01KE6YV2Z000000000000000B2", "assistant", "你好，Ada！"),
    v2Message("01KE6YV2Z000000000000000A1", "user", "你好"),
  ],
  nexus_invocations: [
    {
      invocation_id: "inv_0123456789ab",
      agent_id: V2_AGENT,
      session_id: V2_SESSION,
      input_text: "你好",
      output_text: "你好，Ada！",
      status: "success",
      duration_ms: 820,
      input_tokens: 120,
      output_tokens: 30,
      created_at: "2026-01-05T10:00:01Z",
      metadata: {},
    },
    {
      invocation_id: "inv_0123456789ac",
      agent_id: LOCAL_AGENT,
      input_text: "rain?",
      output_text: "",
      status: "failed",
      error_message: "no network",
      duration_ms: 100,
      created_at: "2026-01-07T10:00:00Z",
      metadata: {},
    },
  ],
};

function v2Message(message_id: string, role: string, content: string) {
  const created_at = "2026-01-05T10:00:00.500000Z";
  return { session_id: V2_SESSION, message_id, role, content, created_at, metadata: {} };
}

type Tables = Readonly<Record<string, readonly object[]>>;

/** Each table as an export of its own: DynamoDB JSON, or plain JSON. */
export function tableSources(tables: Tables, form: "dynamodb" | "plain" = "dynamodb"): Source[] {
  return Object.entries(tables).map(([name, rows]) =>
    sourceOf(
      name,
      rows.map((row) => JSON.stringify(form === "plain" ? row : { Item: marshalled({ ...row }) })),
    ),
  );
}

export function countOf(tables: Tables): number {
  return Object.values(tables).flat().length;
}
