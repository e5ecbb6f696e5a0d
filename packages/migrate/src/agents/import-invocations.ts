import { agentIdOf, invocationIdOf, questionDigest, type StoredTurn, type Turn } from "@stagefold/core";
import type { OlderInvocation } from "../rows/agents-row.ts";
import { type AgentsImport, type AgentsOutcome, unreadable } from "./import-agents.ts";
import { figuresOfRow, invocationOfRow, questionOf } from "./invocation-of-row.ts";
import type { OlderTurn } from "./turns-of-messages.ts";

/**
 * An invocation of a session is the turn whose question it has: it gives that turn its figures, and is no call of its
 * own. `outcomes`: those that did.
 */
export function withFigures(
  turns: readonly OlderTurn[],
  invocations: readonly OlderInvocation[],
): { readonly figured: OlderTurn[]; readonly outcomes: (AgentsOutcome & { readonly turn: Turn })[] } {
  const figured = [...turns];
  const outcomes: (AgentsOutcome & { readonly turn: Turn })[] = [];
  const waiting = new Map<string, number[]>();
  for (const [at, { turn }] of turns.entries()) {
    const digest = questionDigest(turn.user.text);
    waiting.set(digest, [...(waiting.get(digest) ?? []), at]);
  }
  for (const row of invocations.toSorted((a, b) => (a.time.order < b.time.order ? -1 : 1))) {
    const at = waiting.get(questionDigest(questionOf(row)))?.shift();
    const found = at === undefined ? undefined : figured[at];
    if (at === undefined || !found) continue;
    const imported = { messages: [], ...found.turn.imported, invocation_id: row.invocation_id };
    const turn = { ...found.turn, ...figuresOfRow(row), imported };
    figured[at] = { ...found, turn };
    outcomes.push({ row, turn });
  }
  return { figured, outcomes };
}

/** Invocations that are calls of their own. `turns`: those that their session has already. */
export async function importInvocations(
  importing: AgentsImport,
  rows: readonly OlderInvocation[],
  turns: readonly StoredTurn[] = [],
): Promise<AgentsOutcome[]> {
  const outcomes: AgentsOutcome[] = [];
  const seen = new Set<string>();
  const known = new Set(turns.flatMap(({ imported }) => imported?.invocation_id ?? []));
  const asked = new Set(turns.map(({ question }) => question));
  for (const row of rows) {
    const isRepeat = seen.has(row.invocation_id) || known.has(row.invocation_id);
    seen.add(row.invocation_id);
    if (isRepeat) outcomes.push({ row, reason: "already there" });
    else if (asked.has(questionDigest(questionOf(row))))
      outcomes.push({ row, reason: "already there", detail: "its turn is there, and nothing changes it" });
    else outcomes.push(await importInvocation(importing, row));
  }
  return outcomes;
}

async function importInvocation(importing: AgentsImport, row: OlderInvocation): Promise<AgentsOutcome> {
  const { records, dryRun, summary } = importing.options;
  try {
    if (!(await importing.requireAgent(row.agent_id))) return { row, reason: "no such agent" };
    const made = dryRun
      ? await importing.wouldInvoke(await invocationIdOf(row.invocation_id))
      : await records.imports.invocation(await invocationOfRow(row, await agentIdOf(row.agent_id)));
    if (made) summary.calls({ invocations: 1 });
    return made ? { row } : { row, reason: "already there" };
  } catch (error) {
    return unreadable(row, error);
  }
}
