// Long because: one place says what the page reads, and under which keys.
import type { Inputs, Outputs, StagefoldClient } from "@stagefold/client";
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { createContext, useContext } from "react";

export type {
  Inputs,
  LinkedQuestion,
  ManyChange,
  Outputs,
  PipelineInfo,
  Project,
  ProjectStatus,
  ProjectSummary,
  Stage,
  StagefoldClient,
  StageStatus,
} from "@stagefold/client";

export const ApiContext = createContext<StagefoldClient | undefined>(undefined);

/** The API that serves this page. */
export function useApi(): StagefoldClient {
  const api = useContext(ApiContext);
  if (!api) throw new Error("useApi needs an ApiContext above it");
  return api;
}

const MINUTE_MS = 60_000;

// What the page reads. The first word of a key is what `live/cache.ts` finds it by.

export function projectQuery(api: StagefoldClient, project_id: string) {
  return queryOptions({
    queryKey: ["project", project_id],
    queryFn: ({ signal }) => api.projects.get({ project_id }, { signal }),
  });
}

/** What a build was given, beside its requirement. */
export function projectInputQuery(api: StagefoldClient, project_id: string) {
  return queryOptions({
    queryKey: ["project input", project_id],
    queryFn: ({ signal }) => api.projects.input({ project_id }, { signal }),
    staleTime: 0,
  });
}

/** Which builds a list has. */
export type BuildFilter = Omit<Extract<Inputs["projects"]["list"], object>, "limit" | "cursor">;

export function buildsQuery(api: StagefoldClient, filter: BuildFilter, limit: number) {
  return infiniteQueryOptions({
    queryKey: ["builds", filter],
    queryFn: ({ signal, pageParam: cursor }) => api.projects.list({ ...filter, limit, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
  });
}

/** The last completed builds of a pipeline: how long they took says how long the next one takes. */
export function earlierBuildsQuery(api: StagefoldClient, pipeline: string | undefined) {
  return queryOptions({
    queryKey: ["earlier builds", pipeline],
    queryFn: ({ signal }) => api.projects.list({ status: "completed", pipeline, limit: 20 }, { signal }),
    staleTime: 5 * MINUTE_MS,
  });
}

export function pipelinesQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["pipelines"],
    queryFn: ({ signal }) => api.pipelines.list({ limit: 100 }, { signal }),
    staleTime: 5 * MINUTE_MS,
  });
}

/** Pipeline files that are wrong. The API reads a file again within a second of its change. */
export function pipelineProblemsQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["pipelines", "problems"],
    queryFn: ({ signal }) => api.pipelines.problems({ limit: 100 }, { signal }),
    staleTime: 0,
    refetchInterval: MINUTE_MS / 20,
  });
}

export function systemQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["system"],
    queryFn: ({ signal }) => api.system.info(undefined, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export const SESSION_KEY = ["session"] as const;

/** Who the reader is, as the API sees it. */
export function sessionQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: SESSION_KEY,
    queryFn: ({ signal }) => api.session.get(undefined, { signal }),
  });
}

export type ModelCall = Outputs["stages"]["calls"]["items"][number];

/** What an attempt asked a language model. */
export function modelCallsQuery(
  api: StagefoldClient,
  attempt: { project_id: string; stage: string; attempt: number },
) {
  return infiniteQueryOptions({
    queryKey: ["model calls", attempt],
    queryFn: ({ signal, pageParam: cursor }) =>
      api.stages.calls({ ...attempt, limit: 20, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
  });
}

export type Agent = Outputs["agents"]["get"];
export type AgentRow = Outputs["agents"]["list"]["items"][number];
export type Turn = Outputs["turns"]["get"];
export type TurnRow = Outputs["invocations"]["list"]["items"][number];
export type Conversation = Outputs["sessions"]["get"];

export type AgentFilter = Omit<NonNullable<Inputs["agents"]["list"]>, "limit" | "cursor">;

export function agentsQuery(api: StagefoldClient, filter: AgentFilter) {
  return infiniteQueryOptions({
    queryKey: ["agents", filter],
    queryFn: ({ signal, pageParam: cursor }) => api.agents.list({ ...filter, limit: 50, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
  });
}

export function agentQuery(api: StagefoldClient, agent_id: string) {
  return queryOptions({
    queryKey: ["agent", agent_id],
    queryFn: ({ signal }) => api.agents.get({ agent_id }, { signal }),
    staleTime: 5000,
  });
}

export function conversationQuery(api: StagefoldClient, session_id: string) {
  return queryOptions({
    queryKey: ["conversation", session_id],
    queryFn: ({ signal }) => api.sessions.get({ session_id }, { signal }),
    staleTime: 0,
  });
}

export function conversationsQuery(api: StagefoldClient, agent_id: string) {
  return infiniteQueryOptions({
    queryKey: ["conversations", agent_id],
    queryFn: ({ signal, pageParam: cursor }) =>
      api.sessions.list({ agent_id, limit: 30, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
  });
}

/** The turns of a conversation, the newest first. */
export function turnsQuery(api: StagefoldClient, session_id: string) {
  return infiniteQueryOptions({
    queryKey: ["turns", session_id],
    queryFn: ({ signal, pageParam: cursor }) => api.turns.list({ session_id, limit: 30, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
  });
}

export type InvocationFilter = Omit<Inputs["invocations"]["list"], "limit" | "cursor">;

export function invocationsQuery(api: StagefoldClient, filter: InvocationFilter) {
  return infiniteQueryOptions({
    queryKey: ["invocations", filter],
    queryFn: ({ signal, pageParam: cursor }) =>
      api.invocations.list({ ...filter, limit: 50, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
  });
}

export function invocationQuery(api: StagefoldClient, invocation_id: string) {
  return queryOptions({
    queryKey: ["invocation", invocation_id],
    queryFn: ({ signal }) => api.invocations.get({ invocation_id }, { signal }),
    staleTime: 0,
  });
}

/** The workers that live, with what they run. */
export function workersQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["workers"],
    queryFn: ({ signal }) => api.workers.list({ limit: 100 }, { signal }),
    staleTime: 0,
    // A worker says every ten seconds what it does.
    refetchInterval: MINUTE_MS / 12,
  });
}

/** The queue, as far as a place in it says something. */
export function queueQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["queue"],
    queryFn: ({ signal }) => api.projects.list({ status: "queued", limit: 100 }, { signal }),
    staleTime: 0,
    refetchInterval: MINUTE_MS / 12,
  });
}

export function schedulesQuery(api: StagefoldClient) {
  return infiniteQueryOptions({
    queryKey: ["schedules"],
    queryFn: ({ signal, pageParam: cursor }) => api.schedules.list({ limit: 50, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
    refetchInterval: MINUTE_MS / 4,
  });
}

export function scheduleQuery(api: StagefoldClient, schedule_id: string) {
  return queryOptions({
    queryKey: ["schedule", schedule_id],
    queryFn: ({ signal }) => api.schedules.get({ schedule_id }, { signal }),
    staleTime: 0,
  });
}

export function webhooksQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["webhooks"],
    queryFn: ({ signal }) => api.webhooks.list(undefined, { signal }),
    staleTime: 0,
  });
}

/** What was sent to a webhook and what waits, the newest first. */
export function deliveriesQuery(api: StagefoldClient, webhook_id: string) {
  return infiniteQueryOptions({
    queryKey: ["deliveries", webhook_id],
    queryFn: ({ signal, pageParam: cursor }) =>
      api.webhooks.deliveries({ webhook_id, limit: 50, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
    refetchInterval: MINUTE_MS / 12,
  });
}

export function keysQuery(api: StagefoldClient) {
  return queryOptions({ queryKey: ["keys"], queryFn: ({ signal }) => api.keys.list(undefined, { signal }) });
}

export function auditQuery(api: StagefoldClient) {
  return infiniteQueryOptions({
    queryKey: ["audit"],
    queryFn: ({ signal, pageParam: cursor }) => api.audit.list({ limit: 50, cursor }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: 0,
  });
}

/** So many pages of the audit are read for one build. */
const AUDIT_PAGES = 5;

/** The rows of the audit since a build was created, as far back as a few pages reach. Read anew at each of its revisions. */
export function auditSinceQuery(api: StagefoldClient, since: string, revision: number) {
  return queryOptions({
    queryKey: ["audit since", since, revision],
    queryFn: async ({ signal }) => {
      const rows: Outputs["audit"]["list"]["items"] = [];
      let cursor: string | null = null;
      for (let page = 0; page < AUDIT_PAGES; page++) {
        const { items, next_cursor }: Outputs["audit"]["list"] = await api.audit.list(
          { limit: 100, cursor },
          { signal },
        );
        rows.push(...items);
        if (next_cursor === null || (items.at(-1)?.at ?? "") < since) break;
        cursor = next_cursor;
      }
      return rows.filter(({ at }) => at >= since);
    },
    placeholderData: keepPreviousData,
  });
}

export function overviewQuery(api: StagefoldClient) {
  return queryOptions({
    queryKey: ["statistics", "overview"],
    queryFn: ({ signal }) => api.stats.overview(undefined, { signal }),
    refetchInterval: MINUTE_MS / 4,
  });
}

export function buildStatsQuery(api: StagefoldClient, input: Inputs["stats"]["builds"]) {
  return queryOptions({
    queryKey: ["statistics", "builds", input],
    queryFn: ({ signal }) => api.stats.builds(input, { signal }),
    staleTime: MINUTE_MS / 6,
    refetchInterval: MINUTE_MS / 6,
  });
}
