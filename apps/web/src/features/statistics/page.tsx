import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChartNoAxesColumn } from "lucide-react";
import { useMemo } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { Button } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Select, TextInput } from "../../components/ui/field.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { buildStatsQuery, pipelinesQuery, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { cutUtf8 } from "../../lib/cut-utf8.ts";
import { formatCost } from "../../lib/format.ts";
import { useStageNames } from "../../lib/stage-names.ts";
import { useSettledText } from "../../lib/use-settled-text.ts";
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
  const found: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const search = readStatisticsSearch(found);
  const { days, ...filters } = search;
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...buildStatsQuery(api, { ...search, time_zone: timeZone(), before: true }),
    placeholderData: keepPreviousData,
  });
  return (
    <PageScroll>
      <title>{`${t.statistics} · Stagefold`}</title>
      <div className="grid grid-cols-1 gap-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="font-semibold text-xl">{t.statistics}</h1>
          <div className="flex flex-wrap items-center gap-2">
            <Narrow search={search} />
            <Ranges search={search} />
          </div>
        </div>
        {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Loading />}
        {data && (
          <div
            aria-busy={isPlaceholderData}
            className={cn("grid grid-cols-1 gap-4 transition-opacity", isPlaceholderData && "opacity-60")}
          >
            <Figures builds={data} filters={filters} />
          </div>
        )}
      </div>
    </PageScroll>
  );
}

interface StatisticsSearch {
  readonly days: number;
  readonly pipeline?: string;
  /** A part of the id or the name. */
  readonly user?: string;
}

function readStatisticsSearch({ days, pipeline, user }: Readonly<Record<string, unknown>>): StatisticsSearch {
  return {
    days: RANGES.find((range) => range === days) ?? DAYS,
    ...(typeof pipeline === "string" && pipeline !== "" && { pipeline: cutUtf8(pipeline, 64) }),
    ...(typeof user === "string" && user !== "" && { user: cutUtf8(user, 256) }),
  };
}

/** Of one pipeline, of one user. */
function Narrow({ search }: { search: StatisticsSearch }) {
  const t = useMessages(messages);
  const navigate = useNavigate();
  const { data } = useQuery(pipelinesQuery(useApi()));
  const { pipeline = "", user = "", days } = search;
  const names = (data?.items ?? []).map(({ name }) => name);
  const go = (next: object) =>
    void navigate({
      to: ".",
      search: { ...readStatisticsSearch({ ...search, ...next }), days },
      replace: true,
    });
  const [typed, type] = useSettledText(user, (wanted) => go({ user: wanted }));
  return (
    <>
      <Select
        aria-label={t.pipeline}
        className="w-44! max-sm:w-full!"
        onChange={(event) => go({ pipeline: event.target.value })}
        value={pipeline}
      >
        <option value="">{t.allPipelines}</option>
        {[...new Set([...names, ...(pipeline === "" ? [] : [pipeline])])].map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </Select>
      <TextInput
        aria-label={t.user}
        className="w-36! max-sm:w-full!"
        maxLength={256}
        onChange={(event) => type(event.target.value)}
        placeholder={t.user}
        type="search"
        value={typed}
      />
    </>
  );
}

function Ranges({ search }: { search: StatisticsSearch }) {
  const t = useMessages(messages);
  const navigate = useNavigate();
  const { days } = search;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame
    <div aria-label={t.range} className="flex gap-1" role="group">
      {RANGES.map((range) => (
        <Button
          aria-pressed={range === days}
          className={cn(range === days && "bg-selected text-accent")}
          key={range}
          onClick={() => void navigate({ to: ".", search: { ...search, days: range }, replace: true })}
          size="small"
        >
          {t.days(range)}
        </Button>
      ))}
    </div>
  );
}

function Figures({ builds, filters }: { builds: Builds; filters: Pick<BuildsSearch, "pipeline" | "user"> }) {
  const t = useMessages(messages);
  const names = useStageNames();
  const nameOf = (stage: string) => names(undefined, stage, stage);
  const bins = useMemo(() => binsOf(builds.days), [builds]);
  const { all } = builds;
  const since = builds.days[0]?.date;
  const search: BuildsSearch = { ...filters, ...(since !== undefined && { since }) };
  if (all.total === 0)
    return (
      <EmptyState icon={ChartNoAxesColumn} title={t.none}>
        <p>{t.noneText}</p>
      </EmptyState>
    );
  const outcomes: Series[] = [
    { key: "completed", name: t.completed, colour: "var(--good)", search: { status: "completed" } },
    { key: "failed", name: t.failed, colour: "var(--bad)", search: { status: "failed" } },
    { key: "cancelled", name: t.cancelled, colour: "var(--idle)", search: { status: "cancelled" } },
    { key: "open", name: t.open, colour: "var(--info)" },
  ];
  const tokens: Series[] = [
    { key: "input_tokens", name: t.input, colour: "var(--info)", search: { sort: "-tokens" } },
    { key: "output_tokens", name: t.output, colour: "var(--accent)", search: { sort: "-tokens" } },
  ];
  const cost: Series[] = [
    { key: "cost_usd", name: t.cost, colour: "var(--accent)", search: { sort: "-cost" }, format: formatCost },
  ];
  return (
    <>
      <Tiles all={all} before={builds.before} search={search} />
      <ChartCard bins={bins} search={filters} series={outcomes} title={t.perDay} />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        <SlowestStages all={all} nameOf={nameOf} search={search} />
        <FailingStages all={all} nameOf={nameOf} search={search} />
      </div>
      {all.input_tokens + all.output_tokens > 0 && (
        <ChartCard bins={bins} search={filters} series={tokens} title={t.tokensPerDay} />
      )}
      {all.cost_usd > 0 && <ChartCard bins={bins} search={filters} series={cost} title={t.costPerDay} />}
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
