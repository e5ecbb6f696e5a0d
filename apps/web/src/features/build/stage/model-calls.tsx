import { useInfiniteQuery } from "@tanstack/react-query";
import { ChevronRight, CircleCheck, CircleX } from "lucide-react";
import { useId, useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { ErrorState } from "../../../components/ui/error-state.tsx";
import { Skeleton } from "../../../components/ui/skeleton.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type ModelCall, modelCallsQuery, useApi } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatCompact, formatCost, formatDuration } from "../../../lib/format.ts";
import { messages } from "../messages.ts";

export interface ModelCallsProps {
  projectId: string;
  stage: string;
  attempt: number;
  /** Whether more may come. */
  running: boolean;
}

/** How often the calls of a stage that runs are read. Milliseconds. */
const POLL_MS = 3000;

/** What a stage asked a language model: each call with its question, its answer, tokens, cost and time. */
export function ModelCalls({ projectId, stage, attempt, running }: ModelCallsProps) {
  const t = useMessages(messages);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    ...modelCallsQuery(useApi(), { project_id: projectId, stage, attempt }),
    refetchInterval: running ? POLL_MS : false,
  });
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-40 rounded-lg" />;
  const calls = data.pages.flatMap(({ items }) => items);
  if (calls.length === 0) return <p className="py-4 text-ink-2">{t.noCalls}</p>;
  return (
    <div className="grid grid-cols-1 gap-2" data-testid="model-calls">
      {calls.map((call) => (
        <Call call={call} key={call.call} />
      ))}
      {hasNextPage && (
        <Button
          className="justify-self-center"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
          size="small"
        >
          {t.moreCalls}
        </Button>
      )}
    </div>
  );
}

function Call({ call }: { call: ModelCall }) {
  const t = useMessages(messages);
  const lang = useLang();
  const id = useId();
  const [open, setOpen] = useState(false);
  const ok = call.status === "completed";
  const Icon = ok ? CircleCheck : CircleX;
  const figures = [
    `${formatCompact(call.input_tokens, lang)} → ${formatCompact(call.output_tokens, lang)}`,
    call.cost_usd !== null && call.cost_usd > 0 && formatCost(call.cost_usd, lang),
    formatDuration(call.duration_ms / 1000, lang),
    call.reused && t.reused,
  ].filter(Boolean);
  return (
    <section className="overflow-hidden rounded-lg border border-line bg-surface">
      <button
        aria-controls={id}
        aria-expanded={open}
        className="flex min-h-10 w-full flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5 text-left text-sm outline-offset-[-2px] hover:bg-hover"
        onClick={() => setOpen(!open)}
        type="button"
      >
        <ChevronRight
          aria-hidden
          className={cn("size-4 shrink-0 text-ink-3 transition-transform", open && "rotate-90")}
        />
        <Icon aria-hidden className={cn("size-4 shrink-0", ok ? "text-good" : "text-bad")} />
        <span className="min-w-0 flex-1 font-medium [overflow-wrap:anywhere]">{call.purpose}</span>
        <span className="font-mono text-ink-3 text-xs">{call.model}</span>
        <span className="tabular text-ink-2 text-xs">{figures.join(" · ")}</span>
      </button>
      <div hidden={!open} id={id}>
        {open && (
          <div className="grid grid-cols-1 gap-3 border-line border-t p-3">
            {call.message !== undefined && (
              <Part name={call.code ?? t.reason} text={call.message} tone="text-bad" />
            )}
            {call.system !== undefined && <Part name={t.system} text={call.system} />}
            {call.messages.map(({ role, text }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: messages stay in their order
              <Part key={i} name={role} text={text} />
            ))}
            {call.answer !== undefined && <Part name={t.modelAnswer} text={call.answer} />}
          </div>
        )}
      </div>
    </section>
  );
}

function Part({ name, text, tone }: { name: string; text: string; tone?: string }) {
  return (
    <div className="min-w-0">
      <p className="mb-1 text-ink-3 text-xs">{name}</p>
      <pre
        className={cn(
          "max-h-96 overflow-auto whitespace-pre-wrap rounded-md bg-sunken p-2 font-mono text-xs [overflow-wrap:anywhere]",
          tone,
        )}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
      >
        {text}
      </pre>
    </div>
  );
}
