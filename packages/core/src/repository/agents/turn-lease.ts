import {
  checkpointInvocation,
  endInvocation,
  heartbeatInvocation,
} from "../../agents/invocation-commands.ts";
import { readInvocation, readSession, readTurn } from "../../agents/read-item.ts";
import type { TurnPlace } from "../../agents/refs.ts";
import {
  archiveTurn,
  checkpointTurn,
  endTurn,
  heartbeatTurn,
  removeTurn,
} from "../../agents/session-commands.ts";
import type { Block, Invocation, OpenTurn, RunUsage, Session, Turn } from "../../agents/turn-schema.ts";
import type { Item, RecordPatch } from "../../patch/index.ts";
import type { AgentContext } from "./context.ts";
import { optimisticRecordWrite } from "./record-write.ts";
import { BlockKeeper } from "./turn-blocks.ts";

/** What the owner of a turn learns with each write. */
export interface LeaseState {
  /** False once another owner has taken the turn over, or its session was deleted: it is to stop at once. */
  readonly isHeld: boolean;
  /** A user has asked for the turn to be stopped. */
  readonly isStopped: boolean;
}

/** What a turn has come to so far. */
export interface TurnProgress {
  readonly blocks: readonly Block[];
  readonly usage: RunUsage;
  readonly first_text_at?: string | undefined;
}

/** The right to write one running turn, for the process that runs it. One write at a time. */
export interface TurnLease {
  /** The owner's name, and until when the lease lasts as far as it knows. */
  readonly owner: string;
  readonly expires_at: string;
  /** Below which this turn, under this fence, keeps bytes. */
  readonly place: TurnPlace;
  /** Writes what there is so far, and renews the lease. Errors: STORE_UNAVAILABLE. */
  checkpoint(progress: TurnProgress): Promise<LeaseState>;
  /** Renews the lease. Errors: STORE_UNAVAILABLE. */
  heartbeat(): Promise<LeaseState>;
  /**
   * Records how the turn ended, and answers with what is recorded: another owner may have decided first. Undefined when
   * the session was deleted meanwhile. May be called again after STORE_UNAVAILABLE.
   */
  finish(ended: Turn): Promise<Turn | undefined>;
}

/** The open turn of a session. */
export class SessionTurnLease implements TurnLease {
  readonly owner: string;
  readonly place: TurnPlace;
  readonly #context: AgentContext;
  readonly #keeper: BlockKeeper;
  readonly #open: OpenTurn;
  readonly #token: number;
  #known: Session;
  #seq = 0;
  #expiresAt: string;

  /** `head`: as the begin left it. */
  constructor(context: AgentContext, head: Session, open: OpenTurn) {
    this.#context = context;
    this.#known = head;
    this.#open = open;
    this.#token = head.token;
    this.owner = open.lease.owner;
    this.#expiresAt = open.lease.expires_at;
    this.place = { id: head.session_id, turn: open.turn, token: head.token };
    this.#keeper = new BlockKeeper(context.artifacts, this.place);
  }

  get expires_at(): string {
    return this.#expiresAt;
  }

  async checkpoint(progress: TurnProgress): Promise<LeaseState> {
    const blocks = await this.#keeper.keep(progress.blocks, this.#open.user);
    const lease_expires_at = this.#context.leaseEnd(this.#expiresAt);
    // A number for each try: a lost one that arrives late changes nothing.
    this.#seq += 1;
    const seq = this.#seq;
    const { usage, first_text_at } = progress;
    const checkpoint = { seq, blocks, usage, first_text_at, lease_expires_at };
    const { session_id } = this.#known;
    const state = await this.#write(
      checkpointTurn(session_id, this.#open.turn, this.#token, checkpoint),
      ({ open }) => open?.seq === seq,
    );
    if (state.isHeld) this.#expiresAt = lease_expires_at;
    return state;
  }

  async heartbeat(): Promise<LeaseState> {
    const end = this.#context.leaseEnd(this.#expiresAt);
    const { session_id } = this.#known;
    const state = await this.#write(
      heartbeatTurn(session_id, this.#open.turn, this.#token, end),
      ({ open }) => (open?.lease.expires_at ?? "") >= end,
    );
    if (state.isHeld) this.#expiresAt = end;
    return state;
  }

  async #write(patch: RecordPatch, isOwnWrite: (head: Session) => boolean): Promise<LeaseState> {
    const written = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored && !this.#isOwner(readSession(stored)) ? undefined : patch),
      isOwnWrite: (item) => this.#isOwner(readSession(item)) && isOwnWrite(readSession(item)),
      maxRetries: 1,
    });
    if (!written.item) return { isHeld: false, isStopped: false };
    const head = readSession(written.item);
    if (this.#isOwner(head)) this.#known = head;
    return { isHeld: this.#isOwner(head), isStopped: head.open?.stop !== undefined };
  }

  #isOwner(head: Session): boolean {
    return head.token === this.#token && head.open?.turn === this.#open.turn;
  }

  async finish(ended: Turn): Promise<Turn | undefined> {
    const blocks = await this.#keeper.keep(ended.blocks, ended.user);
    return await archiveAndEnd(this.#context, this.#known, { ...ended, blocks });
  }
}

/**
 * The two writes that end the open turn of `known`: `ended` is what the turn was unless a turn is archived already.
 * Any process may call it, as often as it likes: the first archive decides, and each turn is added to the totals once.
 */
export async function archiveAndEnd(
  context: AgentContext,
  known: Session,
  ended: Turn,
): Promise<Turn | undefined> {
  const number = known.open?.turn;
  if (number === undefined) throw new TypeError(`no turn of ${known.session_id} is open`);
  const { item } = await optimisticRecordWrite(context.records, {
    decide: (stored) => (stored ? undefined : archiveTurn(known.session_id, number, ended)),
    isOwnWrite: () => false,
  });
  const archived = item ? readTurn(item) : ended;
  const isThere = await endOpenTurn(context, known, archived);
  if (isThere) return archived;
  // The session was deleted before the archive, which nothing would remove later.
  await optimisticRecordWrite(context.records, {
    decide: () => removeTurn(known.session_id, number),
    isOwnWrite: () => false,
  });
  return undefined;
}

/** Closes the open turn of `known` by its archived one; false when the session is gone. */
export async function endOpenTurn(context: AgentContext, known: Session, archived: Turn): Promise<boolean> {
  const number = known.open?.turn;
  const { ok, item } = await optimisticRecordWrite(context.records, {
    stored: headItem(known),
    decide: (stored) => {
      const head = stored && readSession(stored);
      return head && head.open?.turn === number ? endTurn(head, archived) : undefined;
    },
    isOwnWrite: (item) => readSession(item).open?.turn !== number,
    maxRetries: 5,
  });
  return ok || item !== undefined;
}

/** A head that was read before, in place of the item. */
function headItem(head: Session): Item {
  return { ...head };
}

/** An invocation without a session. */
export class InvocationLease implements TurnLease {
  readonly owner: string;
  readonly place: TurnPlace;
  readonly #context: AgentContext;
  readonly #keeper: BlockKeeper;
  readonly #known: Invocation;
  #seq = 0;
  #expiresAt: string;

  constructor(context: AgentContext, invocation: Invocation) {
    this.#context = context;
    this.#known = invocation;
    this.owner = invocation.lease?.owner ?? "";
    this.#expiresAt = invocation.lease?.expires_at ?? "";
    const { invocation_id: id, token } = invocation;
    this.place = { id, turn: 0, token };
    this.#keeper = new BlockKeeper(context.artifacts, this.place);
  }

  get expires_at(): string {
    return this.#expiresAt;
  }

  async checkpoint({ blocks, usage, first_text_at }: TurnProgress): Promise<LeaseState> {
    const { invocation_id, token, user } = this.#known;
    // A number for each try: a lost one that arrives late changes nothing.
    this.#seq += 1;
    const seq = this.#seq;
    const lease_expires_at = this.#context.leaseEnd(this.#expiresAt);
    const checkpoint = {
      seq,
      blocks: await this.#keeper.keep(blocks, user),
      usage,
      first_text_at,
      lease_expires_at,
    };
    const state = await this.#write(
      checkpointInvocation(invocation_id, token, checkpoint),
      (stored) => stored.seq === seq,
    );
    if (state.isHeld) this.#expiresAt = lease_expires_at;
    return state;
  }

  async heartbeat(): Promise<LeaseState> {
    const { invocation_id, token } = this.#known;
    const end = this.#context.leaseEnd(this.#expiresAt);
    const state = await this.#write(
      heartbeatInvocation(invocation_id, token, end),
      ({ lease }) => (lease?.expires_at ?? "") >= end,
    );
    if (state.isHeld) this.#expiresAt = end;
    return state;
  }

  async #write(patch: RecordPatch, isOwnWrite: (stored: Invocation) => boolean): Promise<LeaseState> {
    const written = await optimisticRecordWrite(this.#context.records, {
      decide: (stored) => (stored && !this.#isOwner(readInvocation(stored)) ? undefined : patch),
      isOwnWrite: (item) => this.#isOwner(readInvocation(item)) && isOwnWrite(readInvocation(item)),
      maxRetries: 1,
    });
    if (!written.item) return { isHeld: false, isStopped: false };
    const stored = readInvocation(written.item);
    return { isHeld: this.#isOwner(stored), isStopped: stored.stop !== undefined };
  }

  #isOwner(stored: Invocation): boolean {
    return stored.status === "running" && stored.token === this.#known.token;
  }

  async finish(ended: Turn): Promise<Turn | undefined> {
    const blocks = await this.#keeper.keep(ended.blocks, ended.user);
    return await endHeldInvocation(this.#context, this.#known, { ...ended, blocks });
  }
}

/** The write that ends an invocation under the token of `known`; answers with what is recorded. */
export async function endHeldInvocation(
  context: AgentContext,
  { invocation_id, token }: Invocation,
  ended: Turn,
): Promise<Turn | undefined> {
  const { item } = await optimisticRecordWrite(context.records, {
    decide: (stored) => {
      const now = stored && readInvocation(stored);
      return now && (now.status !== "running" || now.token !== token)
        ? undefined
        : endInvocation(invocation_id, token, ended);
    },
    isOwnWrite: (item) => readInvocation(item).status !== "running",
    maxRetries: 1,
  });
  return item && readInvocation(item);
}
