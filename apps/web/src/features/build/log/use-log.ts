import { useEffect, useRef, useState } from "react";
import { useApi } from "../../../lib/api.ts";
import { mayPass } from "../../../lib/errors.ts";
import { LogBuffer } from "./buffer.ts";
import { type LogState, readLog } from "./read-log.ts";

/** Lines in one answer: as many as the API gives. */
const PAGE = 1000;
/** How long to wait at the end of a log that grows, unless the project changes first. Milliseconds. */
const IDLE_MS = 2000;
const MOST_MS = 10_000;

export interface LogRef {
  readonly projectId: string;
  readonly stage: string;
  readonly attempt: number;
  /** Rises with every change of the project: then there may be new lines. */
  readonly revision: number;
}

export interface Log {
  readonly buffer: LogBuffer;
  readonly state: LogState;
  /** Why it cannot be read at all. */
  readonly error?: unknown;
}

/** The log of one attempt, from its beginning on, for as long as it grows. */
export function useLog({ projectId, stage, attempt, revision }: LogRef): Log {
  const api = useApi();
  const [log, setLog] = useState<Log>(() => ({ buffer: new LogBuffer(), state: "reading" }));
  const wakers = useRef(new Set<() => void>());

  useEffect(() => {
    const buffer = new LogBuffer();
    const ending = new AbortController();
    const { signal } = ending;
    setLog({ buffer, state: "reading" });
    const source = {
      ask: (cursor: string | undefined) =>
        api.stages.logs({ project_id: projectId, stage, attempt, limit: PAGE, cursor }, { signal }),
      wait: (failures: number) => waitFor(wakers.current, failures, signal),
      mayPass: (error: unknown) => !signal.aborted && mayPass(error),
    };
    readLog(source, buffer, (state) => {
      if (!signal.aborted) setLog({ buffer, state });
    }).catch((error: unknown) => {
      if (!signal.aborted) setLog({ buffer, state: "over", error });
    });
    return () => ending.abort();
  }, [api, projectId, stage, attempt]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new revision is the occasion
  useEffect(() => {
    for (const wake of wakers.current) wake();
  }, [revision]);

  return log;
}

/** Until the project changes or some time is over; after failures longer each time, whatever changes. */
function waitFor(wakers: Set<() => void>, failures: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ms = failures === 0 ? IDLE_MS : Math.min(MOST_MS, 500 * 2 ** failures);
    const done = (end: () => void) => () => {
      clearTimeout(timer);
      wakers.delete(wake);
      signal.removeEventListener("abort", abort);
      end();
    };
    const wake = done(resolve);
    const abort = done(() => reject(signal.reason));
    const timer = setTimeout(wake, ms);
    if (failures === 0) wakers.add(wake);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}
