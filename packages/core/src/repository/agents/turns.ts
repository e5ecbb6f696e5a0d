import { beginInvocation, stopInvocation } from "../../agents/invocation-commands.ts";
import { agentTurns, invocationKey, sessionKey, TURN_PREFIX, turnKey } from "../../agents/keys.ts";
import { readInvocation, readSession, readTurn } from "../../agents/read-item.ts";
import { openAsTurn } from "../../agents/rows.ts";
import { beginTurn, deadlineOf, KEY_DIGEST, stopTurn, turnsOfKey } from "../../agents/session-commands.ts";
import type { Invocation, OpenTurn, Session, Turn } from "../../agents/turn-schema.ts";
import { type Asker, requireOwner } from "../../commands/control-patch.ts";
import { StagefoldError } from "../../errors.ts";
import type { Item } from "../../patch/index.ts";
import { sha256Hex } from "../../snapshot/ids.ts";
import type { Asked, TurnTarget } from "./asked.ts";
import { completeInvocation, completeSession } from "./complete-turn.ts";
import type { AgentContext } from "./context.ts";
import { sessionBusy, sessionConflict, sessionNotFound, turnNotFound } from "./errors.ts";
import { optimisticRecordWrite } from "./record-write.ts";
import { InvocationLease, SessionTurnLease, type TurnLease } from "./turn-lease.ts";

/** A question was taken, or it had been before (`again`): then its turn may be running, here or elsewhere, or over. */
export type Begun =
  | { readonly again: false; readonly turn: Turn; readonly lease: TurnLease }
  | { readonly again: true; readonly turn: Turn };

/** Other writers of a head: a stop, a rename, an end. */
const MAX_RETRIES = 5;

/** Turns of sessions, and invocations without one. */
export class Turns {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /**
   * Opens the session's next turn: one read and one write. `afterTurn`: the last turn that the asker knows.
   * Errors: SESSION_NOT_FOUND, SESSION_BUSY, SESSION_CONFLICT, IDEMPOTENCY_MISMATCH, FORBIDDEN.
   */
  async begin(sessionId: string, asked: Asked, afterTurn?: number, asker: Asker = {}): Promise<Begun> {
    const owner = this.#context.newId();
    const keyDigest = (await sha256Hex(asked.key)).slice(0, KEY_DIGEST);
    let again: Turn | undefined;
    const { item } = await optimisticRecordWrite(this.#context.records, {
      stored: await this.#head(sessionId),
      decide: async (stored) => {
        const head = stored && (await completeSession(this.#context, stored));
        if (head?.status !== "open") throw sessionNotFound(sessionId);
        requireOwner(head, asker, "session");
        again = await this.#askedBefore(head, asked, keyDigest);
        if (again) return undefined;
        if (head.open) throw sessionBusy(sessionId, head.open.turn);
        if (afterTurn !== undefined && afterTurn !== head.turns) throw sessionConflict(afterTurn, head.turns);
        const open = this.#opened(head.turns + 1, asked, owner);
        const deadline = deadlineOf(open.started_at, asked.timeout_seconds, this.#context.leaseMs);
        return beginTurn(head, { open, deadline, keyDigest });
      },
      isOwnWrite: (stored) => readSession(stored).open?.lease.owner === owner,
      maxRetries: MAX_RETRIES,
    });
    if (again) return { again: true, turn: again };
    const head = item && readSession(item);
    if (!head?.open) throw sessionNotFound(sessionId);
    const lease = new SessionTurnLease(this.#context, head, head.open);
    return { again: false, turn: openAsTurn(sessionId, head.open), lease };
  }

  /** Records a call without a session: one write. Errors: IDEMPOTENCY_MISMATCH. */
  async invoke(invocationId: string, asked: Asked): Promise<Begun> {
    const owner = this.#context.newId();
    const { turn: _number, ...opened } = this.#opened(1, asked, owner);
    const { usage, ...fields } = opened;
    const invocation: Invocation = {
      ...fields,
      ...usage,
      invocation_id: invocationId,
      status: "running",
      error: null,
      finish_reason: null,
      token: 1,
    };
    const deadline = deadlineOf(invocation.started_at, asked.timeout_seconds, this.#context.leaseMs);
    const { item } = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored ? undefined : beginInvocation(invocation, deadline)),
      isOwnWrite: (stored) => readInvocation(stored).lease?.owner === owner,
    });
    const stored = item ? readInvocation(item) : invocation;
    if (stored.lease?.owner === owner)
      return { again: false, turn: stored, lease: new InvocationLease(this.#context, stored) };
    requireSame(stored, asked, { invocation_id: invocationId });
    return { again: true, turn: stored };
  }

  /** A turn as it is now. Errors: SESSION_NOT_FOUND, TURN_NOT_FOUND. */
  async get(target: TurnTarget): Promise<Turn> {
    if ("invocation_id" in target) {
      const item = await this.#context.records.get(invocationKey(target.invocation_id));
      const invocation = item && (await completeInvocation(this.#context, item));
      if (!invocation) throw turnNotFound(target);
      return invocation;
    }
    const { session_id, turn } = target;
    const archived = await this.#archived(session_id, turn);
    if (archived) return archived;
    const head = await this.#completed(session_id);
    if (head.open?.turn === turn) return openAsTurn(session_id, head.open);
    // It may have been archived since it was looked for.
    const meanwhile = turn <= head.turns ? await this.#archived(session_id, turn) : undefined;
    if (!meanwhile) throw turnNotFound(target);
    return meanwhile;
  }

  /** The session's turns before a number, newest first, the open one among them. Errors: SESSION_NOT_FOUND. */
  async list(
    sessionId: string,
    { before, limit }: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<{
    readonly session: Session;
    readonly turns: readonly Turn[];
    readonly before: number | undefined;
  }> {
    // The head first: a turn that is archived between the two reads is then in both, never in neither.
    const session = await this.#completed(sessionId);
    const last = before === undefined ? session.turns : Math.min(session.turns, before - 1);
    const turns: Turn[] = [];
    for (let cursor: string | undefined; turns.length < limit; ) {
      const page = await this.#context.records.query({
        pk: sessionKey(sessionId).pk,
        from: TURN_PREFIX,
        to: turnKey(sessionId, Math.max(0, last)).sk,
        newestFirst: true,
        limit: limit - turns.length,
        cursor,
      });
      turns.push(...page.items.map(readTurn));
      cursor = page.next;
      if (cursor === undefined) break;
    }
    const { open } = session;
    if (open && open.turn <= last && turns[0]?.turn !== open.turn) turns.unshift(openAsTurn(sessionId, open));
    const page = turns.slice(0, limit);
    const oldest = page.at(-1)?.turn ?? 1;
    return { session, turns: page, before: oldest > 1 && page.length === limit ? oldest : undefined };
  }

  /**
   * Asks for the turn to be stopped; one that is over stays as it is. Answers with the turn as it is then.
   * Errors: SESSION_NOT_FOUND, TURN_NOT_FOUND, FORBIDDEN.
   */
  async stop(target: TurnTarget, asker: Asker = {}): Promise<Turn> {
    const stop = { at: this.#context.now(), by: asker.by };
    if ("invocation_id" in target) {
      const { invocation_id } = target;
      await optimisticRecordWrite(this.#context.records, {
        stored: await this.#context.records.get(invocationKey(invocation_id)),
        decide: (stored) => {
          const known = stored && readInvocation(stored);
          if (!known) throw turnNotFound(target);
          requireOwner(known, asker, "invocation");
          return known.status === "running" && !known.stop ? stopInvocation(invocation_id, stop) : undefined;
        },
        isOwnWrite: (stored) => readInvocation(stored).stop !== undefined,
      });
      return await this.get(target);
    }
    const { session_id, turn } = target;
    await optimisticRecordWrite(this.#context.records, {
      stored: await this.#head(session_id),
      decide: (stored) => {
        const known = stored && readSession(stored);
        if (!known) throw sessionNotFound(session_id);
        requireOwner(known, asker, "session");
        return known.open?.turn === turn && !known.open.stop ? stopTurn(session_id, turn, stop) : undefined;
      },
      isOwnWrite: (stored) => readSession(stored).open?.stop !== undefined,
      maxRetries: MAX_RETRIES,
    });
    return await this.get(target);
  }

  /** Removes the calls of an agent without a session, and their files; one that runs loses its owner. */
  async removeCalls(agentId: string): Promise<void> {
    const { records, artifacts } = this.#context;
    const remove = async (pk: string) => {
      const id = pk.replace(/^invocation#/, "");
      await artifacts.removeProject(id);
      await optimisticRecordWrite(records, {
        decide: (stored) => (stored ? undefined : { ...invocationKey(id), kind: "delete", guards: [] }),
        isOwnWrite: () => false,
      });
    };
    for (let cursor: string | undefined; ; ) {
      const page = await records.query({ index: "gsi1", pk: agentTurns(agentId), limit: 100, cursor });
      for (const { pk } of page.items) if (String(pk).startsWith("invocation#")) await remove(String(pk));
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** Whether the owner was asked to stop, by a read that may be a moment old. */
  async isStopped(target: TurnTarget): Promise<boolean> {
    const key =
      "invocation_id" in target ? invocationKey(target.invocation_id) : sessionKey(target.session_id);
    const item = await this.#context.records.get(key, { consistent: false });
    // This read may miss a turn that has just begun. Of one that is deleted the next heartbeat tells.
    if (!item) return false;
    if ("invocation_id" in target) return readInvocation(item).stop !== undefined;
    const { open, status } = readSession(item);
    return status === "deleting" || (open?.turn === target.turn && open.stop !== undefined);
  }

  /** Errors: SESSION_NOT_FOUND. */
  async #head(sessionId: string): Promise<Item> {
    const item = await this.#context.records.get(sessionKey(sessionId));
    if (!item) throw sessionNotFound(sessionId);
    return item;
  }

  async #completed(sessionId: string): Promise<Session> {
    const head = await completeSession(this.#context, await this.#head(sessionId));
    if (head?.status !== "open") throw sessionNotFound(sessionId);
    return head;
  }

  async #archived(sessionId: string, turn: number): Promise<Turn | undefined> {
    const item = await this.#context.records.get(turnKey(sessionId, turn));
    return item && readTurn(item);
  }

  /** The turn of the same key, if it is the open one, the last, or one of those before that the head remembers. */
  async #askedBefore(head: Session, asked: Asked, keyDigest: string): Promise<Turn | undefined> {
    const { session_id, open, last } = head;
    if (open?.key === asked.key) return requireSame(openAsTurn(session_id, open), asked, { session_id });
    const likely = turnsOfKey(head, keyDigest);
    for (const number of last?.key === asked.key ? [last.turn, ...likely] : likely) {
      const turn = await this.#archived(session_id, number);
      if (turn?.key === asked.key) return requireSame(turn, asked, { session_id });
    }
    return undefined;
  }

  #opened(turn: number, asked: Asked, owner: string): OpenTurn {
    const { agent_id, version, user_id, caller, key, text, files, retry_of } = asked;
    return {
      turn,
      agent_id,
      version,
      ...(user_id !== undefined && { user_id }),
      caller,
      key,
      user: { text, files: [...files] },
      started_at: this.#context.now(),
      ...(retry_of !== undefined && { retry_of }),
      blocks: [],
      usage: { input_tokens: 0, output_tokens: 0, cached_tokens: 0, tool_calls: 0, steps: 0, cost_usd: 0 },
      seq: 0,
      lease: { owner, expires_at: this.#context.leaseEnd() },
    };
  }
}

/** Errors: IDEMPOTENCY_MISMATCH unless the turn's question is this one. */
function requireSame(
  turn: Turn,
  asked: Asked,
  of: { readonly session_id?: string; readonly invocation_id?: string },
): Turn {
  const { agent_id, user: stored } = turn;
  const same =
    agent_id === asked.agent_id &&
    stored.text === asked.text &&
    stored.files.length === asked.files.length &&
    stored.files.every(
      ({ sha256, name }, i) => asked.files[i]?.sha256 === sha256 && asked.files[i].name === name,
    );
  if (same) return turn;
  throw new StagefoldError("IDEMPOTENCY_MISMATCH", "This key was used with another question.", of);
}
