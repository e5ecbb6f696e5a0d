import type { Agent, AgentRow } from "./agent-schema.ts";
import { previewText } from "./preview.ts";
import type { OpenTurn, Session, SessionRow, Turn, TurnRow } from "./turn-schema.ts";

/** What the indexes project of an item, under `listed`. Fields that are undefined are left out. */

export function agentRow(agent: Agent): AgentRow {
  const current = agent.versions.find(({ version }) => version === agent.version);
  const { agent_id, agent_name, title, category, language, tags, user_id, status } = agent;
  const { version, created_at, updated_at } = agent;
  return withoutUndefined({
    agent_id,
    agent_name,
    title,
    description: previewText(agent.description),
    category,
    language,
    tags,
    user_id,
    status,
    version,
    kind: current?.kind ?? "rules",
    tools: current?.tools.length ?? 0,
    unmet: current?.unmet.length ?? 0,
    created_at,
    updated_at,
  });
}

export function sessionRow(session: Session): SessionRow {
  const { session_id, agent_id, user_id, title, status, turns, created_at, last_active_at, totals } = session;
  const row = { session_id, agent_id, user_id, title, status, turns, created_at, last_active_at, totals };
  const running = session.open && turnRow(openAsTurn(session_id, session.open));
  return withoutUndefined({ ...row, running });
}

export function turnRow(turn: Turn): TurnRow {
  const { agent_id, version, session_id, invocation_id, user_id, caller, status, error, started_at } = turn;
  const { input_tokens, output_tokens, tool_calls, cost_usd, duration_ms } = turn;
  return withoutUndefined({
    agent_id,
    version,
    session_id,
    turn: turn.turn,
    invocation_id,
    user_id,
    caller,
    status,
    code: error?.code,
    text: previewText(turn.user.text),
    input_tokens,
    output_tokens,
    tool_calls,
    cost_usd,
    started_at,
    duration_ms,
  });
}

/** The open turn as readers see it, as long as no turn of its number is archived. */
export function openAsTurn(sessionId: string, open: OpenTurn): Turn {
  const { turn, agent_id, version, user_id, caller, key, user, started_at, retry_of } = open;
  return withoutUndefined({
    session_id: sessionId,
    turn,
    agent_id,
    version,
    user_id,
    caller,
    key,
    user,
    started_at,
    retry_of,
    status: "running" as const,
    error: null,
    finish_reason: null,
    blocks: open.blocks,
    ...open.usage,
    first_text_at: open.first_text_at,
  });
}

function withoutUndefined<T extends object>(value: T): T;
function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
