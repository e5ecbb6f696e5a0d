import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { X } from "lucide-react";
import { lazy, Suspense } from "react";
import { StatusIcon } from "../../components/status.tsx";
import { Button } from "../../components/ui/button.tsx";
import { statusNames } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { overviewQuery, pipelinesQuery, useApi } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { formatCompact } from "../../lib/format.ts";
import type { List } from "../../live/lists.ts";
import { DateFilter } from "./date-filter.tsx";
import { messages } from "./messages.ts";
import { type Key, parseQuery, queryText } from "./query.ts";
import { filtersOf, readSearch, STATUSES } from "./search.ts";
import { SearchField } from "./search-field.tsx";
import { Views } from "./views.tsx";

const Display = lazy(() => import("./display.tsx").then((module) => ({ default: module.Display })));

/** What the list shows: one field for all filters, and below it the states with how many builds there are in each. */
export function Filters({ search }: { search: BuildsSearch }) {
  const t = useMessages(messages);
  const navigate = useNavigate({ from: "/" });
  const valuesOf = useKnownValues();
  const go = (next: BuildsSearch) => void navigate({ search: next, replace: true });
  /** A tag that has been typed half-way stands for the first known one that begins so. */
  const complete = (key: Key, value: string) => {
    if (key !== "tag" || valuesOf(key).includes(value)) return value;
    return valuesOf(key).find((tag) => tag.toLowerCase().startsWith(value.toLowerCase())) ?? value;
  };
  return (
    <search className="shrink-0 border-line border-b bg-surface">
      <div className="flex items-center gap-2 px-3 pt-2 max-sm:gap-1 sm:px-4">
        <SearchField
          label={t.searchPlaceholder}
          onChange={(text) => {
            const next = parseQuery(text, complete);
            go(readSearch({ ...next, sort: search.sort }));
            return queryText(next);
          }}
          text={queryText(search)}
          valuesOf={valuesOf}
        />
        <DateFilter onChange={(dates) => go(readSearch({ ...search, ...dates }))} search={search} />
        <Views onChoose={go} search={search} />
        <Suspense fallback={<span className="size-8 max-sm:hidden" />}>
          <Display />
        </Suspense>
        {Object.keys(filtersOf(search)).length > 0 && (
          <Button
            aria-label={t.clearFilters}
            className="max-sm:w-11 max-sm:px-0"
            look="ghost"
            onClick={() => go(readSearch({ sort: search.sort }))}
          >
            <X aria-hidden className="size-4" />
            <span className="max-sm:sr-only">{t.clearFilters}</span>
          </Button>
        )}
      </div>
      <States search={search} />
    </search>
  );
}

function States({ search }: { search: BuildsSearch }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { status: chosen, ...others } = search;
  const isWhole = Object.keys(filtersOf(others)).length === 0;
  const { data } = useQuery({ ...overviewQuery(useApi()), refetchInterval: 5000 });
  // They are of all builds: beside other filters they would be wrong.
  const counts = isWhole ? data?.by_status : undefined;
  const total = counts && Object.values(counts).reduce((sum, count) => sum + count, 0);
  // A state that no build has is offered where it is chosen, or nothing is known.
  const shown = STATUSES.filter((status) => status === chosen || !counts || counts[status] > 0);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame
    <div aria-label={t.status} className="-mb-px flex gap-1 overflow-x-auto px-2 pt-1 sm:px-3" role="group">
      <State count={total} here={chosen === undefined} name={t.allStates} search={others} />
      {shown.map((status) => (
        <State
          count={counts?.[status]}
          here={chosen === status}
          icon={<StatusIcon className="size-3.5 animate-none!" status={status} />}
          key={status}
          name={statusNames[lang][status]}
          search={{ ...others, status }}
        />
      ))}
    </div>
  );
}

interface StateProps {
  name: string;
  count: number | undefined;
  here: boolean;
  icon?: React.ReactNode;
  search: BuildsSearch;
}

function State({ name, count, here, icon, search }: StateProps) {
  const lang = useLang();
  return (
    <Link
      aria-current={here ? "true" : undefined}
      className={cn(
        "flex items-center gap-1.5 whitespace-nowrap border-b-2 px-2 py-2 font-medium max-sm:min-h-11 text-sm outline-offset-[-2px] hover:text-ink",
        here ? "border-accent-strong text-ink" : "border-transparent text-ink-2",
      )}
      replace
      search={search}
      to="/"
    >
      {icon}
      {name}
      {count !== undefined && (
        <span className="tabular text-ink-3 text-xs">{formatCompact(count, lang)}</span>
      )}
    </Link>
  );
}

/** What the builds that have been read so far have, whatever the list is filtered by now. */
function useKnownValues(): (key: Key) => readonly string[] {
  const queries = useQueryClient();
  const { data } = useQuery(pipelinesQuery(useApi()));
  return (key) => {
    switch (key) {
      case "status":
        return STATUSES;
      case "note":
        return [];
      case "pipeline":
        return (data?.items ?? []).map(({ name }) => name);
      case "tag":
        return [...new Set(readBuilds(queries).flatMap(({ tags }) => tags))];
      case "user":
        return [
          ...new Set(readBuilds(queries).flatMap(({ user_name, user_id }) => user_name ?? user_id ?? [])),
        ];
      case "since":
      case "until":
        return [];
      default:
        return key satisfies never;
    }
  };
}

function readBuilds(queries: QueryClient) {
  const lists = queries.getQueriesData<List>({ queryKey: ["builds"] });
  return lists.flatMap(([, list]) => list?.pages.flatMap(({ items }) => items) ?? []);
}
