import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Boxes, SearchX } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { buttonClass } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { common } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { type BuildsSearch, keepListSearch } from "../../lib/builds-list.ts";
import { formatNumber } from "../../lib/format.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { matchingFilter } from "./filter.ts";
import { Filters } from "./filters.tsx";
import { messages } from "./messages.ts";
import { filtersOf, readSearch } from "./search.ts";
import { useSelection } from "./selection.ts";
import { SORTED_MOST } from "./sort.ts";
import { Table } from "./table.tsx";
import { useBuilds } from "./use-builds.ts";

// What is done to selected builds comes with the first selection.
const Bars = lazy(() => import("./bars.tsx").then((module) => ({ default: module.Bars })));

export function BuildsPage() {
  const c = useMessages(common);
  const search = useSearch({ from: "/" });
  usePageTitle(c.builds);
  useEffect(() => keepListSearch(search), [search]);
  return (
    <>
      <h1 className="sr-only">{c.builds}</h1>
      <Filters search={search} />
      <List search={search} />
    </>
  );
}

function List({ search }: { search: BuildsSearch }) {
  const t = useMessages(messages);
  const lang = useLang();
  const {
    builds,
    error,
    isPending,
    isPlaceholderData,
    hasNextPage,
    isFetchingNextPage,
    fetchNextPage,
    refetch,
  } = useBuilds(search);
  const ids = useMemo(() => builds.map(({ project_id }) => project_id), [builds]);
  const { selection, select, selectAll, clear } = useSelection(ids);
  // Of these filters all that match are selected, read or not; choosing single ones ends it.
  const [matching, setMatching] = useState<BuildsSearch>();
  const allMatch = matching === search && selection.ids.size > 0;
  const filter = useMemo(() => matchingFilter(search, builds), [search, builds]);
  const selectOne = useCallback(
    (id: string, range: boolean) => {
      setMatching(undefined);
      select(id, range);
    },
    [select],
  );
  const clearAll = useCallback(() => {
    setMatching(undefined);
    clear();
  }, [clear]);
  const navigate = useNavigate({ from: "/" });
  // In another order than the API's the next builds would not belong at the end.
  const isCut = search.sort !== undefined && hasNextPage;
  const more = () => {
    if (!isFetchingNextPage && !error) void fetchNextPage();
  };
  if (isPending) return <Loading />;
  if (builds.length === 0 && error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (builds.length === 0 && !isPlaceholderData)
    return <Empty filtered={Object.keys(filtersOf(search)).length > 0} />;
  return (
    <>
      <Table
        builds={builds}
        hasMore={hasNextPage && (!isCut || isFetchingNextPage)}
        onClear={clearAll}
        onEnd={more}
        onSelect={selectOne}
        onSelectAll={selectAll}
        onSort={(sort) => void navigate({ search: readSearch({ ...search, sort }), replace: true })}
        search={search}
        selected={allMatch ? new Set(ids) : selection.ids}
      />
      {isCut && builds.length >= SORTED_MOST && (
        <p className="shrink-0 border-line border-t bg-surface px-4 py-2 text-ink-2 text-sm" role="status">
          {t.sortedNewest(formatNumber(builds.length, lang))}
        </p>
      )}
      <Suspense>
        {selection.ids.size > 0 && (
          <Bars
            allMatch={allMatch}
            builds={builds.filter(({ project_id }) => selection.ids.has(project_id))}
            filter={filter}
            onClear={clearAll}
            onSelectMatching={
              hasNextPage && filter && selection.ids.size === builds.length
                ? () => setMatching(search)
                : undefined
            }
          />
        )}
      </Suspense>
    </>
  );
}

function Loading() {
  const c = useMessages(common);
  return (
    <div className="grid gap-px p-4" role="status">
      <span className="sr-only">{c.loading}</span>
      {Array.from({ length: 8 }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton className="my-2 h-9 w-full" key={i} />
      ))}
    </div>
  );
}

function Empty({ filtered }: { filtered: boolean }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  if (filtered)
    return (
      <EmptyState
        action={
          <Link className={buttonClass()} search={{}} to="/">
            {t.clearFilters}
          </Link>
        }
        icon={SearchX}
        title={t.noMatchTitle}
      >
        {t.noMatchText}
      </EmptyState>
    );
  return (
    <EmptyState
      action={
        <Link className={buttonClass({ look: "primary" })} to="/new">
          {c.newBuild}
        </Link>
      }
      icon={Boxes}
      title={t.emptyTitle}
    >
      {t.emptyText}
    </EmptyState>
  );
}
