import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type RefObject, useCallback, useLayoutEffect, useMemo, useRef } from "react";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { type ProjectSummary, pipelinesQuery, useApi } from "../../lib/api.ts";
import { BASE } from "../../lib/base.ts";
import type { BuildsSearch, Sort, SortKey } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import { useStageNames } from "../../lib/stage-names.ts";
import { useMedia } from "../../lib/use-media.ts";
import { usePlainLinks } from "../../lib/use-plain-links.ts";
import { type BuildColumn, COLUMN, type ColumnKey, useColumns } from "./columns.tsx";
import { useDensity } from "./density.ts";
import { messages } from "./messages.ts";
import { Row } from "./row.tsx";
import { isDescending, keyOf, nextSort } from "./sort.ts";
import { useAnchoredScroll } from "./use-anchored-scroll.ts";
import { useListPlace } from "./use-list-place.ts";
import { buildAt, useRowKeys } from "./use-row-keys.ts";

/** Pixels. */
const ROOMY = 57;
const DENSE = 41;
const HEAD = 36;
const HEAD_PHONE = 44;

const PHONE_COLUMNS: readonly ColumnKey[] = ["created"];

export interface TableProps {
  builds: readonly ProjectSummary[];
  selected: ReadonlySet<string>;
  onSelect: (projectId: string, range: boolean) => void;
  onSelectAll: () => void;
  onClear: () => void;
  /** Called when the end comes near. */
  onEnd: () => void;
  hasMore: boolean;
  search: BuildsSearch;
  onSort: (sort: Sort | undefined) => void;
}

/** The builds in a table of which only what can be seen is there. */
export function Table(props: TableProps) {
  const { builds, selected, onSelect, onSelectAll, onClear, onEnd, hasMore, search, onSort } = props;
  const t = useMessages(messages);
  const stageNames = useStageNames();
  const scroller = useRef<HTMLDivElement>(null);
  // With another function every time, all rows would be measured again at each step.
  const keyAt = useCallback((index: number) => builds[index]?.project_id ?? index, [builds]);
  const phone = useMedia("(width < 40rem)");
  const wanted = useColumns();
  // A phone has room for the age alone; the rest is in the second line.
  const columns = phone ? PHONE_COLUMNS : wanted;
  const dense = useDensity() && !phone;
  const height = dense ? DENSE : ROOMY;
  const head = phone ? HEAD_PHONE : HEAD;
  const { data: described } = useQuery(pipelinesQuery(useApi()));
  const pipelines = useMemo(
    () => new Map((described?.items ?? []).map((pipeline) => [pipeline.name, pipeline])),
    [described],
  );
  const onClick = usePlainLinks((target) => {
    const id = buildAt(target);
    return id && `${BASE}/builds/${id}`;
  });
  const rows = useVirtualizer({
    count: builds.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    scrollMargin: head,
    overscan: 6,
    getItemKey: keyAt,
    onChange: ({ range }) => {
      if (range && hasMore && range.endIndex > builds.length - 30) onEnd();
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another height is the occasion
  useLayoutEffect(() => {
    rows.measure();
  }, [rows, height]);
  useAnchoredScroll(scroller, builds, height);
  const keys = useRowKeys({ builds, rows, scroller, onSelect, selected: selected.size });
  useTopOfEach(search, scroller);
  useListPlace({ scroller, builds, rowHeight: height, search, keys });
  useShortcut("a", onSelectAll);
  const all = selected.size > 0 && (selected.size >= builds.length || "some");
  const items = rows.getVirtualItems();
  const before = (items[0]?.start ?? head) - head;
  const after = rows.getTotalSize() - (items.at(-1)?.end ?? head) + head;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move among the links of the rows, and clicks are theirs
    <div
      className="min-h-0 flex-1 overflow-y-auto overflow-x-hidden bg-surface [overflow-anchor:none]"
      onAuxClick={onClick}
      onClick={onClick}
      onFocus={keys.onFocus}
      onKeyDown={keys.onKeyDown}
      onPointerDown={keys.onFocus}
      ref={scroller}
    >
      <table
        aria-label={search.sort === undefined ? t.tableLabel : t.tableSorted}
        aria-rowcount={hasMore ? -1 : builds.length + 1}
        className="w-full table-fixed border-collapse text-left"
      >
        <Head
          allSelected={all}
          columns={columns}
          height={head}
          onSelectAll={all === true ? onClear : onSelectAll}
          onSort={onSort}
          sort={search.sort}
        />
        <tbody>
          {before > 0 && <Space height={before} />}
          {items.map(({ index, key }) => {
            const build = builds[index];
            return (
              build && (
                <Row
                  build={build}
                  columns={columns}
                  dense={dense}
                  height={height}
                  key={key}
                  onSelect={onSelect}
                  phone={phone}
                  pipelines={pipelines}
                  position={index + 2}
                  search={search}
                  selected={selected.has(build.project_id)}
                  stageNames={stageNames}
                />
              )
            );
          })}
          {after > 0 && <Space height={after} />}
        </tbody>
      </table>
      {hasMore && (
        <div className="grid gap-3 p-4" role="status">
          <span className="sr-only">{t.loadingMore}</span>
          <Skeleton className="h-8 w-full" />
        </div>
      )}
    </div>
  );
}

/** Other filters, another list: it begins at its top. */
function useTopOfEach(search: BuildsSearch, scroller: RefObject<HTMLElement | null>): void {
  const before = useRef(search);
  useLayoutEffect(() => {
    if (before.current === search) return;
    before.current = search;
    scroller.current?.scrollTo(0, 0);
  }, [search, scroller]);
}

interface HeadProps {
  height: number;
  columns: readonly ColumnKey[];
  sort: Sort | undefined;
  onSort: (sort: Sort | undefined) => void;
  allSelected: boolean | "some";
  onSelectAll: () => void;
}

function Head({ height, columns, sort, onSort, allSelected, onSelectAll }: HeadProps) {
  const t = useMessages(messages);
  const box = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (box.current) box.current.indeterminate = allSelected === "some";
  }, [allSelected]);
  return (
    <thead className="sticky top-0 z-10 bg-surface shadow-[0_1px_0_var(--line)]">
      <tr aria-rowindex={1} style={{ height }}>
        <td className="w-11 p-0 text-center">
          <label className="flex cursor-pointer items-center justify-center" style={{ height }}>
            <input
              aria-label={t.selectAll}
              checked={allSelected === true}
              className="size-4 cursor-pointer accent-accent-strong"
              onChange={onSelectAll}
              ref={box}
              type="checkbox"
            />
          </label>
        </td>
        <HeadCell name={t.name} onSort={onSort} sort={sort} sortKey="name" />
        {columns.map((key) => {
          const { name, className, end, sort: sortKey }: BuildColumn = COLUMN[key];
          return (
            <HeadCell
              className={cn(className, end && "text-right")}
              end={end}
              key={key}
              name={t[name]}
              onSort={onSort}
              sort={sort}
              sortKey={sortKey}
            />
          );
        })}
      </tr>
    </thead>
  );
}

interface HeadCellProps extends Pick<HeadProps, "sort" | "onSort"> {
  name: string;
  sortKey: SortKey | undefined;
  className?: string;
  end?: true | undefined;
}

/** A head that puts the list in the order of its column. */
function HeadCell({ name, sortKey, sort, onSort, className, end }: HeadCellProps) {
  const here = sort !== undefined && keyOf(sort) === sortKey;
  const down = here && isDescending(sort);
  const Arrow = down ? ArrowDown : ArrowUp;
  return (
    <th
      aria-sort={here ? (down ? "descending" : "ascending") : undefined}
      className={cn("pr-3 font-medium text-ink-2 text-xs", className)}
      scope="col"
    >
      {sortKey === undefined ? (
        name
      ) : (
        <button
          className={cn(
            "inline-flex max-w-full items-center gap-1 rounded px-1 py-1.5 hover:text-ink max-sm:min-h-11",
            end ? "-mr-1 flex-row-reverse" : "-ml-1",
            here && "text-ink",
          )}
          onClick={() => onSort(nextSort(sort, sortKey))}
          type="button"
        >
          <span className="truncate">{name}</span>
          {here && <Arrow aria-hidden className="size-3 shrink-0" />}
        </button>
      )}
    </th>
  );
}

/** In the place of rows that cannot be seen. */
function Space({ height }: { height: number }) {
  return (
    <tr aria-hidden>
      {/* One that spanned columns would make those again that a narrow screen leaves out. */}
      <td className="p-0" style={{ height }} />
    </tr>
  );
}
