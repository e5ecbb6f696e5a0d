import type { Edit, Guard, RecordPatch } from "../patch/index.ts";
import { invocationKey, OPEN_TURNS, timeKey } from "./keys.ts";
import { turnRow } from "./rows.ts";
import { type Checkpoint, checkpointEdits, turnIndex } from "./session-commands.ts";
import type { Invocation, Turn } from "./turn-schema.ts";

/** The transitions of a call without a session: its one item is head and turn in one. */

export function beginInvocation(invocation: Invocation, deadline: string): RecordPatch {
  const key = invocationKey(invocation.invocation_id);
  const index = turnIndex(invocation, invocation.invocation_id);
  const open = { gsi2_pk: OPEN_TURNS, gsi2_sk: timeKey(deadline, invocation.invocation_id) };
  return { ...key, kind: "put", guards: [], item: { ...key, ...invocation, ...index, ...open } };
}

export function checkpointInvocation(id: string, token: number, checkpoint: Checkpoint): RecordPatch {
  const guards: Guard[] = [...ownedBy(token), { path: ["seq"], is: "less_than", value: checkpoint.seq }];
  return { ...invocationKey(id), kind: "update", guards, edits: checkpointEdits([], checkpoint) };
}

export function heartbeatInvocation(id: string, token: number, expires_at: string): RecordPatch {
  const path = ["lease", "expires_at"];
  const guards: Guard[] = [...ownedBy(token), { path, is: "less_than", value: expires_at }];
  return { ...invocationKey(id), kind: "update", guards, edits: [{ op: "set", path, value: expires_at }] };
}

/** Archive and end in one: while the token holds, no other process has decided what it was. */
export function endInvocation(id: string, token: number, ended: Turn): RecordPatch {
  const { status, error, finish_reason, blocks, first_text_at, ended_at, duration_ms } = ended;
  const { input_tokens, output_tokens, cached_tokens, tool_calls, steps, model, cost_usd } = ended;
  const fields = {
    ...{ status, error, finish_reason, blocks, first_text_at, ended_at, duration_ms },
    ...{ input_tokens, output_tokens, cached_tokens, tool_calls, steps, model, cost_usd },
    gsi2_pk: turnIndex(ended, id).gsi2_pk,
    gsi2_sk: turnIndex(ended, id).gsi2_sk,
    listed: turnRow(ended),
  };
  const edits: Edit[] = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => ({ op: "set", path: [field], value }));
  edits.push({ op: "remove", path: ["lease"] }, { op: "remove", path: ["usage"] });
  return { ...invocationKey(id), kind: "update", guards: ownedBy(token), edits };
}

export function takeOverInvocation(known: Invocation, owner: string, expires_at: string): RecordPatch {
  const guards: Guard[] = [
    ...ownedBy(known.token),
    { path: ["lease", "expires_at"], is: "equals", value: known.lease?.expires_at ?? "" },
  ];
  const edits: Edit[] = [
    { op: "set", path: ["lease"], value: { owner, expires_at } },
    { op: "add", path: ["token"], value: 1 },
  ];
  return { ...invocationKey(known.invocation_id), kind: "update", guards, edits };
}

export function stopInvocation(id: string, { at, by }: { at: string; by?: string | undefined }): RecordPatch {
  const guards: Guard[] = [
    { path: ["status"], is: "equals", value: "running" },
    { path: ["stop"], is: "absent" },
  ];
  const value = { at, ...(by !== undefined && { by }) };
  return { ...invocationKey(id), kind: "update", guards, edits: [{ op: "set", path: ["stop"], value }] };
}

function ownedBy(token: number): Guard[] {
  return [
    { path: ["status"], is: "equals", value: "running" },
    { path: ["token"], is: "equals", value: token },
  ];
}
