import { type Item, normalise } from "@stagefold/core";
import type { Journal } from "../net/journal.ts";

/** Builds that were held by a process when something happened to it. */
export interface Incident {
  readonly what: "kill" | "freeze";
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  readonly held: readonly Held[];
}

interface Held {
  readonly project_id: string;
  readonly token: number;
  /** What a person did last to it. */
  readonly op: string | undefined;
}

/** What the process of this pid holds just now, as far as acknowledged writes tell. */
export function heldBy(journal: Journal, projects: readonly string[], pid: number): Held[] {
  return projects.flatMap((project_id) => {
    const item = journal.latest(project_id);
    return item && ownerOf(item)?.includes(`-${pid}-`) === true
      ? [{ project_id, token: Number(item.lease_token), op: normalise(item).control?.op }]
      : [];
  });
}

/** Milliseconds until each of them ran again under another lease owner; one that a person stopped meanwhile has none. */
export function recoveries(journal: Journal, { at, held }: Incident): number[] {
  return held.flatMap(({ project_id, token, op }) => {
    const again = journal
      .writesTo(project_id)
      .filter(({ outcome, item, answeredAt }) => outcome === "accepted" && item && answeredAt > at)
      .filter(({ item }) => item && runsUnder(item, token))
      .sort((a, b) => a.answeredAt - b.answeredAt)[0];
    const undisturbed = again?.item && normalise(again.item).control?.op === op;
    return again && undisturbed ? [again.answeredAt - at] : [];
  });
}

function runsUnder(item: Item, above: number): boolean {
  const { lease_token, lease, status, stages_snapshot } = normalise(item);
  const runs = stages_snapshot.stages.some((stage) => stage.status === "running");
  // A fresh lease is one whose lease owner has not written yet: what runs is what the last one left.
  return lease_token > above && status === "building" && lease.unstarted !== true && runs;
}

function ownerOf(item: Item): string | undefined {
  const { lease } = item;
  if (typeof lease !== "object" || lease === null || !("owner" in lease)) return undefined;
  return typeof lease.owner === "string" ? lease.owner : undefined;
}
