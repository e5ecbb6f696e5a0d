import { useQuery } from "@tanstack/react-query";
import { Clock3, Maximize, ZoomIn, ZoomOut } from "lucide-react";
import { useId, useMemo, useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { earlierBuildsQuery, type Project, type Stage, useApi } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";
import { usualStageSeconds } from "../model/estimate.ts";
import type { StageName } from "../model/stage-name.ts";
import type { BuildSearch } from "../search.ts";
import { BarTips } from "./bar-tip.tsx";
import { type QueueTime, queueTime, rowsOf, withUsual } from "./bars.ts";
import { Minimap, ZOOM } from "./minimap.tsx";
import { PartRow, ROW, StageRow, TRACK } from "./row.tsx";
import { RowList } from "./row-list.tsx";
import {
  breaksIn,
  LEAST_VIEW,
  type Scale,
  type Span,
  scaleOf,
  shareAt,
  ticksOf,
  timeAt,
  type View,
  WHOLE,
  zoomed,
} from "./scale.ts";
import { Axis, Grid } from "./track.tsx";

/** Marks of the axis; more would not fit a phone. */
const MARKS = 5;
/** So many parts are shown without being asked for: of one stage, and of the whole build. */
const FEW_PARTS = 8;
const FEW_ROWS = 64;

export interface WaterfallProps {
  project: Project;
  nameOf: StageName;
  shown: string | undefined;
  onShow: (stage: string, more?: Partial<BuildSearch>) => void;
}

/** The stages on one scale of time, growing while they run. */
export function Waterfall({ project, nameOf, shown, onShow }: WaterfallProps) {
  const t = useMessages(messages);
  const open = project.completed_at === undefined && project.status !== "pending";
  // The clocks of browser and server differ: what the server has seen has been.
  const now = Math.max(useNow(open), Date.parse(project.updated_at));
  const { data: earlier } = useQuery(earlierBuildsQuery(useApi(), project.pipeline));
  const usual = useMemo(() => usualStageSeconds(project, earlier?.items ?? []), [project, earlier]);
  const rows = useMemo(() => withUsual(rowsOf(project, now), usual), [project, now, usual]);
  const scale = useMemo(() => scaleOf(rows, now), [rows, now]);
  const [view, setView] = useView(scale);
  const ticks = ticksOf(scale, view, MARKS);
  const breaks = breaksIn(scale, view);
  const { stages } = project.stages_snapshot;
  const byKey = new Map(stages.map((stage) => [stage.stage, stage]));
  const [closed, setClosed] = useState<ReadonlyMap<string, boolean>>(new Map());
  const countOf = (stage: Stage) => Object.keys(stage.sub_stages).length;
  const parts = stages.reduce((sum, stage) => sum + countOf(stage), 0);
  const partsOpen = (stage: Stage) =>
    closed.get(stage.stage) ??
    (countOf(stage) <= FEW_PARTS && (parts <= FEW_ROWS || stage.status === "running"));
  const id = useId();
  const seen = rows.filter(({ kind, stage: key }) => {
    const stage = byKey.get(key);
    return stage && (kind === "stage" || partsOpen(stage));
  });
  const stageRows = rows.filter(({ kind }) => kind === "stage");
  const began = stageRows.some(({ bars }) => bars.length > 0);
  return (
    <BarTips
      nameOf={({ stage, part }) =>
        [nameOf(byKey.get(stage) ?? { stage, stage_name: stage }), part].filter(Boolean).join(" / ")
      }
      project={project}
    >
      <section aria-label={t.timeline} className="rounded-xl border border-line bg-surface p-2">
        <div className={cn(ROW, "gap-y-1 px-2 pt-1 max-sm:grid-cols-[minmax(0,1fr)_auto]")}>
          <Queued time={queueTime(project, now)} />
          {began && (
            <>
              <div className={TRACK}>
                <Minimap controls={id} onView={setView} rows={stageRows} scale={scale} view={view} />
              </div>
              <ZoomButtons onView={setView} view={view} />
              <span className="max-sm:hidden" />
            </>
          )}
          <div className={TRACK}>
            <Axis breaks={breaks} ticks={ticks} />
          </div>
        </div>
        <RowList
          behind={
            <div aria-hidden className={cn(ROW, "pointer-events-none absolute inset-0 px-2 max-sm:hidden")}>
              <span />
              <div className="relative h-full" data-track>
                <Grid breaks={breaks} ticks={ticks} />
              </div>
            </div>
          }
          id={id}
          onView={setView}
          rows={seen}
          shown={shown}
          view={view}
        >
          {(row) => {
            const stage = byKey.get(row.stage);
            if (!stage) return null;
            const show = (attempt?: number) =>
              onShow(stage.stage, attempt === undefined || attempt === stage.attempt ? {} : { attempt });
            const shared = { row, stage, scale, view, onShow: show };
            if (row.kind === "part") return <PartRow {...shared} />;
            const open = partsOpen(stage);
            return (
              <StageRow
                {...shared}
                name={nameOf(stage)}
                onParts={() => setClosed((before) => new Map(before).set(stage.stage, !open))}
                partsOpen={countOf(stage) > 0 ? open : parts > 0 ? undefined : "none"}
                shown={stage.stage === shown}
              />
            );
          }}
        </RowList>
        {stages.length === 0 && <p className="p-4 text-ink-2">{t.noStages}</p>}
      </section>
    </BarTips>
  );
}

/** What is shown of a scale. Kept as times: what is looked at stays there while the scale grows. */
function useView(scale: Scale): [View, (view: View) => void] {
  const [span, setSpan] = useState<Span>();
  const view = span
    ? {
        from: shareAt(scale, span.fromMs),
        to: Math.max(shareAt(scale, span.toMs), shareAt(scale, span.fromMs) + LEAST_VIEW),
      }
    : WHOLE;
  const change = ({ from, to }: View) =>
    setSpan(from <= 0 && to >= 1 ? undefined : { fromMs: timeAt(scale, from), toMs: timeAt(scale, to) });
  return [view, change];
}

/** Time in the queue is no part of the scale, which it would squeeze. */
function Queued({ time }: { time: QueueTime | undefined }) {
  const t = useMessages(messages);
  const lang = useLang();
  if (time === undefined) return <span className="max-sm:hidden" />;
  return (
    <span
      className="inline-flex items-center gap-1 justify-self-start whitespace-nowrap rounded-full bg-idle-soft py-0.5 pr-2.5 pl-1.5 text-ink-2 text-xs"
      data-testid="queue-time"
    >
      <Clock3 aria-hidden className="size-3.5" />
      {t.inQueueFor(formatDuration(time.ms / 1000, lang, time.open))}
    </span>
  );
}

function ZoomButtons({ view, onView }: { view: View; onView: (view: View) => void }) {
  const t = useMessages(messages);
  const isWhole = view.from <= 0 && view.to >= 1;
  const buttons = [
    { name: t.zoomIn, Icon: ZoomIn, to: zoomed(view, ZOOM, 0.5), disabled: false },
    { name: t.zoomOut, Icon: ZoomOut, to: zoomed(view, 1 / ZOOM, 0.5), disabled: isWhole },
    { name: t.zoomAll, Icon: Maximize, to: WHOLE, disabled: isWhole },
  ];
  return (
    <div className="flex justify-end">
      {buttons.map(({ name, Icon, to, disabled }) => (
        <Button
          aria-label={name}
          className="size-6! p-0! max-sm:size-11!"
          disabled={disabled}
          focusableWhenDisabled
          key={name}
          look="ghost"
          onClick={() => onView(to)}
          title={name}
        >
          <Icon aria-hidden className="size-3.5 max-sm:size-4" />
        </Button>
      ))}
    </div>
  );
}
