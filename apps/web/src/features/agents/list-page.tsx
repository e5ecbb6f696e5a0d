import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Bot, MessageSquare, SearchX } from "lucide-react";
import { useRef } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { RelativeTime } from "../../components/relative-time.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button, buttonClass } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { TextInput } from "../../components/ui/field.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type AgentRow, agentsQuery, useApi } from "../../lib/api.ts";
import { cutUtf8, SEARCH_BYTES } from "../../lib/cut-utf8.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import { useSettledText } from "../../lib/use-settled-text.ts";
import { useStartTalk } from "../talk/index.ts";
import { messages } from "./messages.ts";

/** The agents that builds have made. */
export function AgentsPage() {
  const t = useMessages(messages);
  const c = useMessages(common);
  const { text } = useSearch({ strict: false });
  const wanted = text === undefined || text === "" ? undefined : cutUtf8(String(text), SEARCH_BYTES);
  const query = useInfiniteQuery({
    ...agentsQuery(useApi(), wanted === undefined ? {} : { text: wanted }),
    placeholderData: keepPreviousData,
  });
  const agents = query.data?.pages.flatMap(({ items }) => items) ?? [];
  usePageTitle(t.agents);
  return (
    <PageScroll>
      <h1 className="font-semibold text-xl">{t.agents}</h1>
      <p className="mt-1 mb-4 text-ink-2">{t.intro}</p>
      <SearchAgents text={wanted ?? ""} />
      {query.error && !query.data && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-64 rounded-xl" />}
      {query.data && agents.length === 0 && (
        <EmptyState
          action={
            wanted === undefined && (
              <Link className={buttonClass({ look: "primary" })} search={{}} to="/new">
                {c.newBuild}
              </Link>
            )
          }
          icon={wanted === undefined ? Bot : SearchX}
          title={wanted === undefined ? t.none : t.noMatch}
        >
          {wanted === undefined && t.noneText}
        </EmptyState>
      )}
      <ul className="grid grid-cols-1 gap-3 md:grid-cols-2 xl:grid-cols-3">
        {agents.map((agent) => (
          <li key={agent.agent_id}>
            <AgentCard agent={agent} />
          </li>
        ))}
      </ul>
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

function SearchAgents({ text }: { text: string }) {
  const t = useMessages(messages);
  const navigate = useNavigate();
  const [typed, type] = useSettledText(
    text,
    (wanted) =>
      void navigate({ to: "/agents", search: wanted === "" ? {} : { text: wanted }, replace: true }),
  );
  const field = useRef<HTMLInputElement>(null);
  useShortcut("/", () => field.current?.focus());
  return (
    <search className="mb-4 block max-w-md">
      <TextInput
        aria-label={t.search}
        maxLength={SEARCH_BYTES}
        onChange={(event) => type(event.target.value)}
        placeholder={t.search}
        ref={field}
        type="search"
        value={typed}
      />
    </search>
  );
}

function AgentCard({ agent }: { agent: AgentRow }) {
  const t = useMessages(messages);
  const start = useStartTalk();
  const { agent_id, title, description, tools, unmet, status, version, tags, updated_at } = agent;
  return (
    <article className="relative flex h-full flex-col gap-2 rounded-xl border border-line bg-surface p-4 hover:border-line-strong">
      <div className="flex items-start gap-3">
        <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-selected text-accent">
          <Bot aria-hidden className="size-5" />
        </span>
        <div className="min-w-0 flex-1">
          <h2 className="truncate font-semibold">
            <Link
              className="after:absolute after:inset-0 after:rounded-xl hover:underline focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent-strong"
              params={{ agentId: agent_id }}
              to="/agents/$agentId"
            >
              {title}
            </Link>
          </h2>
          <p className="text-ink-3 text-xs">
            {[t.version(version), t.tools(tools)].join(" · ")}
            {unmet > 0 && <span className="text-warn"> · {t.unmet(unmet)}</span>}
            {status === "disabled" && <span className="text-bad"> · {t.disabled}</span>}
          </p>
        </div>
      </div>
      <p className="line-clamp-3 flex-1 text-ink-2 text-sm [overflow-wrap:anywhere]">{description}</p>
      <div className="flex items-center gap-2">
        <span className="flex min-w-0 flex-1 flex-wrap items-center gap-1 text-ink-3 text-xs">
          <RelativeTime at={updated_at} narrow />
          {tags.slice(0, 3).map((tag) => (
            <Badge key={tag}>{tag}</Badge>
          ))}
        </span>
        <Button
          aria-label={t.talkTo(title)}
          className="relative z-1 max-sm:h-11"
          disabled={start.isPending || status === "disabled"}
          onClick={() => start.mutate(agent_id)}
        >
          <MessageSquare aria-hidden className="size-4" />
          {t.talk}
        </Button>
      </div>
    </article>
  );
}
