import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { formatDuration, formatNumber, formatPercent } from "../../lib/format.ts";
import { type Figures, failingStages, slowestStages } from "./figures.ts";
import { messages } from "./messages.ts";

interface StageTableProps {
  all: Figures;
  /** What a stage is called, by its key. */
  nameOf: (stage: string) => string;
  /** Leads to the builds that are counted. */
  search: BuildsSearch;
}

export function SlowestStages({ all, nameOf, search }: StageTableProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const stages = slowestStages(all);
  const longest = Math.max(...stages.map(({ median }) => median));
  return (
    <StageTable
      empty={t.noStages}
      heads={[t.medianTime, t.totalTime, t.runs]}
      rows={stages.map(({ stage, median, total, builds }) => ({
        stage,
        name: nameOf(stage),
        share: longest > 0 ? median / longest : 0,
        cells: [formatDuration(median, lang), formatDuration(total, lang), formatNumber(builds, lang)],
      }))}
      search={{ ...search, sort: "-duration" }}
      title={t.slowest}
      tone="bg-info"
    />
  );
}

export function FailingStages({ all, nameOf, search }: StageTableProps) {
  const t = useMessages(messages);
  const lang = useLang();
  return (
    <StageTable
      empty={t.noFailures}
      heads={[t.failures, t.share]}
      rows={failingStages(all).map(({ stage, failures, share }) => ({
        stage,
        name: nameOf(stage),
        share,
        cells: [formatNumber(failures, lang), formatPercent(Math.round(share * 100) / 100, lang)],
      }))}
      search={{ ...search, status: "failed" }}
      title={t.failing}
      tone="bg-bad"
    />
  );
}

interface Row {
  readonly stage: string;
  readonly name: string;
  /** Length of the bar, 0 … 1. */
  readonly share: number;
  readonly cells: readonly string[];
}

interface TableProps {
  title: string;
  heads: readonly string[];
  rows: readonly Row[];
  empty: ReactNode;
  tone: string;
  /** Leads to the builds that it is about. */
  search: BuildsSearch;
}

function StageTable({ search, title, heads, rows, empty, tone }: TableProps) {
  const t = useMessages(messages);
  return (
    <section aria-label={title} className="min-w-0 rounded-xl border border-line bg-surface p-4">
      <div className="mb-2 flex items-baseline justify-between gap-2">
        <h2 className="font-semibold text-base">{title}</h2>
        {rows.length > 0 && (
          <Link
            className="text-accent text-sm hover:underline max-sm:-my-3 max-sm:py-3"
            search={search}
            to="/"
          >
            {t.theirBuilds}
          </Link>
        )}
      </div>
      {rows.length === 0 ? (
        <p className="py-4 text-ink-2">{empty}</p>
      ) : (
        <table className="w-full text-sm">
          <thead className="text-ink-3 text-xs">
            <tr>
              <th className="py-1 text-left font-medium" scope="col">
                {t.stage}
              </th>
              {heads.map((head) => (
                <th className="py-1 pl-4 text-right font-medium" key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ stage, name, share, cells }) => (
              <tr className="border-line border-t" key={stage}>
                <th className="w-1/2 max-w-0 py-1.5 text-left font-normal" scope="row">
                  <span className="block truncate" title={stage}>
                    {name}
                  </span>
                  <span
                    aria-hidden
                    className={cn("mt-0.5 block h-1 min-w-px rounded-full", tone)}
                    style={{ width: `${share * 100}%` }}
                  />
                </th>
                {cells.map((cell, i) => (
                  <td className="tabular whitespace-nowrap py-1.5 pl-4 text-right align-top" key={heads[i]}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
