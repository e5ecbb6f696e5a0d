import { type Item, normalise } from "@stagefold/core";
import type { Write } from "../net/journal.ts";
import type { Finding } from "./finding.ts";
import type { ProjectHistory } from "./history.ts";

/** What was written to the projects that something was found of, for the reader who looks for the cause. */
export function timelines(findings: readonly Finding[], histories: readonly ProjectHistory[]): string {
  const found = new Set(findings.map(({ where }) => where));
  return histories
    .filter(({ project_id }) => found.has(project_id))
    .map(({ project_id, writes }) => [project_id, ...writes.map(line)].join("\n  "))
    .join("\n");
}

function line(write: Write): string {
  const { via, operation, visible, token, seq, outcome, item } = write;
  const times = `${Math.round(write.sentAt)} to ${Math.round(write.answeredAt)} ms`;
  const kind = visible ? operation : "heartbeat";
  const key = token === undefined ? "" : ` under ${token}/${seq ?? "-"}`;
  return `${times}: ${via}, ${kind}${key}: ${outcome}${item ? `, ${stateOf(item)}` : ""}`;
}

function stateOf(item: Item): string {
  const { revision, status, lease_token, lease_seq, lease, stages_snapshot, control } = normalise(item);
  const stages = stages_snapshot.stages.map((stage) => `${stage.stage} ${stage.status} ${stage.attempt}`);
  const held = lease.expires_at === undefined ? "free" : `until ${lease.expires_at}`;
  return `revision ${revision}, ${status}, ${lease_token}/${lease_seq}, ${held}, ${control?.op ?? "-"}, ${stages.join(", ")}`;
}
