import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChartNoAxesColumn } from "lucide-react";
import { useMemo } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { Button } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { buildStatsQuery, useApi } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { useStageNames } from "../../lib/stage-names.ts";
import type { Series } from "./chart.tsx";
import { ChartCard } from "./chart-card.tsx";
import { type Builds, binsOf, timeZone } from "./figures.ts";
import { messages } from "./messages.ts";
import { FailingStages, SlowestStages } from "./stage-tables.tsx";
import { Tiles } from "./tiles.tsx";

const RANGES = [7, 30, 90, 365] as const;
const DAYS = 30;

export function StatisticsPage() {
  const t = useMessages(messages);
  const api = useApi();
  const { days: wanted } = useSearch({ strict: false });
  const days = RANGES.find((range) => range === wanted) ?? DAYS;
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...buildStatsQuery(api, { days, time_zone: timeZone() }),
    placeholderData: keepPreviousData,
  });
  return (
    <PageScroll>
      <title>{`${t.statistics} · Stagefold`}</title>
      <div className="grid grid-cols-1 gap-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="font-semibold text-xl">{t.statistics}</h1>
          <Ranges days={days} />
        </div>
        {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Loading />}
        {data && (
          <div
            aria-busy={isPlaceholderData}
            className={cn("grid grid-cols-1 gap-4 transition-opacity", isPlaceholderData && "opacity-60")}
          >
            <Figures builds={data} />
          </div>
        )}
      </div>
    </PageScroll>
  );
}

function Ranges({ days }: { days: number }) {
  const t = useMessages(messages);
  const navigate = useNavigate();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame
    <div aria-label={t.range} className="flex gap-1" role="group">
      {RANGES.map((range) => (
        <Button
          aria-pressed={range === days}
          className={cn(range === days && "bg-selected! text-accent!")}
          key={range}
          onClick={() => void navigate({ to: ".", search: { days: range }, replace: true })}
          size="small"
        >
          {t.days(range)}
        </Button>
      ))}
    </div>
  );
}

function Figures({ builds }: { builds: Builds }) {
  const t = useMessages(messages);
  const names = useStageNames();
  const nameOf = (stage: string) => names(undefined, stage, stage);
  const bins = useMemo(() => binsOf(builds.days), [builds]);
  const { all } = builds;
  const since = builds.days[0]?.date;
  if (all.total === 0)
    return (
      <EmptyState icon={ChartNoAxesColumn} title={t.none}>
        <p>{t.noneText}</p>
      </EmptyState>
    );
  const outcomes: Series[] = [
    { key: "completed", name: t.completed, colour: "var(--good)" },
    { key: "failed", name: t.failed, colour: "var(--bad)" },
    { key: "cancelled", name: t.cancelled, colour: "var(--idle)" },
    { key: "open", name: t.open, colour: "var(--info)" },
  ];
  const tokens: Series[] = [
    { key: "input_tokens", name: t.input, colour: "var(--info)" },
    { key: "output_tokens", name: t.output, colour: "var(--accent)" },
  ];
  return (
    <>
      <Tiles all={all} since={since} />
      <ChartCard bins={bins} series={outcomes} title={t.perDay} />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        <SlowestStages all={all} nameOf={nameOf} />
        <FailingStages all={all} nameOf={nameOf} since={since} />
      </div>
      {all.input_tokens + all.output_tokens > 0 && (
        <ChartCard bins={bins} series={tokens} title={t.tokensPerDay} />
      )}
      <p className="text-ink-3 text-xs">{t.zone(builds.time_zone)}</p>
    </>
  );
}

function Loading() {
  return (
    <div aria-busy className="grid grid-cols-1 gap-4">
      <Skeleton className="h-24 rounded-xl" />
      <Skeleton className="h-80 rounded-xl" />
      <Skeleton className="h-64 rounded-xl" />
    </div>
  );
}
