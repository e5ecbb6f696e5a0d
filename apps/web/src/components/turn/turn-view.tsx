import { CircleAlert, Paperclip } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { Turn } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatBytes, formatCompact, formatCost, formatDuration } from "../../lib/format.ts";
import { CopyButton } from "../copy-button.tsx";
import { Markdown } from "../markdown/lazy-markdown.tsx";
import { RelativeTime } from "../relative-time.tsx";
import { messages } from "./messages.ts";
import { ToolCard } from "./tool-card.tsx";

export interface TurnViewProps {
  turn: Turn;
  /** What can be done with it, beside its figures. */
  children?: ReactNode;
}

/** What was asked and what was answered: text in Markdown, each call of a tool as a card that opens. */
export function TurnView({ turn, children }: TurnViewProps) {
  const t = useMessages(messages);
  const { user, blocks, status, error } = turn;
  const running = status === "running";
  const answer = blocks.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n\n");
  return (
    <article className="grid grid-cols-1 gap-3" data-turn={turn.turn} data-turn-status={status}>
      {(user.text !== "" || user.files.length > 0) && (
        <div className="flex justify-end">
          <div className="max-w-[85%] rounded-2xl rounded-br-md bg-selected px-3.5 py-2.5">
            <span className="sr-only">{t.you}: </span>
            <p className="whitespace-pre-wrap [overflow-wrap:anywhere]">{user.text}</p>
            {user.ref && <p className="text-ink-3 text-xs">{t.beginning}</p>}
            <Files turn={turn} />
          </div>
        </div>
      )}
      <div className="grid min-w-0 grid-cols-1 gap-3">
        <span className="sr-only">{t.answer}: </span>
        {blocks.map((block, i) =>
          block.type === "text" ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: blocks stay in their order
            <Fragment key={i}>
              <Markdown text={block.text} />
              {block.ref && <p className="text-ink-3 text-xs">{t.beginning}</p>}
            </Fragment>
          ) : (
            <ToolCard block={block} key={block.id} />
          ),
        )}
        {running && blocks.length === 0 && <p className="animate-pulse text-ink-3">{t.thinking}</p>}
        {!running && blocks.length === 0 && !error && <p className="text-ink-3">{t.noAnswer}</p>}
        {error && (
          <p
            className="flex items-start gap-2 rounded-lg bg-bad-soft px-3 py-2 text-bad text-sm"
            role="alert"
          >
            <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
            <span className="min-w-0 [overflow-wrap:anywhere]">
              {t[error.code]} <span className="text-ink-2">{error.message}</span>
            </span>
          </p>
        )}
        {!running && (
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-3 text-xs">
            <Figures turn={turn} />
            {answer !== "" && <CopyButton inside label={t.copy} text={answer} />}
            {children}
          </div>
        )}
      </div>
    </article>
  );
}

function Files({ turn: { user } }: { turn: Turn }) {
  const lang = useLang();
  if (user.files.length === 0) return null;
  return (
    <ul className="mt-2 flex flex-wrap gap-1.5">
      {user.files.map(({ name, size }) => (
        <li
          className="inline-flex max-w-full items-center gap-1 rounded-md border border-line bg-surface px-2 py-0.5 text-xs"
          key={name}
        >
          <Paperclip aria-hidden className="size-3 shrink-0" />
          <span className="truncate">{name}</span>
          <span className="shrink-0 text-ink-3">{formatBytes(size, lang)}</span>
        </li>
      ))}
    </ul>
  );
}

/** How it ended, when, how long it took, what it cost. */
function Figures({ turn }: { turn: Turn }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { status, duration_ms, input_tokens, output_tokens, cached_tokens, cost_usd, model } = turn;
  const tokens = input_tokens + output_tokens;
  const ok = status === "completed";
  return (
    <>
      {!ok && (
        <span className={cn("font-medium", status === "failed" ? "text-bad" : "text-warn")}>{t[status]}</span>
      )}
      <RelativeTime at={turn.ended_at ?? turn.started_at} />
      {duration_ms !== undefined && (
        <span className="tabular">{formatDuration(duration_ms / 1000, lang)}</span>
      )}
      {tokens > 0 && (
        <span
          className="tabular"
          title={t.tokensHint(
            formatCompact(input_tokens, lang),
            formatCompact(output_tokens, lang),
            formatCompact(cached_tokens, lang),
          )}
        >
          {t.tokens(formatCompact(tokens, lang))}
        </span>
      )}
      {cost_usd > 0 && <span className="tabular">{formatCost(cost_usd, lang)}</span>}
      {model !== undefined && <span className="font-mono">{model}</span>}
    </>
  );
}
