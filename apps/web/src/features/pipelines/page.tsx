import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Play, Workflow } from "lucide-react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { buttonClass } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Notice } from "../../components/ui/notice.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { localised } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import {
  buildStatsQuery,
  type PipelineInfo,
  pipelineProblemsQuery,
  pipelinesQuery,
  useApi,
} from "../../lib/api.ts";
import { formatPercent } from "../../lib/format.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";
import { StageGraph } from "./stage-graph.tsx";

/** What can be built: every pipeline with its stages, how it went lately, and a way to start. */
export function PipelinesPage() {
  const t = useMessages(messages);
  const { data, error, refetch } = useQuery(pipelinesQuery(useApi()));
  usePageTitle(t.title);
  return (
    <PageScroll>
      <h1 className="font-semibold text-xl">{t.title}</h1>
      <p className="mt-1 mb-4 text-ink-2">{t.intro}</p>
      <Problems />
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-64 rounded-xl" />}
      {data?.items.length === 0 && (
        <EmptyState icon={Workflow} title={t.none}>
          {t.noneText}
        </EmptyState>
      )}
      <ul className="grid grid-cols-1 gap-4">
        {data?.items.map((pipeline) => (
          <li key={pipeline.name}>
            <PipelineCard pipeline={pipeline} />
          </li>
        ))}
      </ul>
    </PageScroll>
  );
}

/** The files that cannot be used, each with what is wrong and where. The other pipelines are not touched by them. */
function Problems() {
  const t = useMessages(messages);
  const { data } = useQuery(pipelineProblemsQuery(useApi()));
  if (!data || data.items.length === 0) return null;
  return (
    <div className="mb-4">
      <Notice warns>
        <h2 className="font-semibold">{t.problems(data.items.length)}</h2>
        <ul className="mt-1 grid gap-2">
          {data.items.map(({ message }) => (
            <li className="[overflow-wrap:anywhere]" key={message}>
              {message}
            </li>
          ))}
        </ul>
      </Notice>
    </div>
  );
}

function PipelineCard({ pipeline }: { pipeline: PipelineInfo }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { name, version, description, max_running, stages } = pipeline;
  const about = localised(description, lang, "");
  return (
    <section aria-label={name} className="rounded-xl border border-line bg-surface p-4">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="font-mono font-semibold [overflow-wrap:anywhere]">{name}</h2>
          {about !== "" && <p className="mt-0.5 text-ink-2">{about}</p>}
          <p className="mt-1 text-ink-3 text-xs">
            {[t.stages(stages.length), max_running !== undefined && t.atMost(max_running)]
              .filter(Boolean)
              .join(" · ")}
            {" · "}
            <Lately pipeline={name} />
            {" · "}
            {t.version} <span className="font-mono">{version.slice(0, 12)}</span>
          </p>
        </div>
        <div className="flex gap-2">
          <Link aria-label={t.buildsOf(name)} className={buttonClass()} search={{ pipeline: name }} to="/">
            {t.builds}
          </Link>
          <Link
            aria-label={t.startOf(name)}
            className={buttonClass({ look: "primary" })}
            search={{ pipeline: name }}
            to="/new"
          >
            <Play aria-hidden className="size-4" />
            {t.start}
          </Link>
        </div>
      </div>
      <StageGraph pipeline={pipeline} />
    </section>
  );
}

function Lately({ pipeline }: { pipeline: string }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { data } = useQuery(buildStatsQuery(useApi(), { days: 30, pipeline }));
  if (!data) return "…";
  const ended = data.all.completed + data.all.failed;
  if (ended === 0) return t.noBuilds;
  return t.success(formatPercent(data.all.completed / ended, lang), ended);
}
