import type { LogChange, LogLine, ManyChange, Page } from "./api.ts";
import type { StagefoldClient } from "./client.ts";
import { LogLines, type WholeLine } from "./log-lines.ts";
import { mayPass, pause, pauseAfter } from "./watch.ts";

/** Lines in one answer: as many as the API gives. */
const PAGE = 1000;

/**
 * What one stream of `projects.watchMany` follows: projects as a whole, others are read when it names them; and logs. So
 * many the API allows.
 */
export const WATCHED = { projects: 50, logs: 8 } as const;

/** The log of one attempt. */
export interface LogRef {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt: number;
}

/** One text for each log. */
export function logKey({ project_id, stage, attempt }: LogRef): string {
  return `${project_id} ${stage} ${attempt}`;
}

/** A change that says no more than that there may be lines: for a log that a stream has no room for. */
export function unreadLog({ project_id, stage, attempt }: LogRef): Extract<ManyChange, { kind: "log" }> {
  return { kind: "log", project_id, stage, attempt, lines: [], from: null, cursor: "", over: false };
}

/**
 * Calls the listener with each change of a log that an event stream brings, until the answer is called. The stream may
 * begin it at the cursor, where the reader is now, or anywhere else: what does not continue the reader's lines is read.
 */
export type WatchLog = (
  log: LogRef & { readonly cursor: string },
  onChange: (change: LogChange) => void,
) => () => void;

/** What has become of a log since the last one of these. */
export interface FollowedLog {
  /** Lines that have ended. */
  readonly lines: readonly WholeLine[];
  /** Those that have begun and not ended: they replace the ones of the last time. */
  readonly open: readonly WholeLine[];
  /** `reading`: there are more already. `following`: more may come. `away`: no answer, trying again. */
  readonly state: "reading" | "following" | "away" | "over";
  /** Why it is away. */
  readonly error?: unknown;
}

/**
 * The lines of a log: those that are there, page by page, then those that a stream brings, until no more can come. Each
 * line comes once, whatever the stream skips or repeats, since a change counts only where it begins at the reader's own
 * cursor. Errors: those of `stages.logs` that trying again cannot help. Ends without one when the signal is aborted.
 */
export async function* followLog(
  client: Pick<StagefoldClient, "stages">,
  log: LogRef,
  { watch, signal }: { readonly watch: WatchLog; readonly signal: AbortSignal },
): AsyncGenerator<FollowedLog, void> {
  const lines = new LogLines();
  const changes: LogChange[] = [];
  let cursor: string | undefined;
  let state: "reading" | "following" = "reading";
  let leave: (() => void) | undefined;
  /** The stream has said that no more comes by it. */
  let streamEnded = false;
  let failures = 0;
  let wake: () => void = () => undefined;
  const onAbort = () => wake();
  const followed = (entries: readonly LogLine[], over: boolean): FollowedLog => {
    const ended = lines.add(entries);
    if (over) ended.push(...lines.end());
    return { lines: ended, open: lines.open, state: over ? "over" : state };
  };
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      // The answer has all that these have.
      changes.length = 0;
      let page: Page<LogLine>;
      try {
        const { project_id, stage, attempt } = log;
        page = await client.stages.logs({ project_id, stage, attempt, limit: PAGE, cursor }, { signal });
      } catch (error) {
        if (signal.aborted) return;
        if (!mayPass(error)) throw error;
        yield { lines: [], open: lines.open, state: "away", error };
        failures += 1;
        await pause(pauseAfter(failures, error), signal);
        continue;
      }
      const isEnd = page.next_cursor === null || page.items.length === 0;
      if (isEnd && leave) state = "following";
      yield followed(page.items, page.next_cursor === null);
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
      if (!isEnd) continue;
      if (!leave) {
        leave = watch({ ...log, cursor }, (change) => {
          changes.push(change);
          wake();
        });
        // What came before this listener is read once more.
        continue;
      }
      if (streamEnded) {
        failures += 1;
        await pause(pauseAfter(failures, undefined), signal);
        continue;
      }
      failures = 0;
      for (let isNext = true; isNext && !signal.aborted; ) {
        const change = changes.shift();
        if (change === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (changes.length > 0 || signal.aborted) resolve();
          });
          continue;
        }
        isNext = change.from === cursor || (change.cursor === cursor && !change.over);
        if (change.from === cursor) {
          cursor = change.cursor;
          yield followed(change.lines, change.over);
          if (change.over) return;
        } else streamEnded ||= change.over;
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    leave?.();
  }
}
