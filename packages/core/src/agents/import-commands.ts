import type { Edit, Guard, RecordPatch } from "../patch/index.ts";
import { invocationKey, sessionKey, timeKey, userSessions } from "./keys.ts";
import { turnIndex } from "./session-commands.ts";
import type { Invocation, Session } from "./turn-schema.ts";

/** What an import of older tables writes that no turn of ours does. */

/** An invocation that ended elsewhere. */
export function importInvocation(invocation: Invocation): RecordPatch {
  const { invocation_id } = invocation;
  const key = invocationKey(invocation_id);
  const item = { ...key, ...invocation, ...turnIndex(invocation, invocation_id) };
  return { ...key, kind: "put", guards: [], item };
}

/**
 * Takes numbers for the turns of an import, with their figures: from here on no turn of ours gets one of them. `after`
 * is the head with them. The turns themselves are written afterwards, by this run or the next.
 */
export function reserveTurns(known: Session, after: Session): RecordPatch {
  const { session_id, user_id, title, turns, totals, last, last_active_at, imported } = after;
  const active = timeKey(last_active_at, session_id);
  const edits: Edit[] = [
    ...Object.entries({ title, turns, totals, last, last_active_at, imported })
      .filter(([, value]) => value !== undefined)
      .map(([field, value]): Edit => ({ op: "set", path: [field], value })),
    ...Object.entries({ title, turns, totals, last_active_at }).map(
      ([field, value]): Edit => ({ op: "set", path: ["listed", field], value }),
    ),
    { op: "set", path: ["gsi1_sk"], value: active },
    ...(user_id === undefined
      ? []
      : [
          { op: "set" as const, path: ["gsi2_pk"], value: userSessions(user_id) },
          { op: "set" as const, path: ["gsi2_sk"], value: active },
        ]),
    { op: "add", path: ["token"], value: 1 },
    { op: "add", path: ["revision"], value: 1 },
  ];
  const guards: Guard[] = [
    { path: ["status"], is: "equals", value: "open" },
    { path: ["open"], is: "absent" },
    { path: ["token"], is: "equals", value: known.token },
    { path: ["turns"], is: "equals", value: known.turns },
  ];
  return { ...sessionKey(session_id), kind: "update", guards, edits };
}
