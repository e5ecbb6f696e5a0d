import { keyedSessionId, newSessionId } from "../../agents/ids.ts";
import { agentSessions, deletedSessionKey, sessionKey, TURN_PREFIX } from "../../agents/keys.ts";
import { readSession, readTurn } from "../../agents/read-item.ts";
import {
  createSession,
  markSessionDeleted,
  markSessionExpired,
  removeSession,
  removeTurn,
  renameSession,
} from "../../agents/session-commands.ts";
import type { Session } from "../../agents/turn-schema.ts";
import { type Asker, requireOwner } from "../../commands/control-patch.ts";
import { isStagefoldError, StagefoldError } from "../../errors.ts";
import { completeSession } from "./complete-turn.ts";
import type { AgentContext } from "./context.ts";
import { sessionNotFound } from "./errors.ts";
import { optimisticRecordWrite, upsertRecord } from "./record-write.ts";

/** A begin, an end or a stop may come in between. */
const MAX_RETRIES = 5;

/** Sessions: conversations with an agent. */
export class Sessions {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** A new session, or with a key the one that was made before. Errors: IDEMPOTENCY_MISMATCH. */
  async create(given: {
    readonly agent_id: string;
    readonly user_id?: string | undefined;
    readonly title?: string | undefined;
    readonly idempotency_key?: string | undefined;
  }): Promise<Session> {
    const { agent_id, user_id, title = "", idempotency_key } = given;
    const at = this.#context.now();
    const fresh = (session_id: string): Session => ({
      session_id,
      agent_id,
      ...(user_id !== undefined && { user_id }),
      title,
      status: "open",
      turns: 0,
      token: 1,
      revision: 1,
      created_at: at,
      last_active_at: at,
      ...(idempotency_key !== undefined && { keyed: true }),
      totals: { failed: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 },
    });
    if (idempotency_key === undefined) return await this.#put(fresh(newSessionId()));
    for (let generation = 0; ; generation += 1) {
      const session_id = await keyedSessionId(user_id, idempotency_key, generation);
      const stored = await this.#put(fresh(session_id));
      // Asked after the write: a delete that ended in between is seen.
      if (await this.#context.records.get(deletedSessionKey(session_id)))
        await this.delete(session_id).catch(ifGone);
      else if (stored.status === "open") {
        if (stored.agent_id === agent_id) return stored;
        const message = "This idempotency_key was used for a session with another agent.";
        throw new StagefoldError("IDEMPOTENCY_MISMATCH", message, { session_id });
      }
    }
  }

  /** Puts a session; answers with the one that is there. */
  async #put(session: Session): Promise<Session> {
    const { item } = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored ? undefined : createSession(session)),
      isOwnWrite: () => false,
    });
    return item ? readSession(item) : session;
  }

  /** The head as it is now; what a dead owner left of its open turn is completed first. Errors: SESSION_NOT_FOUND. */
  async get(sessionId: string): Promise<Session> {
    const item = await this.#context.records.get(sessionKey(sessionId));
    const head = item && (await completeSession(this.#context, item));
    if (head?.status !== "open") throw sessionNotFound(sessionId);
    return head;
  }

  /** Errors: SESSION_NOT_FOUND, FORBIDDEN. */
  async rename(sessionId: string, title: string, asker: Asker = {}): Promise<Session> {
    const { item } = await optimisticRecordWrite(this.#context.records, {
      stored: await this.#context.records.get(sessionKey(sessionId)),
      decide: (stored) => {
        const known = stored && readSession(stored);
        if (known?.status !== "open") throw sessionNotFound(sessionId);
        requireOwner(known, asker, "session");
        return known.title === title ? undefined : renameSession(sessionId, title);
      },
      isOwnWrite: (stored) => readSession(stored).title === title,
      maxRetries: MAX_RETRIES,
    });
    if (!item) throw sessionNotFound(sessionId);
    return readSession(item);
  }

  /**
   * Ends the session for all readers in one write, then removes its turns and files. A turn that still runs is stopped
   * first; then the rest is removed by its owner or the reconciler. Errors: SESSION_NOT_FOUND, FORBIDDEN.
   */
  async delete(sessionId: string, asker: Asker = {}): Promise<void> {
    const at = this.#context.now();
    await optimisticRecordWrite(this.#context.records, {
      stored: await this.#context.records.get(sessionKey(sessionId)),
      decide: (stored) => {
        const known = stored && readSession(stored);
        if (!known) throw sessionNotFound(sessionId);
        requireOwner(known, asker, "session");
        return known.status === "open" ? markSessionDeleted(known, at) : undefined;
      },
      isOwnWrite: (stored) => readSession(stored).status === "deleting",
      maxRetries: MAX_RETRIES,
    });
    await this.purge(sessionId);
  }

  /** The sessions of an agent whose turn does not run: those that were active last before a time, or all of them. */
  async *ofAgent(agentId: string, before?: string): AsyncGenerator<string> {
    for (let cursor: string | undefined; ; ) {
      const pk = agentSessions(agentId);
      const page = await this.#context.records.query({ index: "gsi1", pk, to: before, limit: 100, cursor });
      for (const row of page.items) yield String(row.pk).replace(/^session#/, "");
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** Deletes a session that was active last before a time. One that was asked meanwhile is kept. */
  async expire(sessionId: string, before: string): Promise<void> {
    const isOver = (head: Session) => head.status === "open" && !head.open && head.last_active_at < before;
    const { ok } = await optimisticRecordWrite(this.#context.records, {
      stored: await this.#context.records.get(sessionKey(sessionId)),
      decide: (stored) => {
        const head = stored && readSession(stored);
        return head && isOver(head) ? markSessionExpired(head, this.#context.now()) : undefined;
      },
      isOwnWrite: (stored) => readSession(stored).status === "deleting",
      maxRetries: MAX_RETRIES,
    });
    if (ok) await this.purge(sessionId);
  }

  /** Those of some ids that are there and not being deleted. */
  async existing(ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (const id of ids) {
      const item = await this.#context.records.get(sessionKey(id));
      if (item && readSession(item).status === "open") found.add(id);
    }
    return found;
  }

  /** Removes what a deleted session left, unless the owner of its open turn may still write. True when it is gone. */
  async purge(sessionId: string): Promise<boolean> {
    const { records, artifacts } = this.#context;
    const item = await records.get(sessionKey(sessionId));
    const head = item && (await completeSession(this.#context, item));
    if (!head) return true;
    if (head.status !== "deleting" || head.open) return false;
    for (let cursor: string | undefined; ; ) {
      const { pk } = sessionKey(sessionId);
      const page = await records.query({ pk, from: TURN_PREFIX, to: `${TURN_PREFIX}:`, limit: 100, cursor });
      for (const turn of page.items)
        await optimisticRecordWrite(records, {
          decide: () => removeTurn(sessionId, readTurn(turn).turn ?? 0),
          isOwnWrite: () => false,
        });
      cursor = page.next;
      if (cursor === undefined) break;
    }
    await artifacts.removeProject(sessionId);
    // Before the head goes: from then on a create under the same key makes another session.
    if (head.keyed === true) await upsertRecord(records, deletedSessionKey(sessionId), {});
    await optimisticRecordWrite(records, {
      decide: (stored) => (stored ? undefined : removeSession(sessionId)),
      isOwnWrite: () => false,
    });
    return true;
  }
}

function ifGone(error: unknown): void {
  if (!isStagefoldError(error, "SESSION_NOT_FOUND")) throw error;
}
