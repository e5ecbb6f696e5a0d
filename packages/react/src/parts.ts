import { type Artifact, followLog, type LogRef, type Project } from "@stagefold/client";
import type { Entry } from "./entry.ts";
import { type Live, serially, toError } from "./live.ts";

/** Lines of a log that are kept: the last ones. */
const MAX_LINES = 5000;
/** Artifacts that are read: of a build that has more, the first ones. */
const MAX_ARTIFACTS = 1000;
const PAGE = 100;

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
    let followed: number | undefined;
    let ending = new AbortController();
    const follow = async (log: LogRef, { signal }: AbortController) => {
      let lines: readonly string[] = [];
      try {
        for await (const part of followLog(live.client, log, { watch: live.watchLog, signal })) {
          lines = [...lines, ...part.lines.map(({ text }) => text)].slice(-MAX_LINES);
          const shown = [...lines, ...part.open.map(({ text }) => text)];
          if (part.state === "away") entry.fail(toError(part.error));
          else if (part.state !== "reading") entry.set({ lines: shown, ended: part.state === "over" });
        }
      } catch (error) {
        if (signal.aborted) return;
        // The next state of the project begins it anew.
        followed = undefined;
        entry.fail(toError(error));
      }
    };
    const leave = onProject(live, project_id, entry, async (project) => {
      const present = project.stages_snapshot.stages.find((one) => one.stage === stage)?.attempt ?? 1;
      const now = attempt ?? Math.max(1, present);
      if (now === followed) return;
      followed = now;
      ending.abort();
      ending = new AbortController();
      void follow({ project_id, stage, attempt: now }, ending);
    });
    return () => {
      ending.abort();
      leave();
    };
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
