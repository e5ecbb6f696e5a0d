import {
  AGENT_LIMITS,
  agentIdOf,
  type Session,
  type StoredSession,
  sessionIdOf,
  userIdSchema,
} from "@stagefold/core";
import type { AgentsRow, OlderInvocation, OlderMessage, OlderSession } from "../rows/agents-row.ts";
import { countField, mapField, textField } from "../rows/fields.ts";
import { olderTime } from "../rows/older-time.ts";
import type { Reason } from "../rows/row.ts";
import { REMINDER } from "../run/sorted-rows.ts";
import type { SpilledRow } from "../spill/buckets.ts";
import { cut } from "./agent-of-row.ts";
import { type AgentsImport, type AgentsOutcome, rowOf, unreadable } from "./import-agents.ts";
import { importInvocations, withFigures } from "./import-invocations.ts";
import { messageDigest, type OlderTurn, sorted, turnsOf } from "./turns-of-messages.ts";

/** Rows that may be placed later, once what they need has come. */
const DEFERRABLE = new Set<Reason | undefined>(["no such agent", "no such session"]);

/** The rows of one session, or of one id that two agents have used for a session each. */
export interface SessionRows {
  readonly sessions: readonly OlderSession[];
  readonly messages: readonly OlderMessage[];
  readonly invocations: readonly OlderInvocation[];
}

/** The rows of one group: those of the input, and those deferred until now that the input does not have. */
interface GroupRows {
  readonly deferred: readonly SpilledRow[];
  readonly earlier: readonly AgentsRow[];
  readonly now: readonly AgentsRow[];
}

/**
 * Imports the rows of one group together with those deferred until now, and accounts for each. The same invocation may
 * be in several groups: the group that was begun first has it.
 */
export async function importGroup(
  importing: AgentsImport,
  group: string,
  given: readonly SpilledRow[],
): Promise<void> {
  await importing.order.run(
    async (): Promise<GroupRows> => {
      const deferred = await importing.options.deferredRows.of(group);
      const texts = new Set(given.map(({ text }) => text));
      const earlier = deferred.filter(({ text }) => !texts.has(text)).map(rowOf);
      return { deferred, earlier, now: given.filter(({ text }) => text !== REMINDER).map(rowOf) };
    },
    ({ earlier, now }) =>
      [...earlier, ...now].flatMap((row) => (row.kind === "invocation" ? row.invocation_id : [])),
    async (rows) => await importRows(importing, group, rows),
  );
}

async function importRows(
  importing: AgentsImport,
  group: string,
  { deferred, earlier, now }: GroupRows,
): Promise<void> {
  const { deferredRows, dryRun, summary } = importing.options;
  if (earlier.length + now.length === 0) return;
  const outcomes = await place(importing, [...earlier, ...now]);
  if (!dryRun) {
    const left = outcomes.filter(({ reason }) => DEFERRABLE.has(reason)).map(({ row }) => row);
    const rows = new Map(left.map(({ origin, text }) => [text, { origin, text }]));
    if (deferred.length !== rows.size || !deferred.every(({ text }) => rows.has(text)))
      await deferredRows.put(group, [...rows.values()]);
  }
  const fromInput = new Set<AgentsRow>(now);
  for (const outcome of outcomes)
    if (fromInput.has(outcome.row)) await importing.account(outcome);
    else if (outcome.reason === undefined) summary.deferredAndMerged();
}

async function place(importing: AgentsImport, rows: readonly AgentsRow[]): Promise<AgentsOutcome[]> {
  const all = {
    sessions: rows.filter((row) => row.kind === "session"),
    messages: rows.filter((row) => row.kind === "message"),
    invocations: rows.filter((row) => row.kind === "invocation"),
  };
  const [first] = rows;
  if (!first || first.kind === "agent") throw new TypeError("expected rows of a session or an invocation");
  if (first.session_id === undefined) return await importInvocations(importing, all.invocations);
  const outcomes: AgentsOutcome[] = [];
  for (const part of await partsOf(importing, first.session_id, all)) {
    const rowsOfPart = [...part.rows.sessions, ...part.rows.messages, ...part.rows.invocations];
    try {
      outcomes.push(...(await importSession(importing, part)));
    } catch (error) {
      outcomes.push(...rowsOfPart.map((row) => unreadable(row, error)));
    }
  }
  return outcomes;
}

interface Part {
  /** The session's own id. */
  readonly session_id: string;
  readonly stored: StoredSession;
  readonly rows: SessionRows;
}

/** In the first generation the same id may name a session of each of several agents: the first one has it for its own. */
async function partsOf(importing: AgentsImport, older: string, rows: SessionRows): Promise<Part[]> {
  const { imports } = importing.options.records;
  const base = await sessionIdOf(older);
  const stored = await imports.findSession(base);
  const first = rows.sessions[0]?.agent_id;
  const baseAgent = stored.head?.agent_id ?? (first === undefined ? undefined : await agentIdOf(first));
  const others = new Map<string, Part>();
  for (const ref of new Set([...rows.sessions, ...rows.messages].map(({ agent_id }) => agent_id))) {
    if (ref === undefined || baseAgent === undefined || (await agentIdOf(ref)) === baseAgent) continue;
    const session_id = await sessionIdOf(older, ref);
    const found = await imports.findSession(session_id);
    const sessions = rows.sessions.filter(({ agent_id }) => agent_id === ref);
    if (sessions.length === 0 && !found.head) continue;
    const isOf = (row: { readonly agent_id: string | undefined }) => row.agent_id === ref;
    const own = {
      sessions,
      messages: rows.messages.filter(isOf),
      invocations: rows.invocations.filter(isOf),
    };
    others.set(ref, { session_id, stored: found, rows: own });
  }
  const isElsewhere = ({ agent_id }: { readonly agent_id: string | undefined }) =>
    agent_id !== undefined && others.has(agent_id);
  const own = {
    sessions: rows.sessions.filter((row) => !isElsewhere(row)),
    messages: rows.messages.filter((row) => !isElsewhere(row)),
    invocations: rows.invocations.filter((row) => !isElsewhere(row)),
  };
  return [{ session_id: base, stored, rows: own }, ...others.values()];
}

/** Imports one session: its turns, then its head; or what an earlier import lacked. */
async function importSession(importing: AgentsImport, part: Part): Promise<AgentsOutcome[]> {
  const { session_id, stored, rows } = part;
  const { summary, rules } = importing.options;
  const [row] = rows.sessions;
  const all: readonly AgentsRow[] = [...rows.sessions, ...rows.messages, ...rows.invocations];
  const none = (reason: Reason) => all.map((one): AgentsOutcome => ({ row: one, reason }));
  if (stored.head) {
    const repeated = rows.sessions.map((one): AgentsOutcome => ({ row: one, reason: "already there" }));
    return [...repeated, ...(await intoStored(importing, stored.head, part))];
  }
  const agentRef =
    row?.agent_id ?? [...rows.messages, ...rows.invocations].find(({ agent_id }) => agent_id)?.agent_id;
  if (!row && (rules.orphans === "wait" || agentRef === undefined || rows.messages.length === 0))
    return rules.orphans === "create" && rows.messages.length === 0
      ? await importInvocations(importing, rows.invocations)
      : none("no such session");
  if (agentRef === undefined || !(await importing.requireAgent(agentRef))) return none("no such agent");
  const agent_id = await agentIdOf(agentRef);
  const user_id = row && userIdSchema.safeParse(row.item.user_id).data;
  const turns = turnsOf(sorted(rows.messages.filter(distinct())), { session_id, agent_id, user_id });
  const { figured, outcomes } = withFigures(turns, rows.invocations);
  const session = sessionOf(part, row, { session_id, agent_id, user_id }, figured);
  if (!importing.options.dryRun)
    await importing.options.records.imports.newSession(
      session,
      figured.map(({ turn }) => turn),
      stored.turns,
    );
  summary.session("created");
  summary.calls({ turns: figured.length });
  const left = rows.invocations.filter((one) => !outcomes.some((outcome) => outcome.row === one));
  return [
    ...rows.sessions.map(
      (one, at): AgentsOutcome => (at === 0 ? { row: one } : { row: one, reason: "already there" }),
    ),
    ...messageOutcomes(rows.messages, figured),
    ...outcomes,
    ...(await importInvocations(importing, left)),
  ];
}

/** Messages of a session that is there: those after all that it has become its next turns. */
async function intoStored(
  importing: AgentsImport,
  head: Session,
  { stored, rows }: Part,
): Promise<AgentsOutcome[]> {
  const { records, dryRun, summary } = importing.options;
  const { session_id, agent_id, user_id } = head;
  const known = new Set(stored.turns.flatMap(({ imported }) => imported?.messages ?? []));
  const fresh = sorted(rows.messages.filter((one) => !known.has(messageDigest(one))).filter(distinct()));
  const end =
    stored.turns
      .map(({ imported }) => imported?.last ?? "")
      .sort()
      .at(-1) ?? "";
  // Numbers that an import has taken and was killed before it filled them.
  const taken = head.imported?.turns ?? 0;
  const first = Math.max(0, ...stored.turns.filter(({ turn }) => turn <= taken).map(({ turn }) => turn)) + 1;
  const isOurs = head.imported === undefined || head.turns > taken || head.open !== undefined;
  const cause = isOurs ? TALKED_SINCE : LATER_TURNS;
  const fits = fresh.filter(({ order }) => order > end);
  const begin = end === "" ? 0 : fits.findIndex(({ role }) => role === "user");
  const candidates = begin < 0 ? [] : turnsOf(fits.slice(begin), { session_id, agent_id, user_id });
  const { figured, outcomes } = withFigures(candidates, rows.invocations);
  const gap = figured.slice(0, taken - first + 1);
  const more = isOurs ? [] : figured.slice(gap.length);
  if (!dryRun) {
    await records.imports.fillTurns(
      session_id,
      first,
      gap.map(({ turn }) => turn),
    );
    if (more.length > 0)
      await records.imports.addTurns(
        head,
        more.map(({ turn }) => turn),
      );
  }
  const made = [...gap, ...more];
  summary.session(made.length > 0 ? "changed" : "unchanged");
  summary.calls({ turns: made.length });
  const merged = new Set(made.flatMap((turn) => turn.rows));
  const messages = rows.messages.map((row): AgentsOutcome => {
    if (merged.has(row)) return { row };
    const isKnown = known.has(messageDigest(row)) || !fresh.includes(row);
    return isKnown ? { row, reason: "already there" } : { row, reason: "too late", detail: cause };
  });
  const figuresOfMade = outcomes.filter(({ turn }) => made.some((one) => one.turn === turn));
  const rest = rows.invocations.filter((one) => !figuresOfMade.some(({ row }) => row === one));
  return [
    ...messages,
    ...figuresOfMade.map(({ row }): AgentsOutcome => ({ row })),
    ...(await importInvocations(importing, rest, stored.turns)),
  ];
}

const TALKED_SINCE =
  "the session has turns of its own since; delete it and import all its rows again to have this one";
const LATER_TURNS =
  "it belongs before or into a turn that is there, which nothing changes; delete the session and import all its rows again to have it";

function messageOutcomes(messages: readonly OlderMessage[], turns: readonly OlderTurn[]): AgentsOutcome[] {
  const merged = new Set(turns.flatMap(({ rows }) => rows));
  return messages.map((row) => (merged.has(row) ? { row } : { row, reason: "already there" }));
}

/** The first of each message: live tables and exports of them have the same rows. */
function distinct(): (row: OlderMessage) => boolean {
  const seen = new Set<string>();
  return (row) => {
    const digest = messageDigest(row);
    const isNew = !seen.has(digest);
    seen.add(digest);
    return isNew;
  };
}

function sessionOf(
  { rows }: Part,
  row: OlderSession | undefined,
  of: { readonly session_id: string; readonly agent_id: string; readonly user_id: string | undefined },
  turns: readonly OlderTurn[],
): Session {
  const item = row?.item ?? {};
  const first = turns[0]?.turn.started_at;
  const created = olderTime(item.created_at)?.at ?? first ?? olderTime(item.last_active_at)?.at;
  const created_at = created ?? "1970-01-01T00:00:00.000Z";
  const active = olderTime(item.last_active_at)?.at ?? created_at;
  const name =
    textField(item, "display_name") ?? textField(mapField(item, "metadata") ?? {}, "title", "display_name");
  const message_count = countField(item, "message_count");
  const status = cut(textField(item, "status"), 64);
  const older = row?.session_id ?? rows.messages[0]?.session_id ?? "";
  return {
    session_id: of.session_id,
    agent_id: of.agent_id,
    ...(of.user_id !== undefined && { user_id: of.user_id }),
    title: cut(name, AGENT_LIMITS.title) ?? "",
    status: "open",
    turns: 0,
    token: 1,
    revision: 1,
    created_at,
    last_active_at: [created_at, active].sort().at(-1) ?? created_at,
    totals: { failed: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 },
    imported: {
      session_id: older,
      ...(message_count !== undefined && { message_count: Math.round(message_count) }),
      ...(status !== undefined && { status }),
      turns: 0,
    },
  };
}
