import { z } from "zod";
import { agentIdSchema, sha256Hex } from "../snapshot/ids.ts";

/** `sess_` and 32 hex digits. */
export const sessionIdSchema = z.string().regex(/^sess_[0-9a-f]{32}$/, "expected sess_ and 32 hex digits");
/** `inv_` and 32 hex digits. */
export const invocationIdSchema = z.string().regex(/^inv_[0-9a-f]{32}$/, "expected inv_ and 32 hex digits");

function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function newAgentId(): string {
  return `agent_${randomHex(6)}`;
}

/** The agent that a build makes unless it names one: a build that publishes twice publishes the same. */
export function agentIdOfBuild({ project_id, agent_id }: BuildOfAgent): string {
  return agent_id ?? `agent_${project_id.replace(/^proj_/, "")}`;
}

export interface BuildOfAgent {
  readonly project_id: string;
  /** As the build names it. */
  readonly agent_id?: string | undefined;
}

export function newSessionId(): string {
  return `sess_${randomHex(16)}`;
}

export function newInvocationId(): string {
  return `inv_${randomHex(16)}`;
}

/**
 * The id that a create with a key always gets. `generation`: how many sessions under the key were deleted; an id is
 * never used again, so that what still removes the one before touches nothing of the next.
 */
export async function keyedSessionId(
  userId: string | undefined,
  key: string,
  generation = 0,
): Promise<string> {
  const named = ["session", userId ?? null, key, ...(generation === 0 ? [] : [generation])];
  return `sess_${(await sha256Hex(JSON.stringify(named))).slice(0, 32)}`;
}

export async function keyedInvocationId(userId: string | undefined, key: string): Promise<string> {
  return `inv_${(await sha256Hex(JSON.stringify(["invocation", userId ?? null, key]))).slice(0, 32)}`;
}

/** The agent's own id. An id of another form, such as `<project>:<name>` of older tables, always gives the same one. */
export async function agentIdOf(ref: string): Promise<string> {
  if (agentIdSchema.safeParse(ref).success) return ref;
  return `agent_${(await sha256Hex(`agent ${ref}`)).slice(0, 12)}`;
}

/** The session's own id. An id of another form, from an older table, always gives the same one. */
export async function sessionIdOf(id: string, agentRef?: string): Promise<string> {
  if (agentRef === undefined && sessionIdSchema.safeParse(id).success) return id;
  return `sess_${(await sha256Hex(JSON.stringify(["older session", id, agentRef ?? null]))).slice(0, 32)}`;
}

/** The same for an invocation. */
export async function invocationIdOf(id: string): Promise<string> {
  if (invocationIdSchema.safeParse(id).success) return id;
  return `inv_${(await sha256Hex(JSON.stringify(["older invocation", id]))).slice(0, 32)}`;
}
