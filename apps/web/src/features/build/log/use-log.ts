import { type FollowedLog, followLog } from "@stagefold/client";
import { useEffect, useState } from "react";
import { useApi } from "../../../lib/api.ts";
import { useLive } from "../../../live/live-provider.tsx";
import { LogBuffer } from "./buffer.ts";

export interface LogRef {
  readonly projectId: string;
  readonly stage: string;
  readonly attempt: number;
}

export interface Log {
  readonly buffer: LogBuffer;
  readonly state: FollowedLog["state"];
  /** Why it cannot be read at all. */
  readonly error?: unknown;
}

/** The log of one attempt, from its beginning on, for as long as it grows. */
export function useLog({ projectId, stage, attempt }: LogRef): Log {
  const api = useApi();
  const { hub } = useLive();
  const [log, setLog] = useState<Log>(() => ({ buffer: new LogBuffer(), state: "reading" }));

  useEffect(() => {
    const buffer = new LogBuffer();
    const ending = new AbortController();
    const { signal } = ending;
    const follow = async () => {
      const ref = { project_id: projectId, stage, attempt };
      for await (const { lines, open, state } of followLog(api, ref, { watch: hub.watchLog, signal })) {
        buffer.append(lines, open);
        setLog((log) => (log.buffer === buffer && log.state === state ? log : { buffer, state }));
      }
    };
    setLog({ buffer, state: "reading" });
    follow().catch((error: unknown) => {
      if (!signal.aborted) setLog({ buffer, state: "over", error });
    });
    return () => ending.abort();
  }, [api, hub, projectId, stage, attempt]);

  return log;
}
