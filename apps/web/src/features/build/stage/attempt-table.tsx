import type { HistoryEntry } from "@stagefold/core";
import { Duration, RelativeTime } from "../../../components/relative-time.tsx";
import { StatusBadge } from "../../../components/status.tsx";
import { type Column, DataTable } from "../../../components/ui/data-table.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import type { Stage } from "../../../lib/api.ts";
import { formatCompact, formatCost, formatDuration } from "../../../lib/format.ts";
import { messages } from "../messages.ts";

/** An attempt beside the one before it. */
interface Line {
  readonly attempt: HistoryEntry;
  readonly before: HistoryEntry | undefined;
}

export interface AttemptTableProps {
  stage: Stage;
  attempts: readonly HistoryEntry[];
  onChoose: (attempt: number) => void;
}

/** Every attempt of a stage beside the one before it, the newest first: how it ended, its time, what it used, and which definition it ran. */
export function AttemptTable({ stage, attempts, onChoose }: AttemptTableProps) {
  const t = useMessages(messages);
  const lang = useLang();
  if (attempts.length === 0) return <p className="py-4 text-ink-2">{t.notBegun}</p>;
  const lines = attempts.map((attempt, i): Line => ({ attempt, before: attempts[i - 1] })).toReversed();
  const used = new Map(attempts.map((attempt) => [attempt.attempt, usedBy(stage, attempt)]));
  const any = (has: (line: Line) => boolean) => lines.some(has);
  const columns: Column<Line>[] = [
    {
      name: t.chooseAttempt,
      phone: "title",
      cell: ({ attempt: { attempt } }) => (
        <button
          className="whitespace-nowrap text-accent hover:underline max-md:min-h-11"
          onClick={() => onChoose(attempt)}
          type="button"
        >
          {t.attempt(attempt)}
        </button>
      ),
    },
    {
      name: t.outcome,
      cell: ({ attempt: { status, code, exit_code, signal } }) => (
        <span className="grid justify-items-start gap-0.5 max-md:justify-items-end">
          <StatusBadge plain status={status} />
          {code !== undefined && <span className="font-mono text-xs">{code}</span>}
          {(signal !== undefined || (exit_code !== undefined && exit_code !== 0)) && (
            <span className="text-ink-3 text-xs">
              {t.exit} {signal ?? exit_code}
            </span>
          )}
        </span>
      ),
    },
    {
      name: t.started,
      cell: ({ attempt: { started_at } }) =>
        started_at !== undefined && (
          <span className="whitespace-nowrap">
            <RelativeTime at={started_at} narrow />
          </span>
        ),
    },
    { name: t.took, end: true, cell: (line) => <Took {...line} /> },
    ...(any(({ attempt }) => (used.get(attempt.attempt)?.tokens ?? 0) > 0)
      ? [
          {
            name: t.tokens,
            end: true as const,
            cell: ({ attempt }: Line) => formatCompact(used.get(attempt.attempt)?.tokens ?? 0, lang),
          },
          {
            name: t.cost,
            end: true as const,
            cell: ({ attempt }: Line) => formatCost(used.get(attempt.attempt)?.usd ?? 0, lang),
          },
        ]
      : []),
    ...(any(({ attempt }) => attempt.definition !== undefined)
      ? [
          {
            name: t.definition,
            cell: ({ attempt: { definition }, before }: Line) => {
              const differs = before?.definition !== undefined && before.definition !== definition;
              return (
                <span
                  className={differs ? "font-mono text-warn text-xs" : "font-mono text-xs"}
                  title={differs ? `${definition} (${t.otherDefinition})` : definition}
                >
                  {definition?.slice(0, 8)}
                  {differs && <span className="sr-only"> {t.otherDefinition}</span>}
                </span>
              );
            },
          },
        ]
      : []),
    ...(any(({ attempt: { error_message: message } }) => !!message)
      ? [
          {
            name: t.reason,
            cell: ({ attempt: { error_message: message } }: Line) => (
              <span className="line-clamp-4 text-ink-2 [overflow-wrap:anywhere]" title={message ?? undefined}>
                {message}
              </span>
            ),
          },
        ]
      : []),
  ];
  return (
    <DataTable
      columns={columns}
      keyOf={({ attempt }) => String(attempt.attempt)}
      label={t.attempts}
      rows={lines}
    />
  );
}

/** The present attempt's figures are the stage's own. */
function usedBy(stage: Stage, { attempt, metrics }: HistoryEntry): { tokens: number; usd: number } {
  const { input_tokens, output_tokens, cost_usd } =
    (attempt === stage.attempt ? stage.metrics : metrics) ?? {};
  const amount = (value: unknown) => (typeof value === "number" ? value : 0);
  return { tokens: amount(input_tokens) + amount(output_tokens), usd: amount(cost_usd) };
}

/** Less than this is no difference. Seconds. */
const LEAST = 0.1;

function Took({ attempt: { started_at, completed_at, status }, before }: Line) {
  const t = useMessages(messages);
  const lang = useLang();
  if (started_at === undefined || (completed_at === undefined && status !== "running")) return "–";
  const by = secondsOf({ started_at, completed_at }) - secondsOf(before ?? {});
  const shown = Number.isFinite(by) && Math.abs(by) >= LEAST;
  const time = formatDuration(Math.abs(by), lang);
  return (
    <span className="tabular whitespace-nowrap">
      <Duration from={started_at} to={completed_at} />
      {shown && (
        <span className="ml-1.5 text-ink-3 text-xs" title={by > 0 ? t.slower(time) : t.faster(time)}>
          {by > 0 ? "+" : "−"}
          {time}
        </span>
      )}
    </span>
  );
}

/** NaN where it did not end. */
function secondsOf({ started_at, completed_at }: Pick<HistoryEntry, "started_at" | "completed_at">): number {
  return (Date.parse(completed_at ?? "") - Date.parse(started_at ?? "")) / 1000;
}
