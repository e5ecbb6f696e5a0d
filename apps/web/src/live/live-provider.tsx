import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { useTRPC } from "../lib/trpc.ts";
import { applyEvent, type Cache } from "./cache.ts";
import type { Connection } from "./events.ts";
import type { LiveHub } from "./hub.ts";
import { RecentLines } from "./recent.ts";

interface Live {
  readonly hub: LiveHub;
  readonly cache: Required<Cache>;
}

const LiveContext = createContext<Live | undefined>(undefined);

/** Keeps what the queries have read up to date, as long as the page is open. */
export function LiveProvider({ live: hub, children }: { live: LiveHub; children: ReactNode }) {
  const queries = useQueryClient();
  const trpc = useTRPC();
  const live = useMemo(
    () => ({ hub, cache: { queries, trpc, recent: new RecentLines() } }),
    [hub, queries, trpc],
  );
  useEffect(() => {
    const unlisten = live.hub.on(applyEvent(live.cache));
    const stop = live.hub.start();
    return () => {
      stop();
      unlisten();
    };
  }, [live]);
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
    (listener) => hub.on(listener),
    () => hub.connection,
  );
}
