import type { Item } from "@stagefold/core";
import type { Outcome } from "../merge/merge-rows.ts";
import { readRow } from "../rows/read-row.ts";
import type { Row } from "../rows/row.ts";
import type { SpilledRow } from "../spill/buckets.ts";
import type { WaitingRows } from "../waiting/waiting-rows.ts";
import { type Placing, placeGroup } from "./place-group.ts";
import type { Tally } from "./tally.ts";

export interface Settling extends Placing {
  readonly waiting: WaitingRows;
  readonly tally: Tally;
}

/** Rows that may be placed later, once what they need has come. */
const MAY_COME = new Set(["no such project", "no such stage", "unreadable"]);

/**
 * Places the rows of one project together with those that waited for it, and accounts for each. Gives why the
 * stored item was left as it is, where it was refused.
 */
export async function settleGroup(
  settling: Settling,
  projectId: string,
  given: readonly SpilledRow[],
  stored: Item | undefined,
): Promise<string | undefined> {
  const { waiting, tally, dryRun } = settling;
  const waited = await waiting.of(projectId);
  const texts = new Set(given.map(({ text }) => text));
  // Those that waited came first; one that comes again is counted as what comes now.
  const earlier = waited.filter(({ text }) => !texts.has(text)).map(rowOf);
  const now = given.map(rowOf);
  const { outcomes, fate, refused } = await placeGroup(settling, projectId, [...earlier, ...now], stored);
  if (!dryRun) await keepWaiting(waiting, projectId, waited, outcomes);
  if (fate !== undefined && !(settling.upgrade && refused !== undefined)) tally.project(fate);
  const fromInput = new Set<Row>(now);
  for (const outcome of outcomes)
    if (fromInput.has(outcome.row)) await account(tally, outcome);
    else if (outcome.reason === undefined) tally.waitedAndMerged();
  return refused;
}

function rowOf({ origin, text }: SpilledRow): Row {
  return readRow(text, origin);
}

/** After the write: a run that is killed in between finds them merged when it looks again. */
async function keepWaiting(
  waiting: WaitingRows,
  projectId: string,
  waited: readonly SpilledRow[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const left = outcomes.filter(
    ({ row, reason }) => reason !== undefined && MAY_COME.has(reason) && row.kind !== "project",
  );
  const rows = new Map(left.map(({ row: { origin, text } }) => [text, { origin, text }]));
  const before = waited.map(({ text }) => text);
  if (before.length === rows.size && before.every((text) => rows.has(text))) return;
  await waiting.put(projectId, [...rows.values()]);
}

async function account(tally: Tally, { row, reason, detail }: Outcome): Promise<void> {
  if (reason === undefined) {
    tally.merged();
    return;
  }
  const { origin, kind, key, project_id } = row;
  await tally.notMerged({
    ...origin,
    kind,
    key,
    project_id,
    reason,
    ...(detail !== undefined && { detail }),
  });
}
