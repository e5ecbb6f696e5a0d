import type { RecordKey } from "../patch/index.ts";

/** Where things are in the records table. Partitions of the indexes are narrow and sparse. */

export function agentKey(agentId: string): RecordKey {
  return { pk: `agent#${agentId}`, sk: "agent" };
}

export function sessionKey(sessionId: string): RecordKey {
  return { pk: `session#${sessionId}`, sk: "session" };
}

/** Turns of a session sort by their number. */
export function turnKey(sessionId: string, turn: number): RecordKey {
  return { pk: `session#${sessionId}`, sk: `${TURN_PREFIX}${String(turn).padStart(10, "0")}` };
}

export function invocationKey(invocationId: string): RecordKey {
  return { pk: `invocation#${invocationId}`, sk: "invocation" };
}

/** Says of a session that was made under a key that it was deleted. */
export function deletedSessionKey(sessionId: string): RecordKey {
  return { pk: `session#${sessionId}`, sk: "deleted" };
}

/** Says that an agent has a version which a build made. */
export function publishedKey(projectId: string, agentId: string): RecordKey {
  return { pk: publishedBy(projectId), sk: agentId };
}

export function publishedBy(projectId: string): string {
  return `published#${projectId}`;
}

export const TURN_PREFIX = "turn#";

/** Agents by creation (gsi1). */
export const AGENTS = "agents";
/** What runs, by its hard deadline (gsi2): heads with an open turn, invocations, and sessions that are being deleted. */
export const OPEN_TURNS = "open-turns";

/** Sessions of an agent by last activity (gsi1, while nothing is open). */
export function agentSessions(agentId: string): string {
  return `agent-sessions#${agentId}`;
}

/** Sessions of a user by last activity (gsi2, while nothing is open). */
export function userSessions(userId: string): string {
  return `user-sessions#${userId}`;
}

/** Ended turns of an agent, and its invocations, by their start (gsi1). */
export function agentTurns(agentId: string): string {
  return `agent-turns#${agentId}`;
}

/** Ended turns of all agents of one day in UTC, by their start (gsi2). */
export function dayTurns(day: string): string {
  return `turns#${day}`;
}

/** Sorts by time, and tells apart what has the same. */
export function timeKey(at: string, id: string): string {
  return `${at}#${id}`;
}
