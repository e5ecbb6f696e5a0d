import { ChevronRight } from "lucide-react";
import { StatusIcon } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import type { Stage } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatDuration } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import type { Bar, Row } from "./bars.ts";
import type { Scale, View } from "./scale.ts";
import { Bars } from "./track.tsx";

/** Name, bars, seconds; on a phone the bars lie below. */
export const ROW =
  "grid grid-cols-[minmax(0,1fr)_4.5rem] items-center gap-x-3 sm:grid-cols-[minmax(8rem,30%)_minmax(0,1fr)_4.5rem]";
export const TRACK = "max-sm:order-last max-sm:col-span-2";

interface RowProps {
  row: Row;
  stage: Stage;
  scale: Scale;
  view: View;
  /** Opens the stage, or one attempt of it. */
  onShow: (attempt?: number) => void;
}

export interface StageRowProps extends RowProps {
  name: string;
  shown: boolean;
  /** Undefined when the stage has no parts, `none` when no stage has any. */
  partsOpen: boolean | "none" | undefined;
  onParts: () => void;
}

export function StageRow({
  row,
  stage,
  name,
  scale,
  view,
  shown,
  onShow,
  partsOpen,
  onParts,
}: StageRowProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const attempts = Math.max(stage.attempt, stage.history.length);
  return (
    <div
      className={cn("relative rounded-md", shown ? "bg-selected" : "hover:bg-hover")}
      data-stage={stage.stage}
    >
      <div className={cn(ROW, "min-h-8 px-2 py-1 max-sm:min-h-13 max-sm:pt-2 max-sm:pb-0")}>
        <div className="flex min-w-0 items-center gap-1.5">
          {partsOpen !== "none" && <PartsToggle name={name} onClick={onParts} open={partsOpen} />}
          <StatusIcon status={stage.status} />
          {/* The button covers the row, so that all of it can be clicked. */}
          <button
            aria-current={shown ? "true" : undefined}
            className="min-w-0 truncate text-left text-sm after:absolute after:inset-0 after:rounded-md focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent-strong"
            data-row
            onClick={() => onShow()}
            title={name}
            type="button"
          >
            {name}
            <span className="sr-only">
              , {statusNames[lang][stage.status]}
              {attempts > 1 && `, ${t.attemptCount(attempts)}`}
            </span>
          </button>
          {attempts > 1 && (
            <span
              aria-hidden
              className="shrink-0 rounded bg-idle-soft px-1 text-[0.6875rem] text-ink-2 tabular"
            >
              ×{attempts}
            </span>
          )}
        </div>
        <div
          className={cn(TRACK, "pointer-events-none z-1 h-6 max-sm:h-4 [&_[data-bar]]:pointer-events-auto")}
        >
          <Bars onOpen={({ attempt }: Bar) => onShow(attempt)} row={row} scale={scale} view={view} />
        </div>
        <Seconds row={row} />
      </div>
    </div>
  );
}

function PartsToggle({
  open,
  name,
  onClick,
}: {
  open: boolean | undefined;
  name: string;
  onClick: () => void;
}) {
  const t = useMessages(messages);
  if (open === undefined) return <span className="size-5 shrink-0" />;
  return (
    <button
      aria-expanded={open}
      aria-label={open ? t.hideParts(name) : t.showParts(name)}
      className="z-2 grid size-5 shrink-0 place-items-center rounded text-ink-3 hover:bg-sunken hover:text-ink max-sm:-ml-2 max-sm:-my-2 max-sm:h-11 max-sm:w-8"
      onClick={onClick}
      type="button"
    >
      <ChevronRight aria-hidden className={cn("size-4 transition-transform", open && "rotate-90")} />
    </button>
  );
}

/** A part of a stage. */
export function PartRow({ row, stage, scale, view, onShow }: RowProps) {
  const lang = useLang();
  const part = row.part ?? "";
  const status = stage.sub_stages[part]?.status ?? "pending";
  return (
    <div className={cn(ROW, "min-h-7 px-2 py-0.5 text-ink-2 text-sm max-sm:min-h-9")}>
      <div className="flex min-w-0 items-center gap-1.5 pl-12">
        <StatusIcon className="size-3.5" status={status} />
        <span className="min-w-0 truncate" title={part}>
          {part}
        </span>
        <span className="sr-only">, {statusNames[lang][status]}</span>
      </div>
      <div className={cn(TRACK, "h-5 max-sm:h-3")}>
        <Bars onOpen={() => onShow()} row={row} scale={scale} view={view} />
      </div>
      <Seconds row={row} />
    </div>
  );
}

/** How long what is shown took in all, waiting between attempts left out. */
function Seconds({ row }: { row: Row }) {
  const lang = useLang();
  const bars = row.bars.filter(({ kind }) => kind !== "wait" && kind !== "gate");
  const seconds = bars.reduce((sum, bar) => sum + (bar.toMs - bar.fromMs), 0) / 1000;
  const open = bars.some((bar) => bar.open);
  return (
    <span className="text-right text-ink-2 text-xs tabular">
      {bars.length > 0 && formatDuration(seconds, lang, open)}
    </span>
  );
}
