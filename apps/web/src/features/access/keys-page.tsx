import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { RelativeTime } from "../../components/relative-time.tsx";
import { SecretDialog } from "../../components/secret-dialog.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { type Column, DataTable } from "../../components/ui/data-table.tsx";
import { Confirm, Dialog } from "../../components/ui/dialog.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { PageHead } from "../../components/ui/page-head.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { keysQuery, type Outputs, useApi } from "../../lib/api.ts";
import { formatExact } from "../../lib/format.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { useNow } from "../../lib/ticker.ts";
import { messages } from "./messages.ts";
import { NewKeyForm } from "./new-key-form.tsx";

type ApiKey = Outputs["keys"]["list"]["items"][number];

/** The API's keys: who has which role, what is used, and a way to make, rotate and revoke one. */
export function KeysPage() {
  const t = useMessages(messages);
  const { data, error, refetch } = useQuery(keysQuery(useApi()));
  const [making, setMaking] = useState(false);
  const [issued, setIssued] = useState<string>();
  usePageTitle(t.keys);
  return (
    <PageScroll>
      <PageHead
        action={
          <Button look="primary" onClick={() => setMaking(true)}>
            <Plus aria-hidden className="size-4" />
            {t.newKey}
          </Button>
        }
        intro={t.keysIntro}
        title={t.keys}
      />
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-64 rounded-xl" />}
      {data && <Keys keys={data.items} onIssued={setIssued} />}
      <Dialog onOpenChange={setMaking} open={making} title={t.newKey}>
        <NewKeyForm
          onIssued={(key) => {
            setMaking(false);
            setIssued(key);
          }}
        />
      </Dialog>
      <SecretDialog
        onClose={() => setIssued(undefined)}
        secret={issued}
        text={t.issuedText}
        title={t.issuedTitle}
      />
    </PageScroll>
  );
}

function Keys({ keys, onIssued }: { keys: readonly ApiKey[]; onIssued: (key: string) => void }) {
  const t = useMessages(messages);
  const now = useNow();
  const [asked, setAsked] = useState<{ what: "rotate" | "revoke"; of: ApiKey }>();
  const change = useKeyChange(onIssued);
  if (keys.length === 0) return <EmptyState icon={KeyRound} title={t.noKeys} />;
  const columns: Column<ApiKey>[] = [
    {
      name: t.name,
      phone: "title",
      cell: ({ name, key_id }) => (
        <>
          <span className="md:font-medium">{name}</span>
          <span className="ml-2 font-mono font-normal text-ink-3 text-xs max-md:block max-md:ml-0">
            sf_{key_id}_…
          </span>
        </>
      ),
    },
    {
      name: t.role,
      cell: ({ role, pipelines }) => (
        <span className="inline-flex flex-wrap items-center gap-1">
          <Badge>{role}</Badge>
          {pipelines && <span className="text-ink-3 text-xs">{pipelines.join(", ")}</span>}
        </span>
      ),
    },
    { name: t.user, cell: ({ user_id }) => user_id },
    { name: t.created, cell: ({ created_at }) => <RelativeTime at={created_at} narrow /> },
    {
      name: t.lastUsed,
      cell: ({ last_used_at }) => (last_used_at ? <RelativeTime at={last_used_at} narrow /> : t.never),
    },
    { name: t.state, cell: (key) => <State apiKey={key} now={now} /> },
    {
      name: t.actions,
      end: true,
      phone: "plain",
      cell: (key) =>
        isOpen(key, now) && (
          <span className="inline-flex flex-wrap gap-1 md:justify-end">
            <Button
              aria-label={t.rotateOf(key.name)}
              onClick={() => setAsked({ what: "rotate", of: key })}
              size="small"
            >
              {t.rotate}
            </Button>
            <Button
              aria-label={t.revokeOf(key.name)}
              className="text-bad"
              onClick={() => setAsked({ what: "revoke", of: key })}
              size="small"
            >
              {t.revoke}
            </Button>
          </span>
        ),
    },
  ];
  const name = asked?.of.name ?? "";
  const revokes = asked?.what === "revoke";
  return (
    <>
      <DataTable
        columns={columns}
        dim={(key) => !isOpen(key, now)}
        keyOf={({ key_id }) => key_id}
        label={t.keys}
        rows={keys}
      />
      <Confirm
        action={revokes ? t.revoke : t.rotate}
        danger={revokes}
        description={revokes ? t.revokeText : t.rotateText}
        onConfirm={() => asked && change.mutate(asked)}
        onOpenChange={(open) => !open && setAsked(undefined)}
        open={asked !== undefined}
        title={revokes ? t.revokeTitle(name) : t.rotateTitle(name)}
      />
    </>
  );
}

function useKeyChange(onIssued: (key: string) => void) {
  const t = useMessages(messages);
  const api = useApi();
  const textOf = useErrorText();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ what, of: { key_id, name } }: { what: "rotate" | "revoke"; of: ApiKey }) => {
      if (what === "rotate") onIssued((await api.keys.rotate({ key_id })).key);
      else {
        await api.keys.revoke({ key_id });
        toast.say(t.revokedToast(name));
      }
    },
    onError: (error) => {
      toast.fail(t.failed, textOf(error));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}

function isOpen({ revoked_at, valid_until }: ApiKey, nowMs: number): boolean {
  return revoked_at === undefined && (valid_until === undefined || Date.parse(valid_until) > nowMs);
}

function State({ apiKey, now }: { apiKey: ApiKey; now: number }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { revoked_at, valid_until } = apiKey;
  if (revoked_at !== undefined) return <span className="text-bad">{t.revoked}</span>;
  if (!isOpen(apiKey, now)) return <span className="text-warn">{t.expired}</span>;
  if (valid_until === undefined) return <span className="text-good">{t.active}</span>;
  return <span className="text-good">{t.expires(formatExact(valid_until, lang))}</span>;
}
