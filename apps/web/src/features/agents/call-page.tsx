import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { TurnView } from "../../components/turn/turn-view.tsx";
import { BACK } from "../../components/ui/back.ts";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { agentQuery, invocationQuery, useApi } from "../../lib/api.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";

/** How often a call that runs is read. Milliseconds. */
const POLL_MS = 1000;

/** One call without a conversation. */
export function CallPage() {
  const t = useMessages(messages);
  const { invocationId = "" } = useParams({ strict: false });
  const api = useApi();
  const {
    data: turn,
    error,
    refetch,
  } = useQuery({
    ...invocationQuery(api, invocationId),
    refetchInterval: ({ state }) => (state.data?.status === "running" ? POLL_MS : false),
  });
  const { data: agent } = useQuery({
    ...agentQuery(api, turn?.agent_id ?? ""),
    enabled: turn !== undefined,
  });
  usePageTitle(t.call);
  return (
    <PageScroll narrow>
      {turn && (
        <Link className={BACK} params={{ agentId: turn.agent_id }} to="/agents/$agentId">
          <ChevronLeft aria-hidden className="size-4" />
          {agent?.title ?? turn.agent_id}
        </Link>
      )}
      <h1 className="mt-1 mb-4 font-semibold text-xl">
        {t.call} <span className="font-mono font-normal text-ink-3 text-xs">{invocationId}</span>
      </h1>
      {error && !turn && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!turn && !error && <Skeleton className="h-64 rounded-xl" />}
      {turn && <TurnView turn={turn} />}
    </PageScroll>
  );
}
