import { useNavigate } from "@tanstack/react-router";
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Lang } from "../../i18n/define-messages.ts";
import { useLang } from "../../i18n/lang.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { formatCompact, formatNumber } from "../../lib/format.ts";
import { type Bin, dateLabel, searchOf } from "./figures.ts";

/** One part of each bar: which figure, what it is called, and its colour. */
export interface Series {
  readonly key: Exclude<keyof Bin, "from" | "to">;
  readonly name: string;
  readonly colour: string;
  /** Leads to the builds that are counted, besides their days. */
  readonly search?: BuildsSearch;
  /** Of a figure that is no count. */
  readonly format?: (value: number, lang: Lang) => string;
}

export interface ChartProps {
  bins: readonly Bin[];
  series: readonly Series[];
  /** What the figures are narrowed down to. */
  search: BuildsSearch;
}

/** Bars over time, their parts on top of each other; a click leads to their builds. For the eye alone: a table says the same. */
export function Chart({ bins, series, search }: ChartProps) {
  const lang = useLang();
  const navigate = useNavigate();
  const axis = { fill: "var(--ink-3)", fontSize: 11 };
  return (
    <div aria-hidden className="h-60 w-full">
      <ResponsiveContainer height="100%" width="100%">
        <BarChart
          accessibilityLayer={false}
          barCategoryGap="18%"
          data={[...bins]}
          margin={{ top: 8, right: 0, bottom: 0, left: 0 }}
        >
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis
            axisLine={{ stroke: "var(--line)" }}
            dataKey="from"
            interval="equidistantPreserveStart"
            minTickGap={24}
            tick={axis}
            tickFormatter={(from: string) => dateLabel({ from, to: from }, lang)}
            tickLine={false}
          />
          <YAxis
            allowDecimals={false}
            axisLine={false}
            tick={axis}
            tickFormatter={(value: number) => formatCompact(value, lang)}
            tickLine={false}
            width={44}
          />
          <Tooltip
            content={({ active, payload }) => {
              const bin: unknown = payload?.[0]?.payload;
              return active && isBin(bin) ? <Hint bin={bin} series={series} /> : null;
            }}
            cursor={{ fill: "var(--hover)" }}
            isAnimationActive={false}
          />
          {series.map((one) => (
            <Bar
              className="cursor-pointer"
              dataKey={one.key}
              fill={one.colour}
              isAnimationActive={false}
              key={one.key}
              name={one.name}
              onClick={({ payload }) => {
                const bin: unknown = payload;
                if (isBin(bin)) void navigate({ to: "/", search: searchOf(bin, one.search, search) });
              }}
              stackId="all"
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}

function isBin(value: unknown): value is Bin {
  return typeof value === "object" && value !== null && "from" in value && "to" in value;
}

function Hint({ bin, series }: { bin: Bin; series: readonly Series[] }) {
  const lang = useLang();
  return (
    <div className="rounded-md border border-line bg-raised px-3 py-2 text-xs shadow-pop">
      <p className="mb-1 font-medium">{dateLabel(bin, lang)}</p>
      {series
        .filter(({ key }) => bin[key] > 0)
        .map(({ key, name, colour, format = formatNumber }) => (
          <p className="flex items-center gap-2" key={key}>
            <span className="size-2 rounded-xs" style={{ background: colour }} />
            {name}
            <span className="tabular ml-auto pl-4">{format(bin[key], lang)}</span>
          </p>
        ))}
    </div>
  );
}
