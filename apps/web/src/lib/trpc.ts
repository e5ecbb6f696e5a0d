import type { AppRouter } from "@stagefold/api/router";
import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCClient,
} from "@trpc/client";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { createTRPCContext } from "@trpc/tanstack-react-query";

/** What procedures take and answer, from the router itself. */
export type Inputs = inferRouterInputs<AppRouter>;
export type Outputs = inferRouterOutputs<AppRouter>;
export type Project = Outputs["projects"]["get"];
export type ProjectSummary = Outputs["projects"]["list"]["items"][number];
export type Stage = Project["stages_snapshot"]["stages"][number];
export type ProjectStatus = ProjectSummary["status"];
export type StageStatus = Stage["status"];
export type Pipeline = Outputs["pipelines"]["list"]["items"][number];

export type Client = TRPCClient<AppRouter>;

/** The API takes this many calls in one request, and so many bytes of address. */
const BATCH = { maxItems: 20, maxURLLength: 8000 };

export function createClient(url = "/trpc"): Client {
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === "subscription",
        true: httpSubscriptionLink({ url }),
        false: httpBatchLink({ url, ...BATCH }),
      }),
    ],
  });
}

/** `const trpc = useTRPC()`, then `useQuery(trpc.stages.logs.queryOptions(…))`, `useMutation(trpc.projects.pause.mutationOptions())`. */
export const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();
