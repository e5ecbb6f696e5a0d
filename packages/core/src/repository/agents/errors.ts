import { StagefoldError } from "../../errors.ts";
import type { TurnTarget } from "./asked.ts";

export function agentNotFound(agentId: string) {
  return new StagefoldError("AGENT_NOT_FOUND", `There is no agent ${agentId}.`, { agent_id: agentId });
}

export function sessionNotFound(sessionId: string) {
  const message = `There is no session ${sessionId}.`;
  return new StagefoldError("SESSION_NOT_FOUND", message, { session_id: sessionId });
}

export function turnNotFound(target: TurnTarget) {
  const what =
    "turn" in target ? `turn ${target.turn} in ${target.session_id}` : `invocation ${target.invocation_id}`;
  return new StagefoldError("TURN_NOT_FOUND", `There is no ${what}.`, { ...target });
}

export function sessionBusy(sessionId: string, turn: number) {
  const message = `Turn ${turn} of the session is still running: wait for its end, or stop it.`;
  return new StagefoldError("SESSION_BUSY", message, { session_id: sessionId, turn });
}

export function sessionConflict(expected: number, actual: number) {
  const message = `The last turn of the session is ${actual}, not ${expected}.`;
  return new StagefoldError("SESSION_CONFLICT", message, {
    expected: String(expected),
    actual: String(actual),
  });
}
