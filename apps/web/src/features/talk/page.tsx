import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowDown, Bot, Ellipsis, MessageSquarePlus, RotateCcw, Trash2 } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { TurnView } from "../../components/turn/turn-view.tsx";
import { Button, buttonClass } from "../../components/ui/button.tsx";
import { Confirm } from "../../components/ui/dialog.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Menu, MenuItem } from "../../components/ui/menu.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { toast } from "../../components/ui/toast.ts";
import { common } from "../../i18n/common.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { agentQuery, type Conversation, type Turn, useApi } from "../../lib/api.ts";
import { formatCompact, formatCost } from "../../lib/format.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { useMedia } from "../../lib/use-media.ts";
import { Composer } from "./composer.tsx";
import { Conversations } from "./conversations.tsx";
import { messages } from "./messages.ts";
import { useStartTalk } from "./use-start-talk.ts";
import { useTalk } from "./use-talk.ts";

/** One conversation with an agent. */
export function TalkPage() {
  const { sessionId = "" } = useParams({ strict: false });
  return <Talk key={sessionId} sessionId={sessionId} />;
}

function Talk({ sessionId }: { sessionId: string }) {
  const t = useMessages(messages);
  const talk = useTalk(sessionId);
  const { data: conversation, error } = talk.head;
  const wide = useMedia("(width >= 64rem)");
  usePageTitle(conversation?.title || t.conversation);
  if (error && !conversation)
    return (
      <PageScroll>
        <h1 className="sr-only">{t.conversation}</h1>
        <ErrorState error={error} onRetry={() => void talk.head.refetch()} />
      </PageScroll>
    );
  return (
    <div className="flex min-h-0 flex-1">
      {wide && conversation && <Conversations agentId={conversation.agent_id} here={sessionId} />}
      <div className="flex min-w-0 flex-1 flex-col">
        {conversation ? <Head conversation={conversation} /> : <Skeleton className="m-3 h-8 w-64" />}
        <Turns talk={talk} />
        <div className="shrink-0 px-3 pt-1 pb-3 sm:px-4">
          <Composer name={sessionId} onSend={talk.send} onStop={talk.stop} running={talk.running} />
        </div>
      </div>
    </div>
  );
}

function Head({ conversation }: { conversation: Conversation }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const lang = useLang();
  const { data: agent } = useQuery(agentQuery(useApi(), conversation.agent_id));
  const start = useStartTalk();
  const [asks, setAsks] = useState(false);
  const remove = useRemove(conversation);
  const { totals, title } = conversation;
  const tokens = totals.input_tokens + totals.output_tokens;
  return (
    <header className="flex shrink-0 items-center gap-2 border-line border-b bg-surface px-3 py-2 sm:px-4">
      <div className="min-w-0 flex-1">
        <h1 className="truncate font-semibold">{title || t.untitled}</h1>
        <p className="flex min-w-0 items-center gap-2 text-ink-3 text-xs max-sm:-mt-3 max-sm:-mb-2">
          <Link
            className="target inline-flex min-w-0 items-center gap-1 hover:text-ink hover:underline"
            params={{ agentId: conversation.agent_id }}
            to="/agents/$agentId"
          >
            <Bot aria-hidden className="size-3.5 shrink-0" />
            <span className="truncate">{agent?.title ?? conversation.agent_id}</span>
          </Link>
          {tokens > 0 && <span className="tabular max-sm:hidden">{formatCompact(tokens, lang)} token</span>}
          {totals.cost_usd > 0 && <span className="tabular">{formatCost(totals.cost_usd, lang)}</span>}
        </p>
      </div>
      <Button
        aria-label={t.newConversation}
        disabled={start.isPending}
        onClick={() => start.mutate(conversation.agent_id)}
        size="icon"
        title={t.newConversation}
      >
        <MessageSquarePlus aria-hidden className="size-4" />
      </Button>
      <Menu
        trigger={
          <Button aria-label={t.moreActions} look="ghost" size="icon">
            <Ellipsis aria-hidden className="size-4" />
          </Button>
        }
      >
        <MenuItem danger onClick={() => setAsks(true)}>
          <Trash2 aria-hidden className="size-4" />
          {c.delete}
        </MenuItem>
      </Menu>
      <Confirm
        action={c.delete}
        description={t.deleteText}
        onConfirm={() => remove.mutate()}
        onOpenChange={setAsks}
        open={asks}
        title={t.deleteTitle}
      />
    </header>
  );
}

function useRemove({ session_id, agent_id }: Conversation) {
  const t = useMessages(messages);
  const api = useApi();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const textOf = useErrorText();
  return useMutation({
    mutationFn: () => api.sessions.delete({ session_id }),
    onSuccess: () => {
      toast.say(t.deleted);
      void queries.invalidateQueries({ queryKey: ["conversations"] });
      void navigate({ to: "/agents/$agentId", params: { agentId: agent_id } });
    },
    onError: (error) => {
      toast.fail(t.failed, textOf(error));
    },
  });
}

/** As near to the end as counts as there, in pixels. */
const NEAR = 80;

function Turns({ talk }: { talk: ReturnType<typeof useTalk> }) {
  const t = useMessages(messages);
  const { turns, list, running, retry, error, again } = talk;
  const scroller = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const last = turns.at(-1);
  // A reader at the end stays there while the answer grows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was said is the occasion
  useLayoutEffect(() => {
    const element = scroller.current;
    if (following && element) element.scrollTop = element.scrollHeight;
  }, [turns, following]);
  const toEnd = () => scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  return (
    <div className="relative min-h-0 flex-1">
      <div
        aria-label={t.conversation}
        className="h-full overflow-y-auto outline-offset-[-2px]"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setFollowing(scrollHeight - scrollTop - clientHeight < NEAR)
        }
        ref={scroller}
        role="log"
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
      >
        <div className="mx-auto grid w-full max-w-3xl grid-cols-1 gap-8 px-4 py-6">
          {list.hasNextPage && (
            <Button
              className="justify-self-center"
              disabled={list.isFetchingNextPage}
              focusableWhenDisabled
              onClick={() => void list.fetchNextPage()}
              size="small"
            >
              {t.older}
            </Button>
          )}
          {list.error && turns.length === 0 && (
            <ErrorState error={list.error} onRetry={() => void list.refetch()} />
          )}
          {turns.length === 0 && list.data && (
            <p className="py-16 text-center text-ink-2 text-lg">{t.start}</p>
          )}
          {turns.map((turn) => (
            <TurnView key={turn.turn} turn={turn}>
              {turn === last && !running && <Again onClick={() => retry(turn.turn ?? 0)} turn={turn} />}
            </TurnView>
          ))}
          {error !== undefined && <ErrorState error={error} onRetry={again} />}
        </div>
      </div>
      <p className="sr-only" role="status">
        {last && last.status !== "running" && t.answered}
      </p>
      {!following && (
        <Button
          aria-label={t.toEnd}
          className="absolute right-4 bottom-3 rounded-full shadow-pop"
          onClick={toEnd}
          size="icon"
          title={t.toEnd}
        >
          <ArrowDown aria-hidden className="size-4" />
        </Button>
      )}
    </div>
  );
}

function Again({ turn, onClick }: { turn: Turn; onClick: () => void }) {
  const t = useMessages(messages);
  return (
    <button
      className={`${buttonClass({ look: turn.status === "completed" ? "ghost" : "secondary", size: "small" })} max-sm:h-10`}
      onClick={onClick}
      type="button"
    >
      <RotateCcw aria-hidden className="size-3.5" />
      {t.again}
    </button>
  );
}
