import { createAgent, replaceAgent } from "../../agents/agent-commands.ts";
import type { Agent } from "../../agents/agent-schema.ts";
import { importInvocation, reserveTurns } from "../../agents/import-commands.ts";
import { agentKey, invocationKey, sessionKey, TURN_PREFIX } from "../../agents/keys.ts";
import { AGENT_LIMITS } from "../../agents/limits.ts";
import { previewText } from "../../agents/preview.ts";
import { readAgent, readSession, readTurn } from "../../agents/read-item.ts";
import { refOf } from "../../agents/refs.ts";
import { archiveTurn, createSession, removeTurn } from "../../agents/session-commands.ts";
import type { ImportedTurn, Invocation, Session, Turn } from "../../agents/turn-schema.ts";
import { roundedCost } from "../../snapshot/derive.ts";
import { digestOf } from "../../snapshot/ids.ts";
import { truncateUtf8, utf8Bytes } from "../../snapshot/limits.ts";
import { storableText } from "../../snapshot/storable.ts";
import type { AgentContext } from "./context.ts";
import { sessionBusy, sessionConflict, sessionNotFound } from "./errors.ts";
import { optimisticRecordWrite } from "./record-write.ts";
import { BlockKeeper } from "./turn-blocks.ts";

const MAX_RETRIES = 5;
const TURNS_AT_ONCE = 100;
/** Characters of a question that tell it from others. */
const QUESTION_START = 1000;

/** A turn that is stored, as far as an import needs it. */
export interface StoredTurn {
  readonly turn: number;
  /** Undefined for a turn of ours. */
  readonly imported: ImportedTurn | undefined;
  /** Of its question: see `questionDigest`. */
  readonly question: string;
}

export interface StoredSession {
  readonly head: Session | undefined;
  readonly turns: readonly StoredTurn[];
}

/** The same for equal questions. */
export function questionDigest(text: string): string {
  return digestOf(storableText(text).slice(0, QUESTION_START));
}

/** Agents, sessions, turns and invocations of older tables, brought into ours. Doing any of it twice changes nothing. */
export class AgentImports {
  readonly #context: AgentContext;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  async findAgent(agentId: string): Promise<Agent | undefined> {
    const item = await this.#context.records.get(agentKey(agentId));
    return item && readAgent(item);
  }

  /** Makes the agent, or gives one that a build made here the figures of the older table, which it has once. */
  async agent(agent: Agent): Promise<"created" | "changed" | "unchanged"> {
    let was: "created" | "changed" = "created";
    const { ok } = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => {
        const known = stored && readAgent(stored);
        was = known ? "changed" : "created";
        if (!known) return createAgent(agent);
        if (known.imported || !agent.imported) return undefined;
        return replaceAgent(known, { ...known, imported: agent.imported }, this.#context.now());
      },
      isOwnWrite: () => false,
      maxRetries: MAX_RETRIES,
    });
    return ok ? was : "unchanged";
  }

  /** What is there of a session. Its turns may be there without a head: those of an import that was killed. */
  async findSession(sessionId: string): Promise<StoredSession> {
    const key = sessionKey(sessionId);
    const item = await this.#context.records.get(key);
    const turns: StoredTurn[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#context.records.query({
        pk: key.pk,
        from: TURN_PREFIX,
        to: `${TURN_PREFIX}:`,
        limit: TURNS_AT_ONCE,
        cursor,
      });
      for (const { turn = 0, imported, user } of page.items.map(readTurn))
        turns.push({ turn, imported, question: questionDigest(user.text) });
      cursor = page.next;
      if (cursor === undefined) return { head: item && readSession(item), turns };
    }
  }

  /** The turns, then the head that makes them a session. `left`: turns of an import that was killed before its end. */
  async newSession(session: Session, turns: readonly Turn[], left: readonly StoredTurn[]): Promise<void> {
    const numbered = turns.map((turn, at) => ({ ...turn, turn: at + 1 }));
    for (const { turn, imported } of left)
      if (!isSame(imported, numbered[turn - 1]?.imported)) await this.#removeTurn(session.session_id, turn);
    for (const turn of numbered) await this.#putTurn(session.session_id, turn);
    await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored ? undefined : createSession(withTurns(session, numbered))),
      isOwnWrite: () => false,
    });
  }

  /** Fills the numbers that a killed import had taken from `first` on. */
  async fillTurns(sessionId: string, first: number, turns: readonly Turn[]): Promise<void> {
    for (const [at, turn] of turns.entries()) await this.#putTurn(sessionId, { ...turn, turn: first + at });
  }

  /** Adds turns after all that the session has. Errors: SESSION_NOT_FOUND, SESSION_BUSY, SESSION_CONFLICT. */
  async addTurns(known: Session, turns: readonly Turn[]): Promise<void> {
    const { session_id } = known;
    const numbered = turns.map((turn, at) => ({ ...turn, turn: known.turns + at + 1 }));
    const after = withTurns(known, numbered);
    const { ok } = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => {
        const head = stored ? readSession(stored) : known;
        if (head.status !== "open") throw sessionNotFound(session_id);
        if (head.open) throw sessionBusy(session_id, head.open.turn);
        if (head.turns !== known.turns) throw sessionConflict(known.turns, head.turns);
        return reserveTurns(head, { ...after, title: head.title === "" ? after.title : head.title });
      },
      isOwnWrite: (stored) => readSession(stored).imported?.turns === after.imported?.turns,
      maxRetries: MAX_RETRIES,
    });
    if (!ok) throw sessionNotFound(session_id);
    await this.fillTurns(session_id, known.turns + 1, turns);
  }

  async hasInvocation(invocationId: string): Promise<boolean> {
    return (await this.#context.records.get(invocationKey(invocationId))) !== undefined;
  }

  /** False when it is there already. */
  async invocation(invocation: Invocation): Promise<boolean> {
    if (await this.hasInvocation(invocation.invocation_id)) return false;
    const kept = { ...invocation, ...(await this.#kept(invocation.invocation_id, 1, invocation)) };
    const { ok } = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored ? undefined : importInvocation(kept)),
      isOwnWrite: () => false,
    });
    return ok;
  }

  async #putTurn(sessionId: string, turn: Turn & { readonly turn: number }): Promise<void> {
    const kept = { ...turn, ...(await this.#kept(sessionId, turn.turn, turn)) };
    await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored ? undefined : archiveTurn(sessionId, turn.turn, kept)),
      isOwnWrite: () => false,
    });
  }

  async #removeTurn(sessionId: string, turn: number): Promise<void> {
    await optimisticRecordWrite(this.#context.records, {
      decide: () => removeTurn(sessionId, turn),
      isOwnWrite: () => false,
    });
  }

  /** What is too long for an item goes whole to the artifact store, as with our own turns; the question too. */
  async #kept(id: string, turn: number, { user, blocks }: Turn): Promise<Pick<Turn, "user" | "blocks">> {
    const text = storableText(user.text);
    const question = { ...user, text: truncateUtf8(text, AGENT_LIMITS.text) };
    if (utf8Bytes(text) > AGENT_LIMITS.text) {
      const place = { project_id: id, stage: "blocks", attempt: turn, path: "0/question.txt" };
      await this.#context.artifacts.put(place, new TextEncoder().encode(text));
      question.ref = refOf(place);
    }
    const keeper = new BlockKeeper(this.#context.artifacts, { id, turn, token: 0 });
    return { user: question, blocks: await keeper.keep(blocks, question) };
  }
}

/** The head with turns more. */
function withTurns(head: Session, turns: readonly (Turn & { readonly turn: number })[]): Session {
  const last = turns.at(-1);
  if (!last) return head;
  const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  const { totals, imported } = head;
  const active = [head.last_active_at, ...turns.map((turn) => turn.ended_at ?? turn.started_at)].sort();
  return {
    ...head,
    title: head.title === "" ? previewText(turns[0]?.user.text ?? "") : head.title,
    turns: last.turn,
    last_active_at: active.at(-1) ?? head.last_active_at,
    totals: {
      ...totals,
      failed: totals.failed + sum(({ status }) => (status === "completed" ? 0 : 1)),
      input_tokens: totals.input_tokens + sum((turn) => turn.input_tokens),
      output_tokens: totals.output_tokens + sum((turn) => turn.output_tokens),
      cost_usd: roundedCost(totals.cost_usd + sum((turn) => turn.cost_usd)),
    },
    last: { turn: last.turn, key: last.key, status: last.status },
    ...(imported && { imported: { ...imported, turns: last.turn } }),
  };
}

/** Made of the same messages. */
function isSame(one: ImportedTurn | undefined, other: ImportedTurn | undefined): boolean {
  return one?.messages.join() === other?.messages.join() && one?.invocation_id === other?.invocation_id;
}
