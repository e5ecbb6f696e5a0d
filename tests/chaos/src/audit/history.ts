import { isDeepStrictEqual } from "node:util";
import type { Item } from "@stagefold/core";
import type { Settled, Write } from "../net/journal.ts";
import type { Finding, FindingKind } from "./finding.ts";
import { checkSteps, type Step } from "./steps.ts";

/** What is known of one project: from earlier, from the wire, and from the table. */
export interface ProjectHistory {
  readonly project_id: string;
  readonly settled: Settled;
  readonly writes: readonly Write[];
  readonly stored: Item | undefined;
}

/** Compares what the engine acknowledged with what is stored, and each acknowledged write with those before it. */
export function checkHistory(history: ProjectHistory): Finding[] {
  const { project_id, writes } = history;
  const steps = stepsOf(history);
  const accepted = writes.filter(({ outcome }) => outcome === "accepted");
  return [
    ...checkAnswers(history),
    ...checkFence(project_id, accepted),
    ...checkRevisions(history, steps),
    ...checkStored(history, steps),
    ...checkSteps(project_id, steps),
  ];
}

function stepsOf({ settled, writes }: ProjectHistory): Step[] {
  const base: Step[] = settled ? [{ item: settled, seq: undefined }] : [];
  const made = writes.flatMap(({ outcome, visible, operation, item, seq }) =>
    outcome === "accepted" && visible && operation !== "DeleteItem" && item ? [{ item, seq }] : [],
  );
  return [...base, ...made.sort((a, b) => revisionOf(a.item) - revisionOf(b.item))];
}

const revisionOf = (item: Item) => Number(item.revision);

function checkAnswers({ project_id: where, writes }: ProjectHistory): Finding[] {
  return writes
    .filter(({ outcome }) => outcome === "wrong")
    .map(({ via, answer = "" }) => ({
      what: "request refused as wrong",
      where,
      detail: `${via}: ${answer}`,
    }));
}

/** No write of a lease owner takes effect once there is a newer token. */
function checkFence(where: string, accepted: readonly Write[]): Finding[] {
  const findings: Finding[] = [];
  for (const write of accepted) {
    if (write.token === undefined) continue;
    const { token, via } = write;
    const found = tokenOf(write);
    if (found !== token)
      findings.push({
        what: "superseded writer",
        where,
        detail: `${via} wrote under token ${token}; it was ${found}`,
      });
    const newer = accepted.find((other) => tokenOf(other) > token && other.answeredAt < write.sentAt);
    if (newer)
      findings.push({
        what: "superseded writer",
        where,
        detail: `${via} wrote under token ${token} after ${newer.via} under ${tokenOf(newer)}`,
      });
  }
  return findings;
}

const tokenOf = (write: Write) => Number(write.item?.lease_token ?? 0);

/** Each revision has one write, and each write one revision: what is missing must be in doubt. */
function checkRevisions(history: ProjectHistory, steps: readonly Step[]): Finding[] {
  const { project_id: where, settled, writes, stored } = history;
  const seen = new Set<number>();
  const findings: Finding[] = [];
  for (const { item } of steps) {
    if (seen.has(revisionOf(item)))
      findings.push({ what: "doubled write", where, detail: `revision ${revisionOf(item)} was made twice` });
    seen.add(revisionOf(item));
  }
  if (!stored) return findings;
  const from = settled ? revisionOf(settled) : 1;
  const missing: number[] = [];
  for (let revision = from; revision <= revisionOf(stored); revision++)
    if (!seen.has(revision)) missing.push(revision);
  const inDoubt = writes.filter(({ outcome, visible }) => outcome === "unknown" && visible).length;
  if (missing.length > inDoubt)
    findings.push({
      what: "unknown write",
      where,
      detail: `no write made the revisions ${missing.join(", ")}; ${inDoubt} writes are in doubt`,
    });
  return findings;
}

/** What is stored is what the last acknowledged write left, or one that is in doubt and came later. */
function checkStored({ project_id: where, settled, writes, stored }: ProjectHistory, steps: readonly Step[]) {
  const last = steps.at(-1)?.item;
  const deletes = writes.filter(({ operation }) => operation === "DeleteItem");
  // A delete that found nothing deleted nothing.
  const deleted = deletes.some(({ outcome, item }) => outcome === "accepted" && item !== undefined);
  const finding = (what: FindingKind, detail: string): Finding[] => [{ what, where, detail }];
  if (!stored) {
    const gone = settled === null || deleted || deletes.some(({ outcome }) => outcome === "unknown");
    return gone || !last ? [] : finding("lost write", "the project was acknowledged and is not in the table");
  }
  if (settled === null || deleted) return finding("came back", "it was deleted and is in the table");
  if (!last) return [];
  if (revisionOf(stored) < revisionOf(last))
    return finding("lost write", `revision ${last.revision} was acknowledged, ${stored.revision} is stored`);
  if (revisionOf(stored) === revisionOf(last) && !isDeepStrictEqual(unheld(stored), unheld(last)))
    return finding("lost write", `revision ${stored.revision} is stored with other contents`);
  return [];
}

/** Heartbeats move these without a revision, as long as the project is held. */
function unheld(item: Item): Item {
  const { lease, work_due_at: _w, ...rest } = item;
  if (typeof lease !== "object" || lease === null || !("owner" in lease)) return item;
  return { ...rest, lease: { ...lease, expires_at: "" } };
}
