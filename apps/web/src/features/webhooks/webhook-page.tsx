import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronLeft, Inbox, RotateCw, SearchX } from "lucide-react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { RelativeTime, TimeUntil } from "../../components/relative-time.tsx";
import { BACK } from "../../components/ui/back.ts";
import { Button, buttonClass } from "../../components/ui/button.tsx";
import { type Column, DataTable } from "../../components/ui/data-table.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { PageHead } from "../../components/ui/page-head.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { toast } from "../../components/ui/toast.ts";
import { common } from "../../i18n/common.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { deliveriesQuery, useApi, webhooksQuery } from "../../lib/api.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";
import type { Delivery } from "./use-webhooks.ts";

/** What was sent to one webhook, what it answered, and what waits. */
export function WebhookPage() {
  const t = useMessages(messages);
  const c = useMessages(common);
  const { webhookId } = useParams({ from: "/webhooks/$webhookId" });
  const api = useApi();
  const { data: all, error, refetch } = useQuery(webhooksQuery(api));
  const webhook = all?.items.find(({ webhook_id }) => webhook_id === webhookId);
  const deliveries = useInfiniteQuery({ ...deliveriesQuery(api, webhookId), enabled: webhook !== undefined });
  const rows = deliveries.data?.pages.flatMap(({ items }) => items) ?? [];
  usePageTitle(t.deliveries);
  if (error && !all) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (all && !webhook)
    return (
      <EmptyState
        action={
          <Link className={buttonClass()} to="/webhooks">
            {t.toWebhooks}
          </Link>
        }
        icon={SearchX}
        title={t.gone}
      >
        {t.goneText}
      </EmptyState>
    );
  return (
    <PageScroll>
      <Link className={`${BACK} mb-3`} to="/webhooks">
        <ChevronLeft aria-hidden className="size-4" />
        {t.title}
      </Link>
      <PageHead
        intro={
          webhook && (
            <>
              <span className="font-mono text-xs [overflow-wrap:anywhere]">{webhook.url}</span>
              {webhook.description !== "" && ` · ${webhook.description}`}
              {webhook.status === "paused" && <span className="text-warn"> · {t.paused}</span>}
            </>
          )
        }
        title={t.deliveries}
      />
      {deliveries.error && !deliveries.data && (
        <ErrorState error={deliveries.error} onRetry={() => void deliveries.refetch()} />
      )}
      {!deliveries.data && !deliveries.error && <Skeleton className="h-64 rounded-xl" />}
      {deliveries.data && rows.length === 0 && (
        <EmptyState icon={Inbox} title={t.noDeliveries}>
          {t.noDeliveriesText}
        </EmptyState>
      )}
      {rows.length > 0 && <Deliveries rows={rows} />}
      {deliveries.hasNextPage && (
        <div className="mt-4 text-center">
          <Button
            disabled={deliveries.isFetchingNextPage}
            focusableWhenDisabled
            onClick={() => void deliveries.fetchNextPage()}
          >
            {c.more}
          </Button>
        </div>
      )}
    </PageScroll>
  );
}

function Deliveries({ rows }: { rows: readonly Delivery[] }) {
  const t = useMessages(messages);
  const replay = useReplay();
  const columns: Column<Delivery>[] = [
    {
      name: t.event,
      phone: "title",
      cell: ({ type, event_id }) => (
        <span className="font-mono text-xs" title={event_id}>
          {type}
        </span>
      ),
    },
    {
      name: t.build,
      cell: ({ project_id }) =>
        project_id !== undefined && (
          <Link
            className="target font-mono text-accent text-xs hover:underline"
            params={{ projectId: project_id }}
            to="/builds/$projectId"
          >
            {project_id}
          </Link>
        ),
    },
    { name: t.result, cell: (delivery) => <Result delivery={delivery} /> },
    { name: t.answered, cell: (delivery) => <Answer delivery={delivery} /> },
    { name: t.attempts, end: true, cell: ({ attempts }) => <span className="tabular">{attempts}</span> },
    { name: t.at, end: true, cell: ({ created_at }) => <RelativeTime at={created_at} narrow /> },
    {
      name: t.replay,
      end: true,
      phone: "plain",
      cell: ({ webhook_id, event_id, status }) =>
        (status === "delivered" || status === "failed") && (
          <Button
            aria-label={t.replayOf(event_id)}
            disabled={replay.isPending}
            focusableWhenDisabled
            onClick={() => replay.mutate({ webhook_id, event_id })}
            size="small"
          >
            <RotateCw aria-hidden className="size-3.5" />
            {t.replay}
          </Button>
        ),
    },
  ];
  return <DataTable columns={columns} keyOf={({ event_id }) => event_id} label={t.deliveries} rows={rows} />;
}

function Result({ delivery: { status, next_at } }: { delivery: Delivery }) {
  const t = useMessages(messages);
  if (status === "delivered") return <span className="text-good">{t.delivered}</span>;
  if (status === "failed") return <span className="text-bad">{t.failedDelivery}</span>;
  if (status === "sending") return <span className="text-info">{t.sending}</span>;
  return (
    <span className="text-warn">
      {t.pending}
      {next_at !== undefined && (
        <span className="text-ink-3">
          {" "}
          · {t.nextTry} <TimeUntil at={next_at} />
        </span>
      )}
    </span>
  );
}

function Answer({ delivery: { last_status, last_error } }: { delivery: Delivery }) {
  if (last_error !== undefined) return <span className="text-bad">{last_error}</span>;
  return <span className="tabular font-mono text-xs">{last_status ?? "–"}</span>;
}

function useReplay() {
  const t = useMessages(messages);
  const api = useApi();
  const textOf = useErrorText();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (of: { webhook_id: string; event_id: string }) => api.webhooks.replay(of),
    onSuccess: () => {
      toast.say(t.replayed);
    },
    onError: (error) => {
      toast.fail(t.failed, textOf(error));
    },
    onSettled: (_answer, _error, { webhook_id }) =>
      queries.invalidateQueries({ queryKey: ["deliveries", webhook_id] }),
  });
}
