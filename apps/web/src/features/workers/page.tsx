import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Server } from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "../../components/copy-button.tsx";
import { PageScroll } from "../../components/page-scroll.tsx";
import { RelativeTime } from "../../components/relative-time.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Notice } from "../../components/ui/notice.tsx";
import { PageHead } from "../../components/ui/page-head.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { overviewQuery, projectQuery, systemQuery, useApi, workersQuery } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatNumber } from "../../lib/format.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { useStageNames } from "../../lib/stage-names.ts";
import { messages } from "./messages.ts";
import { differing, shortName, slotsOf, type Worker } from "./workers.ts";

/** Who runs the stages, what they run now, and whether the queue is served. */
export function WorkersPage() {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const { data, error, refetch } = useQuery(workersQuery(api));
  const { data: overview } = useQuery({ ...overviewQuery(api), refetchInterval: 5000 });
  const { data: system } = useQuery(systemQuery(api));
  usePageTitle(t.title);
  const workers = data?.items ?? [];
  const queued = overview?.by_status.queued ?? 0;
  const slots = slotsOf(workers);
  return (
    <PageScroll>
      <PageHead intro={t.intro} title={t.title} />
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-64 rounded-xl" />}
      {data && (
        <div className="grid gap-4">
          <dl className="grid grid-cols-3 gap-3">
            <Figure name={t.alive} value={formatNumber(workers.length, lang)} />
            <Figure
              name={t.slots}
              value={`${formatNumber(slots.used, lang)} / ${formatNumber(slots.all, lang)}`}
            />
            <Figure
              name={t.queued}
              value={
                <Link
                  className="target hover:text-accent max-sm:-my-2 hover:underline"
                  search={{ status: "queued" }}
                  to="/"
                >
                  {formatNumber(queued, lang)}
                </Link>
              }
            />
          </dl>
          <Warnings queued={queued} slots={slots} workers={workers} />
          {workers.length === 0 ? (
            <EmptyState
              action={
                <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
                  <code className="font-mono text-sm">{t.command}</code>
                  <CopyButton label={t.copyCommand} text={t.command} />
                </div>
              }
              icon={Server}
              title={t.none}
            >
              {t.noneText}
            </EmptyState>
          ) : (
            <ul className="grid grid-cols-1 gap-4 lg:grid-cols-2">
              {workers.map((worker) => (
                <li key={worker.owner}>
                  <WorkerCard apiVersion={system?.version} worker={worker} />
                </li>
              ))}
            </ul>
          )}
          <p className="text-ink-3 text-xs">{t.other}</p>
        </div>
      )}
    </PageScroll>
  );
}

function Figure({ name, value }: { name: string; value: ReactNode }) {
  return (
    <div className="flex flex-col justify-between rounded-xl border border-line bg-surface px-4 py-3">
      <dt className="text-ink-2 text-sm">{name}</dt>
      <dd className="tabular font-semibold text-xl">{value}</dd>
    </div>
  );
}

interface WarningsProps {
  workers: readonly Worker[];
  queued: number;
  slots: { used: number; all: number };
}

function Warnings({ workers, queued, slots }: WarningsProps) {
  const t = useMessages(messages);
  const unlike = differing(workers);
  return (
    <>
      {queued > 0 && slots.used >= slots.all && (
        <Notice warns={slots.all === 0}>
          {slots.all === 0 ? t.waits(queued) : t.full(queued)}.{" "}
          <Link className="underline" search={{ status: "queued" }} to="/">
            {t.toQueued}
          </Link>
        </Notice>
      )}
      {unlike.length > 0 && (
        <Notice warns>
          <p className="font-medium">{t.differs(unlike.join(", "))}</p>
          <p className="mt-0.5 text-ink-2">{t.differsText}</p>
        </Notice>
      )}
    </>
  );
}

function WorkerCard({ worker, apiVersion }: { worker: Worker; apiVersion: string | undefined }) {
  const t = useMessages(messages);
  const { owner, version, node_version, started_at, seen_at, slots, running, pipelines, not_ready } = worker;
  const name = shortName(owner);
  const names = Object.keys(pipelines).sort();
  const unlike = apiVersion !== undefined && apiVersion !== version;
  return (
    <section aria-label={name} className="h-full rounded-xl border border-line bg-surface p-4">
      <div className="flex items-start justify-between gap-3">
        <h2 className="min-w-0 font-mono font-semibold [overflow-wrap:anywhere]" title={owner}>
          {name}
        </h2>
        <Slots all={slots} used={running.length} />
      </div>
      <p className="mt-1 text-ink-3 text-xs">
        {t.seen} <RelativeTime at={seen_at} narrow /> · {t.started} <RelativeTime at={started_at} narrow /> ·{" "}
        <span className={cn(unlike && "text-warn")}>
          {version}
          {unlike && `, ${t.otherVersion(apiVersion)}`}
        </span>{" "}
        · Node {node_version} · <span title={names.join(", ")}>{t.pipelines(names.length)}</span>
      </p>
      {not_ready !== undefined && (
        <div className="mt-3">
          <Notice warns>
            <span className="font-medium">{t.notReady}:</span> {not_ready}
          </Notice>
        </div>
      )}
      <h3 className="mt-3 mb-1 text-ink-2 text-xs">{t.running}</h3>
      {running.length === 0 ? (
        <p className="text-ink-3 text-sm">{t.nothing}</p>
      ) : (
        <ul className="divide-y divide-line">
          {running.map((one) => (
            <li key={one.project_id}>
              <RunningBuild {...one} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** A dot for each slot, filled where it is in use. */
function Slots({ used, all }: { used: number; all: number }) {
  const t = useMessages(messages);
  const lang = useLang();
  const label = t.slotsUsed(formatNumber(used, lang), formatNumber(all, lang));
  if (all > 24)
    return (
      <span className="tabular shrink-0 text-sm" title={label}>
        {used} / {all}
      </span>
    );
  return (
    <span
      aria-label={label}
      className="flex max-w-36 shrink-0 flex-wrap justify-end gap-1 pt-1.5"
      role="img"
      title={label}
    >
      {Array.from({ length: all }, (_, i) => (
        <span
          className={cn("size-2.5 rounded-full", i < used ? "bg-info" : "border border-line-strong/60")}
          // biome-ignore lint/suspicious/noArrayIndexKey: slots are all alike
          key={i}
        />
      ))}
    </span>
  );
}

function RunningBuild({ project_id, stage }: Worker["running"][number]) {
  const { data } = useQuery(projectQuery(useApi(), project_id));
  const stageNames = useStageNames();
  const named = data?.stages_snapshot.stages.find((one) => one.stage === stage)?.stage_name;
  return (
    <Link
      className="flex min-h-11 items-center justify-between gap-3 rounded-md px-1 hover:bg-hover"
      params={{ projectId: project_id }}
      to="/builds/$projectId"
    >
      <span className="min-w-0 truncate font-medium">{data?.project_name.trim() || project_id}</span>
      {stage !== undefined && (
        <span className="shrink-0 text-ink-3 text-xs">
          {stageNames(data?.pipeline, stage, named ?? stage)}
        </span>
      )}
    </Link>
  );
}
