import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { RelativeTime } from "../../components/relative-time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { type Column, DataTable } from "../../components/ui/data-table.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { auditQuery, type Outputs, useApi } from "../../lib/api.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";

type AuditRow = Outputs["audit"]["list"]["items"][number];

/** Who did what to which build, and from where. */
export function AuditPage() {
  const t = useMessages(messages);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    auditQuery(useApi()),
  );
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  usePageTitle(t.audit);
  return (
    <PageScroll>
      <h1 className="font-semibold text-xl">{t.audit}</h1>
      <p className="mt-1 mb-4 text-ink-2">{t.auditIntro}</p>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-64 rounded-xl" />}
      {data && (rows.length === 0 ? <EmptyState icon={ScrollText} title={t.noRows} /> : <Rows rows={rows} />)}
      {hasNextPage && (
        <div className="mt-4 text-center">
          <Button disabled={isFetchingNextPage} focusableWhenDisabled onClick={() => void fetchNextPage()}>
            {t.more}
          </Button>
        </div>
      )}
    </PageScroll>
  );
}

function Rows({ rows }: { rows: readonly AuditRow[] }) {
  const t = useMessages(messages);
  const columns: Column<AuditRow>[] = [
    {
      name: t.what,
      phone: "title",
      cell: ({ procedure }) => <span className="font-mono text-xs">{procedure}</span>,
    },
    {
      name: t.by,
      cell: ({ by, role }) => (
        <>
          {by} <span className="text-ink-3 text-xs">{role}</span>
        </>
      ),
    },
    {
      name: t.build,
      cell: ({ project_id }) =>
        project_id && (
          <Link
            className="target font-mono text-accent text-xs hover:underline"
            params={{ projectId: project_id }}
            to="/builds/$projectId"
          >
            {project_id}
          </Link>
        ),
    },
    { name: t.from, cell: ({ from }) => from },
    {
      name: t.result,
      cell: ({ result }) => (
        <span className={result === "ok" ? "text-good" : "font-mono text-bad text-xs"}>{result}</span>
      ),
    },
    { name: t.at, end: true, cell: ({ at }) => <RelativeTime at={at} narrow /> },
  ];
  return (
    <DataTable columns={columns} keyOf={({ at }, index) => `${at} ${index}`} label={t.audit} rows={rows} />
  );
}
