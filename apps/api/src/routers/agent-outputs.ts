import {
  type Agent,
  type AgentVersion,
  agentRowSchema,
  type Invocation,
  openAsTurn,
  type Session,
  sessionRowSchema,
  type Turn,
  turnRowSchema,
} from "@stagefold/core";
import type { TurnEvent } from "../agents/turn-event.ts";
import type { Without } from "../outputs.ts";
import { pageSchema } from "../pagination.ts";

// Interfaces, because the compiler writes them by name: see `outputs.ts`.

export interface AgentVersionOutput extends AgentVersion {}
export interface AgentOutput extends Without<Agent, "versions"> {
  versions: AgentVersionOutput[];
}
export interface TurnOutput extends Without<Turn, "imported"> {}

/** A session as the API answers it: without the fence and the lease, its open turn as any other. */
export interface SessionOutput {
  session_id: string;
  agent_id: string;
  user_id?: string;
  title: string;
  /** Turns that were begun. */
  turns: number;
  revision: number;
  created_at: string;
  last_active_at: string;
  totals: { failed: number; input_tokens: number; output_tokens: number; cost_usd: number };
  /** The turn that runs, as far as it is stored. */
  open?: TurnOutput;
  /** Of one that an import brought: its id there, and the messages that were counted there. */
  imported?: { session_id: string; message_count?: number };
}

export function sessionOutput(session: Session): SessionOutput {
  const { session_id, agent_id, user_id, title, turns, revision, created_at, last_active_at, totals } =
    session;
  const { failed, input_tokens, output_tokens, cost_usd } = totals;
  return {
    session_id,
    agent_id,
    ...(user_id !== undefined && { user_id }),
    title,
    turns,
    revision,
    created_at,
    last_active_at,
    totals: { failed, input_tokens, output_tokens, cost_usd },
    ...(session.open && { open: openAsTurn(session_id, session.open) }),
    ...(session.imported && { imported: importedOf(session.imported) }),
  };
}

function importedOf({ session_id, message_count }: NonNullable<Session["imported"]>) {
  return { session_id, ...(message_count !== undefined && { message_count }) };
}

/** Without what only its owner, or an import, needs. */
export function turnOutput(turn: Turn | Invocation): TurnOutput {
  const { token: _token, seq: _seq, lease: _lease, usage: _usage, stop: _stop, ...rest } = turn;
  const { imported: _imported, ...output } = rest;
  return output;
}

export type TurnEventOutput = Exclude<TurnEvent, { event: "turn" }> | { event: "turn"; turn: TurnOutput };

export function turnEventOutput(event: TurnEvent): TurnEventOutput {
  return event.event === "turn" ? { ...event, turn: turnOutput(event.turn) } : event;
}

export const agentPageSchema = pageSchema(agentRowSchema);
export const sessionPageSchema = pageSchema(sessionRowSchema);
export const turnPageSchema = pageSchema(turnRowSchema);
