import { CircleX } from "lucide-react";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { messages } from "../messages.ts";
import { ADVICE, type FailureCode } from "../model/failure.ts";

export interface FailureProps {
  /** Where the code says nothing. */
  title: string;
  code: FailureCode | undefined;
  message: string;
}

/** Why something failed, in its own words, and what to do next. */
export function Failure({ title, code, message }: FailureProps) {
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
          {advice && (
            <p className="mt-2 text-ink-2">
              <span className="font-medium text-ink">{t.whatNext}:</span> {advice.next}
            </p>
          )}
        </div>
      </div>
    </section>
  );
}
