import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  CirclePause,
  CirclePlay,
  Ellipsis,
  Webhook as Icon,
  Pencil,
  Plus,
  RotateCw,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { RelativeTime } from "../../components/relative-time.tsx";
import { SecretDialog } from "../../components/secret-dialog.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button, buttonClass } from "../../components/ui/button.tsx";
import { type Column, DataTable } from "../../components/ui/data-table.tsx";
import { Confirm, Dialog } from "../../components/ui/dialog.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Menu, MenuItem, MenuSeparator } from "../../components/ui/menu.tsx";
import { PageHead } from "../../components/ui/page-head.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { useApi, webhooksQuery } from "../../lib/api.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";
import { BUILD_EVENTS, useWebhookAction, type Webhook } from "./use-webhooks.ts";
import { WebhookForm } from "./webhook-form.tsx";

/** Where events go, and all that can be done about it. */
export function WebhooksPage() {
  const t = useMessages(messages);
  const { data, error, refetch } = useQuery(webhooksQuery(useApi()));
  const [edited, setEdited] = useState<Webhook | "new">();
  const [secret, setSecret] = useState<string>();
  usePageTitle(t.title);
  const create = (
    <Button look="primary" onClick={() => setEdited("new")}>
      <Plus aria-hidden className="size-4" />
      {t.create}
    </Button>
  );
  return (
    <PageScroll>
      <PageHead action={data && data.items.length > 0 && create} intro={t.intro} title={t.title} />
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-64 rounded-xl" />}
      {data?.items.length === 0 && (
        <EmptyState action={create} icon={Icon} title={t.none}>
          {t.noneText}
        </EmptyState>
      )}
      {data && data.items.length > 0 && (
        <Webhooks onEdit={setEdited} onSecret={setSecret} webhooks={data.items} />
      )}
      <Dialog
        onOpenChange={(open) => !open && setEdited(undefined)}
        open={edited !== undefined}
        title={edited === "new" ? t.create : t.editTitle}
      >
        <WebhookForm
          onDone={(made) => {
            setEdited(undefined);
            setSecret(made);
          }}
          webhook={edited === "new" ? undefined : edited}
        />
      </Dialog>
      <SecretDialog
        onClose={() => setSecret(undefined)}
        secret={secret}
        text={t.secretText}
        title={t.secretTitle}
      />
    </PageScroll>
  );
}

interface WebhooksProps {
  webhooks: readonly Webhook[];
  onEdit: (webhook: Webhook) => void;
  onSecret: (secret: string) => void;
}

function Webhooks({ webhooks, onEdit, onSecret }: WebhooksProps) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const [asked, setAsked] = useState<{ action: "rotate" | "delete"; webhook_id: string }>();
  const change = useWebhookAction(onSecret);
  const columns: Column<Webhook>[] = [
    {
      name: t.address,
      phone: "title",
      cell: ({ url, description, webhook_id }) => (
        <>
          <Link
            aria-label={t.deliveriesOf(url)}
            className="target font-mono text-xs hover:underline"
            params={{ webhookId: webhook_id }}
            to="/webhooks/$webhookId"
          >
            {url}
          </Link>
          {description !== "" && <span className="block font-normal text-ink-3 text-xs">{description}</span>}
        </>
      ),
    },
    { name: t.events, cell: (webhook) => <Events events={webhook.events} /> },
    { name: t.pipelines, cell: ({ pipelines }) => pipelines?.join(", ") ?? t.allPipelines },
    {
      name: t.state,
      cell: ({ status }) => (
        <span className={status === "active" ? "text-good" : "text-warn"}>{t[status]}</span>
      ),
    },
    { name: t.created, cell: ({ created_at }) => <RelativeTime at={created_at} narrow /> },
    {
      name: t.actions,
      end: true,
      phone: "plain",
      cell: (webhook) => (
        <span className="inline-flex items-center gap-1">
          <Link
            aria-label={t.deliveriesOf(webhook.url)}
            className={buttonClass({ size: "small" })}
            params={{ webhookId: webhook.webhook_id }}
            to="/webhooks/$webhookId"
          >
            {t.deliveries}
          </Link>
          <Actions
            onAct={(action) => {
              const { webhook_id } = webhook;
              if (action === "rotate" || action === "delete") setAsked({ action, webhook_id });
              else change.mutate({ action, webhook_id });
            }}
            onEdit={() => onEdit(webhook)}
            webhook={webhook}
          />
        </span>
      ),
    },
  ];
  const isDelete = asked?.action === "delete";
  return (
    <>
      <DataTable
        columns={columns}
        dim={({ status }) => status === "paused"}
        keyOf={({ webhook_id }) => webhook_id}
        label={t.title}
        rows={webhooks}
      />
      <Confirm
        action={isDelete ? c.delete : t.rotate}
        danger={isDelete}
        description={isDelete ? t.deleteText : t.rotateText}
        onConfirm={() => asked && change.mutate(asked)}
        onOpenChange={(open) => !open && setAsked(undefined)}
        open={asked !== undefined}
        title={isDelete ? t.deleteTitle : t.rotateTitle}
      />
    </>
  );
}

function Events({ events }: Pick<Webhook, "events">) {
  const t = useMessages(messages);
  if (String(events) === String(BUILD_EVENTS)) return t.allEvents;
  return (
    <span className="inline-flex flex-wrap gap-1">
      {events.map((event) => (
        <Badge key={event} title={event}>
          {t[event]}
        </Badge>
      ))}
    </span>
  );
}

interface ActionsProps {
  webhook: Webhook;
  onAct: (action: "pause" | "resume" | "rotate" | "delete") => void;
  onEdit: () => void;
}

function Actions({ webhook, onAct, onEdit }: ActionsProps) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const isActive = webhook.status === "active";
  return (
    <Menu
      trigger={
        <Button aria-label={t.moreOf(webhook.url)} look="ghost" size="icon">
          <Ellipsis aria-hidden className="size-4" />
        </Button>
      }
    >
      <MenuItem onClick={onEdit}>
        <Pencil aria-hidden className="size-4" />
        {c.edit}
      </MenuItem>
      <MenuItem onClick={() => onAct(isActive ? "pause" : "resume")}>
        {isActive ? (
          <CirclePause aria-hidden className="size-4" />
        ) : (
          <CirclePlay aria-hidden className="size-4" />
        )}
        {isActive ? c.pause : c.resume}
      </MenuItem>
      <MenuItem onClick={() => onAct("rotate")}>
        <RotateCw aria-hidden className="size-4" />
        {t.rotate}
      </MenuItem>
      <MenuSeparator />
      <MenuItem danger onClick={() => onAct("delete")}>
        <Trash2 aria-hidden className="size-4" />
        {c.delete}
      </MenuItem>
    </Menu>
  );
}
