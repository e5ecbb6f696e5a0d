import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { formatNumber } from "../../lib/format.ts";
import type { Series } from "./chart.tsx";
import { type Bin, dateLabel, searchOf } from "./figures.ts";
import { messages } from "./messages.ts";

const Chart = lazy(() => import("./chart.tsx").then((module) => ({ default: module.Chart })));

export interface ChartCardProps {
  title: string;
  bins: readonly Bin[];
  series: readonly Series[];
  /** What the figures are narrowed down to. */
  search: BuildsSearch;
}

/** A chart, and the same as a table. */
export function ChartCard({ title, bins, series, search }: ChartCardProps) {
  const t = useMessages(messages);
  return (
    <section aria-label={title} className="rounded-xl border border-line bg-surface p-4">
      <div className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h2 className="font-semibold text-base">{title}</h2>
        <ul aria-hidden className="flex flex-wrap gap-x-3 text-ink-2 text-xs">
          {series.map(({ key, name, colour }) => (
            <li className="flex items-center gap-1.5" key={key}>
              <span className="size-2 rounded-xs" style={{ background: colour }} />
              {name}
            </li>
          ))}
        </ul>
      </div>
      <Suspense fallback={<Skeleton className="h-60" />}>
        <Chart bins={bins} search={search} series={series} />
      </Suspense>
      <details className="mt-2 text-sm">
        <summary className="w-fit rounded text-accent hover:underline max-sm:py-3">{t.asTable}</summary>
        <BinTable bins={bins} search={search} series={series} title={title} />
      </details>
    </section>
  );
}

function BinTable({ title, bins, series, search }: ChartCardProps) {
  const t = useMessages(messages);
  const lang = useLang();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <div className="mt-2 max-h-80 overflow-auto" tabIndex={0}>
      <table className="w-full text-sm">
        <caption className="sr-only">{title}</caption>
        <thead className="sticky top-0 bg-surface text-ink-3 text-xs">
          <tr>
            <th className="py-1 pr-4 text-left font-medium" scope="col">
              {t.date}
            </th>
            {series.map(({ key, name }) => (
              <th className="py-1 pl-4 text-right font-medium" key={key} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bins.toReversed().map((bin) => (
            <tr className="border-line border-t" key={bin.from}>
              <th className="whitespace-nowrap py-1 pr-4 text-left font-normal" scope="row">
                {dateLabel(bin, lang)}
              </th>
              {series.map((one) => {
                const value = (one.format ?? formatNumber)(bin[one.key], lang);
                return (
                  <td className="tabular py-1 pl-4 text-right" key={one.key}>
                    {bin[one.key] > 0 ? (
                      <Link
                        className="text-accent hover:underline max-sm:inline-flex max-sm:min-h-9 max-sm:items-center"
                        search={searchOf(bin, one.search, search)}
                        to="/"
                      >
                        {value}
                      </Link>
                    ) : (
                      value
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
