import { type Artifact, LogLines, type Project } from "@stagefold/client";
import type { Entry } from "./entry.ts";
import { type Live, serially } from "./live.ts";

/** Lines of a log that are kept: the last ones. */
const MAX_LINES = 5000;
/** Artifacts that are read: of a build that has more, the first ones. */
const MAX_ARTIFACTS = 1000;
const PAGE = 100;
const LOG_PAGE = 500;

export interface Log {
  /** The last 5000 lines, as they look now: pieces of a line are one, and a line that was rewritten is what it is last. */
  readonly lines: readonly string[];
  /** True when no more can come: the stage, or the attempt that was asked for, is over. */
  readonly ended: boolean;
}

/** Runs the work after every state of a project, one at a time; a state that comes meanwhile runs it once more. */
function onProject(
  live: Live,
  project_id: string,
  entry: { fail(error: Error): void },
  work: (project: Project, signal: AbortSignal) => Promise<void>,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const project = live.project(project_id);
  const run = serially(entry, signal, async () => {
    const { status, value, error } = project.read();
    if (status === "failed") throw error;
    if (value !== undefined) await work(value, signal);
  });
  const leave = project.subscribe(run);
  run();
  return () => {
    ending.abort();
    leave();
  };
}

/** The log of a stage as it grows: of one attempt, or of the present one. */
export function logOf(live: Live, project_id: string, stage: string, attempt?: number): Entry<Log> {
  const key = `log ${project_id} ${stage} ${attempt ?? ""}`;
  return live.other<Log>(key, (entry) => {
    let cursor: string | undefined;
    let shown: number | undefined;
    let whole = new LogLines();
    let lines: readonly string[] = [];
    let ended = false;
    return onProject(live, project_id, entry, async (project, signal) => {
      const now = attempt ?? project.stages_snapshot.stages.find((one) => one.stage === stage)?.attempt;
      let isChanged = now !== shown || entry.read().status !== "ready";
      if (now !== shown) [cursor, whole, lines, ended, shown] = [undefined, new LogLines(), [], false, now];
      while (!ended) {
        const at = { ...(attempt !== undefined && { attempt }), ...(cursor !== undefined && { cursor }) };
        const input = { project_id, stage, limit: LOG_PAGE, ...at };
        const page = await live.client.stages.logs(input, { signal });
        ended = page.next_cursor === null;
        const complete = [...whole.add(page.items), ...(ended ? whole.end() : [])];
        lines = [...lines, ...complete.map(({ text }) => text)].slice(-MAX_LINES);
        isChanged ||= ended || page.items.length > 0;
        cursor = page.next_cursor ?? undefined;
        if (page.items.length < LOG_PAGE) break;
      }
      if (isChanged) entry.set({ lines: [...lines, ...whole.open.map(({ text }) => text)], ended });
    });
  });
}

/** The artifacts of a build, or of one stage of it. */
export function artifactsOf(live: Live, project_id: string, stage?: string): Entry<readonly Artifact[]> {
  const key = `artifacts ${project_id} ${stage ?? ""}`;
  return live.other<readonly Artifact[]>(key, (entry) => {
    let shown = "";
    return onProject(live, project_id, entry, async (project, signal) => {
      // Read again when a stage has others than before.
      const listed = JSON.stringify(
        project.stages_snapshot.stages.map(
          ({ attempt, output_data: { artifacts, artifact_info, ...rest } }) => [
            attempt,
            artifacts,
            artifact_info,
            "artifact_count" in rest ? rest.artifact_count : 0,
          ],
        ),
      );
      if (listed === shown && entry.read().status === "ready") return;
      const items: Artifact[] = [];
      let cursor: string | null = null;
      do {
        const at: { cursor?: string } = cursor === null ? {} : { cursor };
        const of = stage === undefined ? {} : { stage };
        const input = { project_id, limit: PAGE, ...of, ...at };
        const page = await live.client.artifacts.listByProject(input, { signal });
        items.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor !== null && items.length < MAX_ARTIFACTS);
      shown = listed;
      entry.set(items);
    });
  });
}
