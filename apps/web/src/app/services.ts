import { createClient, type StagefoldClient } from "@stagefold/client";
import { QueryClient } from "@tanstack/react-query";
import { BASE } from "../lib/base.ts";
import { mayPass } from "../lib/errors.ts";
import { LiveHub } from "../live/hub.ts";

/** What the page works with; made once. */
export interface Services {
  readonly api: StagefoldClient;
  readonly queries: QueryClient;
  readonly live: LiveHub;
}

export function createServices(): Services {
  const api = createClient({ url: location.origin + BASE });
  const queries = createQueries();
  return { api, queries, live: new LiveHub(api) };
}

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The event stream says when something changed; what is older than a break is read again then.
        staleTime: 30_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: "always",
        retry: (count, error) => count < 2 && mayPass(error),
        retryDelay: (count) => Math.min(4000, 500 * 2 ** count),
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}
