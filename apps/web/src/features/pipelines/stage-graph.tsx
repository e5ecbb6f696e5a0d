import { useMemo } from "react";
import { localised } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { PipelineInfo } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatDuration } from "../../lib/format.ts";
import { graphOf, type Place } from "../../lib/stage-graph.ts";
import { messages } from "./messages.ts";

/** Pixels. */
const WIDE = 152;
const HIGH = 32;
const GAP = { across: 36, down: 10 } as const;

const left = ({ column }: Place) => column * (WIDE + GAP.across);
const top = ({ row }: Place) => row * (HIGH + GAP.down);

/** The stages in the order in which they run: those that run one by one in a line, others as a graph. */
export function StageGraph({ pipeline }: { pipeline: PipelineInfo }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { name, stages } = pipeline;
  const graph = useMemo(() => graphOf(stages), [stages]);
  const nameOf = (i: number) => localised(stages[i]?.stage_name, lang, stages[i]?.stage ?? "");
  if (graph.rows <= 1)
    return (
      <ol className="mt-4 flex flex-wrap gap-x-1.5 gap-y-2">
        {stages.map((stage, i) => (
          <li className="flex min-w-0 items-center gap-1.5" key={stage.stage}>
            {i > 0 && <span aria-hidden className="h-px w-3 shrink-0 bg-line-strong" />}
            <StageBox stage={stage} />
          </li>
        ))}
      </ol>
    );
  return (
    <section
      aria-label={t.orderOf(name)}
      className="mt-4 overflow-x-auto pb-2"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
    >
      <div
        className="relative"
        style={{
          width: graph.columns * (WIDE + GAP.across) - GAP.across,
          height: graph.rows * (HIGH + GAP.down) - GAP.down,
        }}
      >
        <svg aria-hidden className="absolute inset-0 size-full overflow-visible">
          {graph.lines.map((line) => (
            <path
              className="fill-none stroke-line-strong"
              d={pathOf(line)}
              key={JSON.stringify([line[0], line.at(-1)])}
            />
          ))}
        </svg>
        <ol>
          {stages.map((stage, i) => {
            const place = graph.places[i];
            const before = graph.after[i] ?? [];
            return (
              place && (
                <li
                  className="absolute"
                  key={stage.stage}
                  style={{ left: left(place), top: top(place), width: WIDE, height: HIGH }}
                >
                  <StageBox
                    after={before.length > 0 ? t.after(before.map(nameOf).join(t.comma)) : t.first}
                    stage={stage}
                  />
                </li>
              )
            );
          })}
        </ol>
      </div>
    </section>
  );
}

interface StageBoxProps {
  stage: PipelineInfo["stages"][number];
  /** What it waits for, in words, where the place of the box says it to the eye alone. */
  after?: string;
}

function StageBox({ stage, after }: StageBoxProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const { kind, retry, timeout_seconds } = stage;
  const name = localised(stage.stage_name, lang, stage.stage);
  const about = [
    after,
    kind === "gate" && t.gate,
    stage.finally && t.finally,
    stage.allow_failure && t.mayFail,
    t.timeout(formatDuration(timeout_seconds, lang)),
    retry.attempts > 1 && t.attempts(retry.attempts),
  ];
  return (
    <span
      className={cn(
        "flex h-8 min-w-0 items-center gap-1.5 rounded-md border bg-surface px-2 text-sm",
        stage.finally ? "border-line-strong border-dashed" : "border-line",
      )}
      title={[name, ...about].filter(Boolean).join(" · ")}
    >
      {/* A gate is a diamond wherever stages are drawn. */}
      {kind === "gate" && <span aria-hidden className="mx-0.5 size-2 shrink-0 rotate-45 bg-warn" />}
      <span className="truncate">{name}</span>
      <span className="sr-only">
        {[after, kind === "gate" && t.gate, stage.finally && t.finally]
          .filter(Boolean)
          .map((it) => `, ${it}`)}
      </span>
    </span>
  );
}

/** From the right edge of a stage to the left edge of another, level through the columns between them. */
function pathOf(line: readonly Place[]): string {
  const [start, ...rest] = line;
  if (!start) return "";
  const y = (place: Place) => top(place) + HIGH / 2;
  const parts = rest.map((place, n) => {
    const before = line[n] ?? start;
    const from = left(before) + WIDE;
    const middle = from + GAP.across / 2;
    const to = left(place);
    const through = n < rest.length - 1 ? ` H ${to + WIDE}` : "";
    return `C ${middle} ${y(before)} ${middle} ${y(place)} ${to} ${y(place)}${through}`;
  });
  return `M ${left(start) + WIDE} ${y(start)} ${parts.join(" ")}`;
}
