import { useQuery } from "@tanstack/react-query";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { StatusIcon } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { earlierBuildsQuery, type Project, type Stage, useApi } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatExact } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";
import { usualStageSeconds } from "../model/estimate.ts";
import type { StageName } from "../model/stage-name.ts";
import type { BuildSearch } from "../search.ts";
import { type Row, rowsOf, withUsual } from "./bars.ts";
import { PlainRow, ROW, StageRow, TRACK } from "./row.tsx";
import { activeSpans, type Span, ticksOf, wholeSpan, withExpected } from "./scale.ts";
import { Axis, Grid } from "./track.tsx";

/** Marks of the axis; more would not fit a phone. */
const MARKS = 5;
/** So many parts of a stage are shown at once without being asked for. */
const FEW_PARTS = 8;

export interface WaterfallProps {
  project: Project;
  nameOf: StageName;
  shown: string | undefined;
  onShow: (stage: string, more?: Partial<BuildSearch>) => void;
}

/** The stages on a true scale of time, growing while they run. */
export function Waterfall({ project, nameOf, shown, onShow }: WaterfallProps) {
  const t = useMessages(messages);
  const open = project.completed_at === undefined && project.status !== "pending";
  // The clocks of browser and server differ: what the server has seen has been.
  const now = Math.max(useNow(open), Date.parse(project.updated_at));
  const { data: earlier } = useQuery(earlierBuildsQuery(useApi(), project.pipeline));
  const usual = useMemo(() => usualStageSeconds(project, earlier?.items ?? []), [project, earlier]);
  const rows = withUsual(rowsOf(project, now), usual);
  const periods = activeSpans(rows);
  const [period, setPeriod] = useState<number | "all">();
  const [closed, setClosed] = useState<ReadonlyMap<string, boolean>>(new Map());
  const shownSpan = spanOf(rows, periods, period) ?? { fromMs: now, toMs: now + 1000 };
  const isLast = period === undefined || period === periods.length - 1 || period === "all";
  const span = isLast ? withExpected(shownSpan, rows) : shownSpan;
  const ticks = ticksOf(span, MARKS);
  const stages = new Map(project.stages_snapshot.stages.map((stage) => [stage.stage, stage]));
  const partsOpen = (stage: Stage) =>
    closed.get(stage.stage) ?? Object.keys(stage.sub_stages).length <= FEW_PARTS;
  const hasParts = (stage: Stage) => Object.keys(stage.sub_stages).length > 0;
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const row = list.current?.querySelector<HTMLElement>(`[data-stage="${shown}"]`);
    if (list.current && row) scrollInto(list.current, row);
  }, [shown]);
  const anyParts = project.stages_snapshot.stages.some(hasParts);
  const toggle = (stage: Stage) => setClosed(new Map(closed).set(stage.stage, !partsOpen(stage)));
  return (
    <section aria-label={t.timeline} className="rounded-xl border border-line bg-surface p-2">
      <div className={cn(ROW, "px-2 pt-1")}>
        <Periods onChoose={setPeriod} period={period} periods={periods} />
        <div className={TRACK}>
          <Axis ticks={ticks} />
        </div>
      </div>
      <div className="relative max-h-[60dvh] overflow-y-auto" ref={list}>
        <div aria-hidden className={cn(ROW, "pointer-events-none absolute inset-0 px-2 max-sm:hidden")}>
          <span />
          <div className="relative h-full">
            <Grid ticks={ticks} />
          </div>
        </div>
        <ol className="relative">
          {rows.map((row) => {
            const stage = stages.get(row.stage ?? "");
            if (row.kind === "part" && stage && !partsOpen(stage)) return null;
            return (
              <li key={row.id}>
                {row.kind === "stage" && stage ? (
                  <StageRow
                    name={nameOf(stage)}
                    onParts={() => toggle(stage)}
                    onAttempt={(attempt) =>
                      onShow(stage.stage, {
                        tab: undefined,
                        attempt: attempt === stage.attempt ? undefined : attempt,
                      })
                    }
                    onShow={() => onShow(stage.stage)}
                    partsOpen={hasParts(stage) ? partsOpen(stage) : anyParts ? undefined : "none"}
                    row={row}
                    shown={stage.stage === shown}
                    span={span}
                    stage={stage}
                  />
                ) : (
                  <PlainRow
                    onOpen={stage && (() => onShow(stage.stage))}
                    className={row.kind === "part" ? "pl-12" : anyParts ? "pl-6.5" : "pl-5.5"}
                    row={row}
                    span={span}
                  >
                    {row.kind === "queue" ? t.queue : <PartName part={row.part ?? ""} stage={stage} />}
                  </PlainRow>
                )}
              </li>
            );
          })}
        </ol>
        {stages.size === 0 && <p className="p-4 text-ink-2">{t.noStages}</p>}
      </div>
    </section>
  );
}

/** Scrolls the list itself, and not the page around it, until the row can be seen. */
function scrollInto(list: HTMLElement, row: HTMLElement): void {
  const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

function PartName({ part, stage }: { part: string; stage: Stage | undefined }) {
  const lang = useLang();
  const status = stage?.sub_stages[part]?.status ?? "pending";
  return (
    <>
      <StatusIcon className="size-3.5" status={status} />
      <span className="min-w-0 truncate" title={part}>
        {part}
      </span>
      <span className="sr-only">, {statusNames[lang][status]}</span>
    </>
  );
}

interface PeriodsProps {
  periods: readonly Span[];
  period: number | "all" | undefined;
  onChoose: (period: number | "all") => void;
}

/** Which part of the build's life is shown, where it has several with much time between them. */
function Periods({ periods, period, onChoose }: PeriodsProps) {
  const t = useMessages(messages);
  const lang = useLang();
  if (periods.length < 2) return <span className="max-sm:hidden" />;
  return (
    <select
      aria-label={t.period}
      className="h-6 min-w-0 rounded-md border border-line bg-surface px-1 text-xs"
      onChange={(event) => onChoose(event.target.value === "all" ? "all" : Number(event.target.value))}
      value={period ?? periods.length - 1}
    >
      {periods.map(({ fromMs }, i) => (
        <option key={fromMs} value={i}>
          {t.periodNumber(i + 1)} · {formatExact(new Date(fromMs).toISOString(), lang)}
        </option>
      ))}
      <option value="all">{t.wholeTime}</option>
    </select>
  );
}

function spanOf(
  rows: readonly Row[],
  periods: readonly Span[],
  period: number | "all" | undefined,
): Span | undefined {
  if (period === "all") return wholeSpan(rows);
  return periods[period ?? periods.length - 1] ?? periods.at(-1);
}
