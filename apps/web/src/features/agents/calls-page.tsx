import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { ChevronLeft, MessagesSquare } from "lucide-react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { BACK } from "../../components/ui/back.ts";
import { Button } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { agentQuery, invocationsQuery, useApi } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { CallTable } from "./call-table.tsx";
import { messages } from "./messages.ts";

const STATUSES = ["running", "completed", "failed", "cancelled", "interrupted"] as const;

/** Every call of an agent: who asked what, how it ended, what it cost. */
export function CallsPage() {
  const t = useMessages(messages);
  const { agentId = "" } = useParams({ strict: false });
  const search: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const status = STATUSES.find((one) => one === search.status);
  const api = useApi();
  const { data: agent, error: unknown } = useQuery(agentQuery(api, agentId));
  const query = useInfiniteQuery(
    invocationsQuery(api, { agent_id: agentId, ...(status !== undefined && { status }) }),
  );
  const rows = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const title = t.callsOf(agent?.title ?? agentId);
  usePageTitle(title);
  return (
    <PageScroll>
      <Link className={BACK} params={{ agentId }} to="/agents/$agentId">
        <ChevronLeft aria-hidden className="size-4" />
        {agent?.title ?? agentId}
      </Link>
      <h1 className="mt-1 mb-3 font-semibold text-xl [overflow-wrap:anywhere]">{title}</h1>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame */}
      <div aria-label={t.status} className="mb-3 flex gap-1 overflow-x-auto" role="group">
        {[undefined, ...STATUSES].map((one) => (
          <Link
            aria-current={one === status ? "true" : undefined}
            className={cn(
              "target whitespace-nowrap rounded-full border px-3 py-1 text-sm",
              one === status
                ? "border-accent-strong bg-selected text-accent"
                : "border-line text-ink-2 hover:text-ink",
            )}
            key={one ?? "all"}
            params={{ agentId }}
            replace
            search={one === undefined ? {} : { status: one }}
            to="/agents/$agentId/calls"
          >
            {one === undefined ? t.anyStatus : t[`status_${one}`]}
          </Link>
        ))}
      </div>
      {query.error && !query.data && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-64 rounded-xl" />}
      {query.data &&
        rows.length === 0 &&
        // The calls of an agent that is deleted are there for longer than it.
        (unknown ? <ErrorState error={unknown} /> : <EmptyState icon={MessagesSquare} title={t.noCalls} />)}
      {rows.length > 0 && <CallTable rows={rows} />}
      {query.hasNextPage && (
        <div className="mt-4 text-center">
          <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t.more}
          </Button>
        </div>
      )}
    </PageScroll>
  );
}
