import { CircleX, LocateFixed } from "lucide-react";
import { Button } from "../../../components/ui/button.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { plainText } from "../log/ansi.ts";
import { messages } from "../messages.ts";
import { ADVICE, type FailureCode } from "../model/failure.ts";

export interface FailureProps {
  /** Where the code says nothing. */
  title: string;
  code: FailureCode | undefined;
  message: string;
  /** The end of its log. */
  lines?: readonly string[] | undefined;
  /** The log itself is below, in full height where there are two panes: then its end is not said twice. */
  logBeside?: boolean;
  /** Leads to where the log says it. */
  onLog?: () => void;
}

/** Why something failed, in its own words, and what to do next. */
export function Failure({ title, code, message, lines = [], logBeside, onLog }: FailureProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const advice = code && ADVICE[lang][code];
  return (
    <section
      aria-label={title}
      className="rounded-lg border border-line border-l-4 border-l-bad bg-surface p-4 text-sm"
      data-testid="failure"
    >
      <div className="flex items-start gap-2.5">
        <CircleX aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
        <div className="min-w-0 flex-1">
          <p className="font-semibold">
            {advice?.title ?? title}
            {code !== undefined && (
              <span className="ml-2 font-mono font-normal text-ink-2 text-xs">{code}</span>
            )}
          </p>
          {message !== "" && (
            <pre className="mt-2 max-h-40 overflow-auto whitespace-pre-wrap break-words font-mono text-xs">
              {message}
            </pre>
          )}
          {lines.length > 0 && (
            <div className={cn(logBeside && "in-data-full:hidden")}>
              <p className="mt-2 text-ink-3 text-xs">{t.lastLines}</p>
              <pre
                className="mt-1 max-h-32 overflow-auto whitespace-pre-wrap break-words rounded-md bg-log p-2 font-mono text-log-ink text-xs"
                data-testid="last-lines"
                // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
                tabIndex={0}
              >
                {lines.map(plainText).join("\n")}
              </pre>
            </div>
          )}
          {advice && (
            <p className="mt-2 text-ink-2">
              <span className="font-medium text-ink">{t.whatNext}:</span> {advice.next}
            </p>
          )}
          {onLog && (
            <Button className="mt-3" onClick={onLog} size="small">
              <LocateFixed aria-hidden className="size-3.5" />
              {t.showInLog}
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}
