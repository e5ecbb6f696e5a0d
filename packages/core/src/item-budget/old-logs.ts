import type { LogStore } from "../ports/artifact-store.ts";
import { tailOf } from "../project/stage.ts";
import { withContents } from "../snapshot/derive.ts";
import { LIMITS, utf8Bytes } from "../snapshot/limits.ts";
import { textsOf } from "../snapshot/log-line.ts";
import type { Project, Stage } from "../snapshot/schema.ts";

/** The chunk of a log that is older than any report: reports begin at 1. */
const OLD_CHUNK = 0;
const PAGE = 1000;

/** The stage with the whole of its old log, as imports want it. A log of reports stays where it is. */
export async function inflateLogs(project: Project, position: number, store: LogStore): Promise<Project> {
  const stage = project.stages_snapshot.stages[position];
  if (stage?.log_seq !== OLD_CHUNK) return project;
  const ref = { project_id: project.project_id, stage: stage.stage, attempt: stage.attempt };
  const logs: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.read(ref, { cursor, limit: PAGE, upTo: OLD_CHUNK });
    logs.push(...textsOf(page.lines));
    if (page.end) break;
    cursor = page.cursor;
  }
  const { log_seq: _q, ...rest } = stage;
  return withContents(project, position, { ...rest, logs });
}

/** The project with its long old logs in the log store; the item keeps the tail of those that failed. */
export async function spillLogs(project: Project, store: LogStore): Promise<Project> {
  let moved = project;
  for (const [position, stage] of project.stages_snapshot.stages.entries())
    if (isLong(stage)) moved = withContents(moved, position, await moveLog(project, stage, store));
  return moved;
}

function isLong({ logs = [] }: Stage): boolean {
  return logs.length > LIMITS.tailLines || logs.reduce((sum, line) => sum + utf8Bytes(line), 0) > LIMITS.tail;
}

async function moveLog(project: Project, stage: Stage, store: LogStore): Promise<Stage> {
  const { logs = [], ...rest } = stage;
  const ref = { project_id: project.project_id, stage: stage.stage, attempt: stage.attempt };
  await store.append(ref, OLD_CHUNK, logs);
  return { ...rest, log_seq: OLD_CHUNK, ...(stage.status === "failed" && { logs: tailOf(logs) }) };
}
