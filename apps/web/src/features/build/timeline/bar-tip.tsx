import { Tooltip } from "@base-ui/react/tooltip";
import { attemptsOf } from "@stagefold/core";
import { createContext, type ReactNode, useContext, useState } from "react";
import { StatusIcon } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import type { Project, Stage } from "../../../lib/api.ts";
import { formatCompact, formatCost, formatDuration, formatExact } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import type { Bar, Row } from "./bars.ts";

interface Pointed {
  readonly row: Row;
  readonly bar: Bar;
}
type Handle = Tooltip.Handle<Pointed>;

const TipContext = createContext<Handle | undefined>(undefined);

/** What the bars of a timeline share: one tooltip for hundreds of them. */
export function useBarTip(): Handle {
  const handle = useContext(TipContext);
  if (!handle) throw new Error("useBarTip needs a BarTips above it");
  return handle;
}

export interface BarTipsProps {
  project: Project;
  /** What a row is called. */
  nameOf: (row: Row) => string;
  children: ReactNode;
}

/** Shows, of the bar that is pointed at or has the focus, what it is, when it was, and what it used. */
export function BarTips({ project, nameOf, children }: BarTipsProps) {
  const [handle] = useState(() => Tooltip.createHandle<Pointed>());
  return (
    <TipContext value={handle}>
      {children}
      <Tooltip.Root handle={handle}>
        {({ payload }) => (
          <Tooltip.Portal>
            <Tooltip.Positioner className="pointer-events-none z-50" sideOffset={8}>
              <Tooltip.Popup
                className="w-max max-w-[min(22rem,calc(100vw-1rem))] rounded-lg border border-line bg-raised px-3 py-2 text-ink text-xs shadow-pop"
                data-testid="bar-tip"
                // What has the focus is told to those who hear the page, too.
                role="status"
              >
                {payload && <Tip {...payload} name={nameOf(payload.row)} project={project} />}
              </Tooltip.Popup>
            </Tooltip.Positioner>
          </Tooltip.Portal>
        )}
      </Tooltip.Root>
    </TipContext>
  );
}

function Tip({ project, row, bar, name }: Pointed & { project: Project; name: string }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { kind, status, attempt, fromMs, toMs, open, progress, usualMs } = bar;
  const stage = project.stages_snapshot.stages.find((one) => one.stage === row.stage);
  const isWait = kind === "wait";
  const what = {
    wait: t.wait,
    attempt: t.attempt(attempt),
    part: undefined,
    ask: t.gateBar,
    gate: t.gateBar,
  } satisfies Record<Bar["kind"], string | undefined>;
  const exact = (ms: number) => formatExact(new Date(ms).toISOString(), lang);
  const lines: (readonly [string, ReactNode])[] = [];
  if (kind !== "gate") {
    lines.push([t.started, exact(fromMs)]);
    if (!open) lines.push([t.ended, exact(toMs)]);
    lines.push([t.took, formatDuration((toMs - fromMs) / 1000, lang, open)]);
  }
  if (usualMs !== undefined) lines.push([t.usualTime, formatDuration(usualMs / 1000, lang)]);
  if (progress !== undefined) lines.push([t.progress, `${Math.floor(progress)}%`]);
  if (stage && kind === "attempt") lines.push(...usedBy(stage, attempt, { t, lang }));
  if (stage && (kind === "gate" || kind === "ask"))
    lines.push(...answerOf(project, stage, attempt, t, exact));
  const code = stage && kind !== "part" && !isWait ? codeOf(stage, attempt) : undefined;
  return (
    <div className="grid gap-1">
      <p className="flex items-center gap-1.5 font-semibold">
        {!isWait && <StatusIcon className="size-3.5" status={status} />}
        <span className="min-w-0 truncate">{name}</span>
      </p>
      <p className="text-ink-2">
        {[what[kind], ...(isWait ? [] : [statusNames[lang][status]])].filter(Boolean).join(" · ")}
        {code !== undefined && <span className="ml-1.5 font-mono text-bad">{code}</span>}
      </p>
      <dl className="tabular grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5">
        {lines.map(([term, value]) => (
          <div className="contents" key={term}>
            <dt className="text-ink-3">{term}</dt>
            <dd className="line-clamp-3 [overflow-wrap:anywhere]">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function codeOf(stage: Stage, attempt: number): string | undefined {
  return attemptsOf(stage).find((one) => one.attempt === attempt)?.code;
}

type Texts = ReturnType<typeof useMessages<(typeof messages)["en"]>>;

/** What an attempt used of a language model, and what it failed with. */
function usedBy(
  stage: Stage,
  attempt: number,
  { t, lang }: { t: Texts; lang: ReturnType<typeof useLang> },
): (readonly [string, ReactNode])[] {
  const entry = attemptsOf(stage).find((one) => one.attempt === attempt);
  const { input_tokens, output_tokens, cost_usd } =
    attempt === stage.attempt ? stage.metrics : (entry?.metrics ?? {});
  const tokens = [input_tokens, output_tokens].map((value) => (typeof value === "number" ? value : 0));
  const cost = typeof cost_usd === "number" ? cost_usd : 0;
  return [
    ...(tokens.some((value) => value > 0)
      ? [[t.tokens, tokens.map((value) => formatCompact(value, lang)).join(" + ")] as const]
      : []),
    ...(cost > 0 ? [[t.cost, formatCost(cost, lang)] as const] : []),
    ...(entry?.error_message ? [[t.reason, entry.error_message] as const] : []),
  ];
}

/** What a gate asked, who answered it and when. */
function answerOf(
  project: Project,
  stage: Stage,
  attempt: number,
  t: Texts,
  exact: (ms: number) => string,
): (readonly [string, ReactNode])[] {
  if (attempt !== stage.attempt) return [];
  const { question = project.waiting?.stage === stage.stage ? project.waiting.question : undefined } =
    stage.output_data;
  const { by, at, answer } = stage.output_data;
  return [
    ...(typeof question === "string" ? [[t.question, question] as const] : []),
    ...(answer !== undefined && typeof by === "string" ? [[t.answeredWho, by] as const] : []),
    ...(answer !== undefined && typeof at === "string" ? [[t.answered, exact(Date.parse(at))] as const] : []),
  ];
}
