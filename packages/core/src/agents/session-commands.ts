import type { Edit, Guard, Item, RecordPatch } from "../patch/index.ts";
import { roundedCost } from "../snapshot/derive.ts";
import { addMs } from "../snapshot/time.ts";
import {
  agentSessions,
  agentTurns,
  dayTurns,
  OPEN_TURNS,
  sessionKey,
  timeKey,
  turnKey,
  userSessions,
} from "./keys.ts";
import { AGENT_LIMITS } from "./limits.ts";
import { previewText } from "./preview.ts";
import { openAsTurn, sessionRow, turnRow } from "./rows.ts";
import type { Block, OpenTurn, RunUsage, Session, Turn } from "./turn-schema.ts";

/**
 * The transitions of a session and its turns: one conditional write each. `token` is the fence; `open.turn` says which
 * turn a write is about. Times are passed in. What each needs beyond "the head is there" is said as guards.
 */

export function createSession(session: Session): RecordPatch {
  const key = sessionKey(session.session_id);
  const item: Item = {
    ...key,
    ...session,
    gsi1_pk: agentSessions(session.agent_id),
    gsi1_sk: timeKey(session.last_active_at, session.session_id),
    ...(session.user_id !== undefined && {
      gsi2_pk: userSessions(session.user_id),
      gsi2_sk: timeKey(session.last_active_at, session.session_id),
    }),
    listed: sessionRow(session),
  };
  return { ...key, kind: "put", guards: [], item };
}

/** Characters of a key's digest that a head keeps. Two keys with the same ones cost a read. */
export const KEY_DIGEST = 8;

/** The turns that may have been asked under a key, the newest first, by what the head remembers. */
export function turnsOfKey({ turns, recent_keys = "" }: Session, keyDigest: string): number[] {
  const found: number[] = [];
  for (let end = recent_keys.length, turn = turns; end > 0; end -= KEY_DIGEST, turn -= 1)
    if (recent_keys.slice(end - KEY_DIGEST, end) === keyDigest) found.push(turn);
  return found;
}

export interface Begin {
  readonly open: OpenTurn;
  /** When the turn is over at the latest. */
  readonly deadline: string;
  /** Eight characters of the digest of the turn's key. */
  readonly keyDigest: string;
}

/** Opens the next turn of the session as known. */
export function beginTurn(known: Session, { open, deadline, keyDigest }: Begin): RecordPatch {
  const at = open.started_at;
  const title = known.title === "" ? previewText(open.user.text) : known.title;
  const edits: Edit[] = [
    set(["open"], open),
    set(["turns"], open.turn),
    set(["last_active_at"], at),
    // While its turn runs a session is listed among what runs, and not by its agent and its user: a row that is taken out
    // costs less than one that is kept up to date.
    { op: "remove", path: ["gsi1_pk"] },
    { op: "remove", path: ["gsi1_sk"] },
    set(["gsi2_pk"], OPEN_TURNS),
    set(["gsi2_sk"], timeKey(deadline, known.session_id)),
    set(["listed", "turns"], open.turn),
    set(["listed", "running"], turnRow(openAsTurn(known.session_id, open))),
    set(["listed", "last_active_at"], at),
    ...(title === known.title ? [] : [set(["title"], title), set(["listed", "title"], title)]),
    set(
      ["recent_keys"],
      ((known.recent_keys ?? "") + keyDigest).slice(-KEY_DIGEST * AGENT_LIMITS.recentKeys),
    ),
    ...(known.expires_at === undefined ? [] : [{ op: "remove" as const, path: ["expires_at"] }]),
    add(["token"]),
    add(["revision"]),
  ];
  const guards: Guard[] = [
    { path: ["status"], is: "equals", value: "open" },
    { path: ["open"], is: "absent" },
    { path: ["token"], is: "equals", value: known.token },
    { path: ["turns"], is: "equals", value: known.turns },
  ];
  return { ...sessionKey(known.session_id), kind: "update", guards, edits };
}

export interface Checkpoint {
  readonly seq: number;
  readonly blocks: readonly Block[];
  readonly usage: RunUsage;
  readonly first_text_at?: string | undefined;
  readonly lease_expires_at: string;
}

/** What the owner of a turn has so far; it renews the lease too. */
export function checkpointTurn(
  sessionId: string,
  turn: number,
  token: number,
  checkpoint: Checkpoint,
): RecordPatch {
  const edits: Edit[] = [...checkpointEdits(["open"], checkpoint), add(["revision"])];
  const guards: Guard[] = [
    ...ownedBy(turn, token),
    { path: ["open", "seq"], is: "less_than", value: checkpoint.seq },
  ];
  return { ...sessionKey(sessionId), kind: "update", guards, edits };
}

export function checkpointEdits(path: readonly string[], checkpoint: Checkpoint): Edit[] {
  return [
    set([...path, "seq"], checkpoint.seq),
    set([...path, "blocks"], checkpoint.blocks),
    set([...path, "usage"], checkpoint.usage),
    ...(checkpoint.first_text_at === undefined
      ? []
      : [set([...path, "first_text_at"], checkpoint.first_text_at)]),
    set([...path, "lease", "expires_at"], checkpoint.lease_expires_at),
  ];
}

/** Renews the lease; it never becomes shorter. */
export function heartbeatTurn(
  sessionId: string,
  turn: number,
  token: number,
  expires_at: string,
): RecordPatch {
  const guards: Guard[] = [
    ...ownedBy(turn, token),
    { path: ["open", "lease", "expires_at"], is: "less_than", value: expires_at },
  ];
  const edits = [set(["open", "lease", "expires_at"], expires_at)];
  return { ...sessionKey(sessionId), kind: "update", guards, edits };
}

/** Writes down what the turn was. The first writer decides: there is no second one. */
export function archiveTurn(sessionId: string, number: number, turn: Turn): RecordPatch {
  const key = turnKey(sessionId, number);
  return {
    ...key,
    kind: "put",
    guards: [],
    item: { ...key, ...turn, ...turnIndex(turn, `${sessionId}#${number}`) },
  };
}

/** The index rows of a turn that has ended, with or without a session. */
export function turnIndex(turn: Turn, id: string): Item {
  return {
    gsi1_pk: agentTurns(turn.agent_id),
    gsi1_sk: timeKey(turn.started_at, id),
    gsi2_pk: dayTurns(turn.started_at.slice(0, 10)),
    gsi2_sk: timeKey(turn.started_at, id),
    listed: turnRow(turn),
  };
}

/** Closes the open turn with the figures of the archived one. While it is open nothing else changes the totals. */
export function endTurn(known: Session, archived: Turn): RecordPatch {
  const turn = known.open?.turn ?? 0;
  const { totals, session_id } = known;
  const sums = {
    ...totals,
    failed: totals.failed + (archived.status === "completed" ? 0 : 1),
    input_tokens: totals.input_tokens + archived.input_tokens,
    output_tokens: totals.output_tokens + archived.output_tokens,
    cost_usd: roundedCost(totals.cost_usd + archived.cost_usd),
  };
  const isDeleting = known.status === "deleting";
  const edits: Edit[] = [
    { op: "remove", path: ["open"] },
    { op: "remove", path: ["listed", "running"] },
    set(["last"], { turn, key: archived.key, status: archived.status }),
    set(["totals"], sums),
    set(["listed", "totals"], sums),
    // A session that is being deleted stays where the reconciler finds it.
    ...(isDeleting ? [] : listedAgain(known)),
    add(["token"]),
    add(["revision"]),
  ];
  const guards: Guard[] = [
    { path: ["open", "turn"], is: "equals", value: turn },
    { path: ["status"], is: "equals", value: known.status },
  ];
  return { ...sessionKey(session_id), kind: "update", guards, edits };
}

function listedAgain({ agent_id, user_id, last_active_at, session_id }: Session): Edit[] {
  const sort = timeKey(last_active_at, session_id);
  const ofAgent = [set(["gsi1_pk"], agentSessions(agent_id)), set(["gsi1_sk"], sort)];
  if (user_id !== undefined)
    return [...ofAgent, set(["gsi2_pk"], userSessions(user_id)), set(["gsi2_sk"], sort)];
  return [...ofAgent, { op: "remove", path: ["gsi2_pk"] }, { op: "remove", path: ["gsi2_sk"] }];
}

/** The turn of an owner whose lease has run out becomes the caller's, who then archives it as interrupted and ends it. */
export function takeOverTurn(known: Session, open: OpenTurn, owner: string, expires_at: string): RecordPatch {
  const edits: Edit[] = [set(["open", "lease"], { owner, expires_at }), add(["token"]), add(["revision"])];
  const guards: Guard[] = [
    ...ownedBy(open.turn, known.token),
    { path: ["open", "lease", "expires_at"], is: "equals", value: open.lease.expires_at },
  ];
  return { ...sessionKey(known.session_id), kind: "update", guards, edits };
}

/** Asks the owner of the turn to stop; the first to ask is recorded. */
export function stopTurn(
  sessionId: string,
  turn: number,
  stop: { at: string; by?: string | undefined },
): RecordPatch {
  const { at, by } = stop;
  const edits: Edit[] = [set(["open", "stop"], { at, ...(by !== undefined && { by }) }), add(["revision"])];
  const guards: Guard[] = [
    { path: ["open", "turn"], is: "equals", value: turn },
    { path: ["open", "stop"], is: "absent" },
  ];
  return { ...sessionKey(sessionId), kind: "update", guards, edits };
}

export function renameSession(sessionId: string, title: string): RecordPatch {
  const edits = [set(["title"], title), set(["listed", "title"], title), add(["revision"])];
  const guards: Guard[] = [{ path: ["status"], is: "equals", value: "open" }];
  return { ...sessionKey(sessionId), kind: "update", guards, edits };
}

/**
 * From here on no turn begins, and lists do not have it; the fence ends the open turn's owner. Its turns and then the
 * head are removed afterwards, by the caller or the reconciler.
 */
export function markSessionDeleted(known: Session, at: string): RecordPatch {
  const edits: Edit[] = [
    set(["status"], "deleting"),
    { op: "remove", path: ["gsi1_pk"] },
    { op: "remove", path: ["gsi1_sk"] },
    set(["gsi2_pk"], OPEN_TURNS),
    set(["gsi2_sk"], timeKey(at, known.session_id)),
    set(["listed", "status"], "deleting"),
    add(["token"]),
    add(["revision"]),
  ];
  const guards: Guard[] = [{ path: ["status"], is: "equals", value: "open" }];
  return { ...sessionKey(known.session_id), kind: "update", guards, edits };
}

/** The same for one that was left alone for long: a question that comes in between keeps it. */
export function markSessionExpired(known: Session, at: string): RecordPatch {
  const patch = markSessionDeleted(known, at);
  const guards: Guard[] = [
    ...patch.guards,
    { path: ["open"], is: "absent" },
    { path: ["token"], is: "equals", value: known.token },
  ];
  return { ...patch, guards };
}

/** The last write of a session, once its turns are gone. */
export function removeSession(sessionId: string): RecordPatch {
  const guards: Guard[] = [{ path: ["status"], is: "equals", value: "deleting" }];
  return { ...sessionKey(sessionId), kind: "delete", guards };
}

export function removeTurn(sessionId: string, turn: number): RecordPatch {
  return { ...turnKey(sessionId, turn), kind: "delete", guards: [] };
}

/** When a turn is over for certain: a lease after its time limit. */
export function deadlineOf(startedAt: string, timeoutSeconds: number, leaseMs: number): string {
  return addMs(startedAt, timeoutSeconds * 1000 + leaseMs);
}

function ownedBy(turn: number, token: number): Guard[] {
  return [
    { path: ["open", "turn"], is: "equals", value: turn },
    { path: ["token"], is: "equals", value: token },
  ];
}

function set(path: readonly (string | number)[], value: unknown): Edit {
  return { op: "set", path, value };
}

function add(path: readonly string[]): Edit {
  return { op: "add", path, value: 1 };
}
