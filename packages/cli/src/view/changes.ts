import type { Project, Stage } from "@stagefold/client";
import { escaped } from "./escape.ts";
import { duration, percent, plural } from "./format.ts";
import { gateTexts } from "./project-lines.ts";
import { statusText } from "./status.ts";

/** Of a build that was asked for: `found` where its key had made it before. */
export function createdLine(
  project: Pick<Project, "project_id" | "project_name"> & { again?: true },
): string {
  return `${project.again ? "found" : "created"} ${project.project_id}  ${escaped(project.project_name)}`;
}

/** What has happened between two looks at a build, in lines for a file or a pipe. The first look tells how it stands. */
export function changeLines(before: Project | undefined, now: Project): string[] {
  const lines: string[] = [];
  const changed =
    before !== undefined && statusText(before) !== statusText(now)
      ? [`${now.project_id} ${statusText(now)}${reasonOf(now)}`]
      : [];
  // A build begins before its first stage does, and ends after its last one.
  const ended = now.status === "completed" || now.status === "failed" || now.status === "cancelled";
  if (before === undefined) lines.push(`${now.project_id} ${escaped(now.project_name)}: ${statusText(now)}`);
  if (!ended) lines.push(...changed);
  const total = now.stages_snapshot.total;
  for (const [position, stage] of now.stages_snapshot.stages.entries()) {
    const text = stageChange(before?.stages_snapshot.stages[position], stage);
    if (text !== undefined)
      lines.push(`[${stage.stage_number}/${total}] ${escaped(stage.stage_name)}: ${text}`);
  }
  if (now.status === "waiting" && before?.waiting?.since !== now.waiting.since)
    lines.push(...gateTexts(now.waiting, now.project_id));
  if (ended) lines.push(...changed);
  return lines;
}

function stageChange(before: Stage | undefined, stage: Stage): string | undefined {
  const same = before?.status === stage.status && before.attempt === stage.attempt;
  if (same && before.progress === stage.progress) return undefined;
  switch (stage.status) {
    case "pending":
      return stage.attempt > 0 && !same
        ? `to be tried again: ${escaped(stage.error_message ?? "")}`
        : undefined;
    case "running": {
      const attempt = stage.attempt > 1 ? ` (attempt ${stage.attempt})` : "";
      return same ? percent(stage.progress) : `started${attempt}`;
    }
    case "waiting":
      return same ? undefined : "waits for an answer";
    case "failed":
      return same ? undefined : `failed: ${escaped(stage.error_message)}`;
    case "completed": {
      if (same) return undefined;
      const count = stage.output_data.artifact_count ?? stage.output_data.artifacts.length;
      const took = stage.duration_seconds === undefined ? "" : ` in ${duration(stage.duration_seconds)}`;
      return `completed${took}${count > 0 ? `, ${plural(count, "artifact")}` : ""}`;
    }
    case "skipped":
    case "cancelled":
      return same ? undefined : stage.status;
    default:
      return stage satisfies never;
  }
}

function reasonOf(project: Project): string {
  if (project.status !== "failed") return "";
  return ` (${project.error_info.code}): ${escaped(project.error_info.message)}`;
}
