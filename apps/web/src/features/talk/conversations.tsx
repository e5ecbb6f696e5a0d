import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RelativeTime } from "../../components/relative-time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { conversationsQuery, useApi } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { messages } from "./messages.ts";

/** The conversations with the same agent, the last active first. */
export function Conversations({ agentId, here }: { agentId: string; here: string }) {
  const t = useMessages(messages);
  return (
    <nav
      aria-label={t.conversations}
      className="flex w-64 shrink-0 flex-col gap-1 overflow-y-auto border-line border-r bg-surface p-2"
    >
      <h2 className="px-2 pt-1 pb-1 font-medium text-ink-3 text-xs">{t.conversations}</h2>
      <ConversationLinks agentId={agentId} here={here} />
    </nav>
  );
}

export function ConversationLinks({ agentId, here }: { agentId: string; here?: string }) {
  const t = useMessages(messages);
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    conversationsQuery(useApi(), agentId),
  );
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      {rows.map(({ session_id, title, last_active_at, turns }) => (
        <Link
          aria-current={session_id === here ? "page" : undefined}
          className={cn(
            "block rounded-md px-2 py-1.5 hover:bg-hover max-sm:py-2.5",
            session_id === here && "bg-selected",
          )}
          key={session_id}
          params={{ sessionId: session_id }}
          to="/talk/$sessionId"
        >
          <span className="block truncate text-sm">{title || t.untitled}</span>
          <span className="block text-ink-3 text-xs">
            {t.turns(turns)} · <RelativeTime at={last_active_at} narrow />
          </span>
        </Link>
      ))}
      {hasNextPage && (
        <Button disabled={isFetchingNextPage} look="ghost" onClick={() => void fetchNextPage()} size="small">
          {t.older}
        </Button>
      )}
    </>
  );
}
