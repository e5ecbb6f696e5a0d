import type { Lang } from "../../i18n/define-messages.ts";
import type { Outputs } from "../../lib/api.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { localeOf } from "../../lib/format.ts";

export type Builds = Outputs["stats"]["builds"];
export type Figures = Builds["all"];
export type Day = Builds["days"][number];

/** What a bar of the chart is made of, in the order of its parts from the axis on. */
export const OUTCOMES = ["completed", "failed", "cancelled", "open"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Several days as one bar of the chart. Dates are `YYYY-MM-DD`. */
export interface Bin extends Readonly<Record<Outcome, number>> {
  readonly from: string;
  readonly to: string;
  readonly total: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly tool_calls: number;
  /** US dollars. */
  readonly cost_usd: number;
}

/** As many bars as can be told apart, the last one full: over longer times each stands for several days. */
export function binsOf(days: readonly Day[], most = 62): Bin[] {
  const size = Math.max(1, Math.ceil(days.length / most));
  const bins: Bin[] = [];
  for (let end = days.length; end > 0; end -= size) {
    const [first, ...rest] = days.slice(Math.max(0, end - size), end);
    if (first) bins.unshift(rest.reduce(joined, binOf(first)));
  }
  return bins;
}

function binOf(day: Day): Bin {
  const {
    date,
    total,
    completed,
    failed,
    cancelled,
    open,
    input_tokens,
    output_tokens,
    tool_calls,
    cost_usd,
  } = day;
  const counts = { total, completed, failed, cancelled, open };
  return { from: date, to: date, ...counts, input_tokens, output_tokens, tool_calls, cost_usd };
}

function joined(bin: Bin, day: Day): Bin {
  return {
    from: bin.from,
    to: day.date,
    total: bin.total + day.total,
    completed: bin.completed + day.completed,
    failed: bin.failed + day.failed,
    cancelled: bin.cancelled + day.cancelled,
    open: bin.open + day.open,
    input_tokens: bin.input_tokens + day.input_tokens,
    output_tokens: bin.output_tokens + day.output_tokens,
    tool_calls: bin.tool_calls + day.tool_calls,
    cost_usd: bin.cost_usd + day.cost_usd,
  };
}

export interface StageFigures {
  readonly stage: string;
  /** Builds in which it ran. */
  readonly builds: number;
  /** Seconds. */
  readonly median: number;
  readonly total: number;
}

/** The stages that take longest, the slowest first. */
export function slowestStages(figures: Figures, most = 10): StageFigures[] {
  return Object.entries(figures.stage_seconds)
    .map(([stage, rest]) => ({ stage, ...rest }))
    .sort((a, b) => b.median - a.median || a.stage.localeCompare(b.stage))
    .slice(0, most);
}

export interface StageFailures {
  readonly stage: string;
  readonly failures: number;
  /** Of all builds that failed, 0 … 1. */
  readonly share: number;
}

/** The stages in which builds fail most often, the worst first. */
export function failingStages(figures: Figures, most = 10): StageFailures[] {
  return Object.entries(figures.stage_failures)
    .map(([stage, failures]) => ({
      stage,
      failures,
      share: figures.failed === 0 ? 0 : failures / figures.failed,
    }))
    .sort((a, b) => b.failures - a.failures || a.stage.localeCompare(b.stage))
    .slice(0, most);
}

/** Leads to the builds of a part of a bar: of its days, of its kind, and of what all figures are narrowed down to. */
export function searchOf(
  { from, to }: Bin,
  kind: BuildsSearch | undefined,
  filters: BuildsSearch,
): BuildsSearch {
  return { ...filters, ...kind, since: from, until: to };
}

/** How much more or less it is than it was, as a share: 0.5 is half as much again. Undefined where there was nothing. */
export function changeOf(
  now: number | null | undefined,
  before: number | null | undefined,
): number | undefined {
  return now == null || before == null || before === 0 ? undefined : (now - before) / before;
}

/** The reader's own time zone. */
export function timeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** "3 Jun", or "3 – 9 Jun" for several days. A date has no time zone: it is what the API called the day. */
export function dateLabel({ from, to }: Pick<Bin, "from" | "to">, lang: Lang): string {
  const format = new Intl.DateTimeFormat(localeOf(lang), { day: "numeric", month: "short", timeZone: "UTC" });
  return from === to ? format.format(Date.parse(from)) : format.formatRange(Date.parse(from), Date.parse(to));
}
