import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { applyEvents } from "./cache.ts";
import type { LiveHub } from "./hub.ts";
import type { Connection } from "./leader.ts";
import { RecentLines } from "./lists.ts";

interface Live {
  readonly hub: LiveHub;
  readonly recent: RecentLines;
}

const LiveContext = createContext<Live | undefined>(undefined);

/** Keeps what the queries have read up to date, as long as the page is open. */
export function LiveProvider({ live: hub, children }: { live: LiveHub; children: ReactNode }) {
  const queries = useQueryClient();
  const live = useMemo(() => ({ hub, recent: new RecentLines() }), [hub]);
  useEffect(() => {
    const unsubscribe = live.hub.subscribe(applyEvents(queries, live.recent));
    const stop = live.hub.start();
    return () => {
      stop();
      unsubscribe();
    };
  }, [live, queries]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("useLive needs a LiveProvider above it");
  return live;
}

/** How the event stream stands. */
export function useConnection(): Connection {
  const { hub } = useLive();
  return useSyncExternalStore(
    (listener) => hub.subscribe(listener),
    () => hub.connection,
  );
}
