import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Bot, ChevronLeft, CircleAlert, Repeat2 } from "lucide-react";
import { CopyButton } from "../../components/copy-button.tsx";
import { PageScroll } from "../../components/page-scroll.tsx";
import { BACK } from "../../components/ui/back.ts";
import { Badge } from "../../components/ui/badge.tsx";
import { buttonClass } from "../../components/ui/button.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { type Agent, agentQuery, conversationsQuery, invocationsQuery, useApi } from "../../lib/api.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { ConversationLinks, TalkButton } from "../talk/index.ts";
import { AgentActions } from "./agent-actions.tsx";
import { CallTable } from "./call-table.tsx";
import { Card } from "./card.tsx";
import { ImportedFigures } from "./imported-figures.tsx";
import { messages } from "./messages.ts";
import { useAgentControl } from "./use-agent-control.ts";
import { Versions } from "./versions.tsx";

/** One agent: what it can and cannot do, its versions, who talks to it. */
export function AgentPage() {
  const t = useMessages(messages);
  const { agentId = "" } = useParams({ strict: false });
  const { data: agent, error, refetch } = useQuery(agentQuery(useApi(), agentId));
  usePageTitle(agent?.title ?? t.agents);
  return (
    <PageScroll>
      {error && !agent && (
        <>
          <h1 className="sr-only">{agentId}</h1>
          <ErrorState error={error} onRetry={() => void refetch()} />
        </>
      )}
      {!agent && !error && <Skeleton className="h-96 rounded-xl" />}
      {agent && <AgentView agent={agent} />}
    </PageScroll>
  );
}

function AgentView({ agent }: { agent: Agent }) {
  const current = agent.versions.find(({ version }) => version === agent.version);
  const control = useAgentControl(agent);
  return (
    <div className="grid grid-cols-1 gap-6">
      <Head agent={agent} control={control} current={current} />
      <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="grid grid-cols-1 gap-6">
          <Abilities version={current} />
          <Versions agent={agent} control={control} />
          <RecentCalls agent={agent} />
        </div>
        <div className="grid grid-cols-1 gap-6">
          <Talks agentId={agent.agent_id} />
          <Command agent={agent} />
          <ImportedFigures agent={agent} />
        </div>
      </div>
    </div>
  );
}

interface HeadProps {
  agent: Agent;
  current: Agent["versions"][number] | undefined;
  control: ReturnType<typeof useAgentControl>;
}

function Head({ agent, current, control }: HeadProps) {
  const t = useMessages(messages);
  const off = agent.status === "disabled";
  return (
    <header className="grid grid-cols-1 gap-3">
      <Link className={BACK} search={{}} to="/agents">
        <ChevronLeft aria-hidden className="size-4" />
        {t.back}
      </Link>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="flex min-w-0 items-start gap-3 max-sm:basis-full">
          <span className="grid size-11 shrink-0 place-items-center rounded-xl bg-selected text-accent">
            <Bot aria-hidden className="size-6" />
          </span>
          <div className="min-w-0">
            <h1 className="font-semibold text-xl [overflow-wrap:anywhere]">{agent.title}</h1>
            <p className="flex flex-wrap items-center gap-1.5 text-ink-3 text-xs">
              <span className="font-mono">{agent.agent_id}</span>
              {agent.versions.length > 0 && <span>· {t.version(agent.version)}</span>}
              {off && <span className="text-bad">· {t.disabled}</span>}
              {agent.tags.map((tag) => (
                <Badge key={tag}>{tag}</Badge>
              ))}
            </p>
          </div>
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <TalkButton agent={agent} className="max-sm:h-11" />
          <Link
            className={`${buttonClass()} max-sm:h-11`}
            search={{ agent_id: agent.agent_id, ...(current && { from: current.project_id }) }}
            to="/new"
          >
            <Repeat2 aria-hidden className="size-4" />
            {t.update}
          </Link>
          <AgentActions agent={agent} control={control} />
        </div>
      </div>
      {agent.description !== "" && (
        <p className="max-w-3xl text-ink-2 [overflow-wrap:anywhere]">{agent.description}</p>
      )}
    </header>
  );
}

function Abilities({ version }: { version: Agent["versions"][number] | undefined }) {
  const t = useMessages(messages);
  if (!version) return null;
  const { tools, unmet } = version;
  return (
    <Card title={t.can}>
      {tools.length === 0 ? (
        <p className="text-ink-2">{t.noTools}</p>
      ) : (
        <dl className="grid gap-2">
          {tools.map(({ name, description }) => (
            <div className="sm:grid sm:grid-cols-[12rem_minmax(0,1fr)] sm:gap-3" key={name}>
              <dt className="font-mono text-xs leading-5 [overflow-wrap:anywhere]">{name}</dt>
              <dd className="text-ink-2 text-sm">{description}</dd>
            </div>
          ))}
        </dl>
      )}
      {unmet.length > 0 && (
        <div className="mt-4 flex items-start gap-2.5 rounded-lg bg-warn-soft px-3 py-2.5 text-sm">
          <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
          <div className="min-w-0">
            <p className="font-semibold text-warn">{t.cannot}</p>
            <p className="[overflow-wrap:anywhere]">
              {t.cannotText} {unmet.join(" · ")}
            </p>
          </div>
        </div>
      )}
    </Card>
  );
}

function Talks({ agentId }: { agentId: string }) {
  const t = useMessages(messages);
  const { data, error, refetch } = useInfiniteQuery(conversationsQuery(useApi(), agentId));
  const none = data?.pages[0]?.items.length === 0;
  return (
    <Card title={t.conversations}>
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : none ? (
        <p className="text-ink-2 text-sm">{t.noConversations}</p>
      ) : (
        <div className="-mx-2 grid max-h-80 grid-cols-1 overflow-y-auto">
          <ConversationLinks agentId={agentId} />
        </div>
      )}
    </Card>
  );
}

/** Recent calls that are shown on the agent's own page. */
const RECENT = 8;

function RecentCalls({ agent: { agent_id } }: { agent: Agent }) {
  const t = useMessages(messages);
  const { data, error, refetch } = useInfiniteQuery(invocationsQuery(useApi(), { agent_id }));
  const rows = data?.pages[0]?.items.slice(0, RECENT);
  return (
    <Card
      aside={
        <Link
          className="target text-accent text-sm hover:underline"
          params={{ agentId: agent_id }}
          search={{}}
          to="/agents/$agentId/calls"
        >
          {t.allCalls}
        </Link>
      }
      title={t.calls}
    >
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : rows?.length === 0 ? (
        <p className="text-ink-2 text-sm">{t.noCalls}</p>
      ) : (
        <CallTable rows={rows ?? []} />
      )}
    </Card>
  );
}

function Command({ agent: { agent_id } }: { agent: Agent }) {
  const t = useMessages(messages);
  const text = `stagefold invoke ${agent_id} '…'`;
  return (
    <Card title={t.command}>
      <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
        <code className="min-w-0 flex-1 py-1 font-mono text-xs [overflow-wrap:anywhere]">{text}</code>
        <CopyButton label={t.copyCommand} text={text} />
      </div>
    </Card>
  );
}
