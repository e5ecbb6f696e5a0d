import { CircleAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { Turn } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatCompact, formatCost, formatDuration } from "../../lib/format.ts";
import { useWhole } from "../../lib/turn-files.ts";
import { CopyButton } from "../copy-button.tsx";
import { Markdown } from "../markdown/lazy-markdown.tsx";
import { RelativeTime } from "../relative-time.tsx";
import { messages } from "./messages.ts";
import { ShowWhole } from "./show-whole.tsx";
import { ToolCard } from "./tool-card.tsx";
import { TurnFiles } from "./turn-files.tsx";

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
            <Asked turn={turn} />
            <div className="mt-2 empty:hidden">
              <TurnFiles files={user.files} kind="given" turn={turn} />
            </div>
          </div>
        </div>
      )}
      <div className="grid min-w-0 grid-cols-1 gap-3">
        <span className="sr-only">{t.answer}: </span>
        {blocks.map((block, i) =>
          block.type === "text" ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: blocks stay in their order
            <Said block={block} key={i} turn={turn} />
          ) : (
            <ToolCard block={block} key={block.id} turn={turn} />
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

/** What was asked; of a question that is too long for the turn first how it begins. */
function Asked({ turn }: { turn: Turn }) {
  const { text, ref } = turn.user;
  const { shown, whole } = useShown(turn, text, ref);
  return (
    <>
      <p className="whitespace-pre-wrap [overflow-wrap:anywhere]">{shown}</p>
      {whole && <ShowWhole {...whole} />}
    </>
  );
}

/** A text of the answer; the same of one that is too long. */
function Said({ turn, block }: { turn: Turn; block: Extract<Turn["blocks"][number], { type: "text" }> }) {
  const { shown, whole } = useShown(turn, block.text, block.ref);
  return (
    <>
      <Markdown text={shown} />
      {whole && <ShowWhole {...whole} />}
    </>
  );
}

/** How a text begins, or all of it once that was asked for and is here. */
function useShown(turn: Turn, beginning: string, blockRef: string | null | undefined) {
  const [wanted, setWanted] = useState(false);
  const { data, isFetching, error, refetch } = useWhole(blockRef, turn, wanted);
  if (!blockRef || data !== undefined) return { shown: data ?? beginning, whole: undefined };
  const onShow = () => (wanted ? void refetch() : setWanted(true));
  const state: "beginning" | "loading" | "failed" = isFetching ? "loading" : error ? "failed" : "beginning";
  return { shown: beginning, whole: { turn, blockRef, onShow, state } };
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
