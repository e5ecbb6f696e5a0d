import type { ImportSummary } from "@stagefold/migrate";
import { escaped } from "../view/escape.ts";
import { plural } from "../view/format.ts";

/** What an import did, for people. */
export function summaryLines(
  summary: ImportSummary,
  { requests, seconds }: { readonly requests: number; readonly seconds: number },
): string[] {
  const { read, projects, dry_run, not_merged } = summary;
  const would = dry_run ? "would be " : "";
  const reasons = Object.entries(not_merged).filter(([, count]) => count > 0);
  return [
    `${plural(summary.rows, "row")}: ${read.project} of projects, ${read.stage} of stages, ${read.artifact} of artifacts${read.unreadable > 0 ? `, ${read.unreadable} that are none` : ""}`,
    `${would}merged: ${summary.merged}${summary.deferred.merged > 0 ? `, and ${summary.deferred.merged} deferred earlier` : ""}`,
    ...reasons.map(([reason, count]) => `${reason}: ${count}`),
    `projects: ${projects.created} ${would}created, ${projects.changed} ${would}changed, ${projects.unchanged} unchanged`,
    ...(summary.report === null ? [] : [`rows that were not merged: ${escaped(summary.report)}`]),
    ...(projects.created + projects.changed === 0 && !summary.interrupted ? ["nothing changed"] : []),
    ...(summary.interrupted ? ["stopped before its end; run it again, it goes on"] : []),
    `${plural(requests, "request")} in ${seconds.toFixed(1)} s`,
  ];
}
