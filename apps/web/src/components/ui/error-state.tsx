import { CircleAlert, CloudOff, Lock, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { common } from "../../i18n/common.ts";
import { errorMessages, useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { codeOf, isApiError, issuesOf } from "../../lib/errors.ts";
import { Button } from "./button.tsx";
import { EmptyState } from "./empty-state.tsx";

export interface ErrorStateProps {
  error: unknown;
  onRetry?: () => void;
  /** Where to go from here, when trying again is of no use. */
  action?: ReactNode;
}

/** What went wrong, in the reader's words, and a way to try again. */
export function ErrorState({ error, onRetry, action }: ErrorStateProps) {
  const t = useMessages(errorMessages);
  const c = useMessages(common);
  const text = useErrorText();
  const { icon, title } = lookOf(error, t);
  return (
    <div role="alert">
      <EmptyState
        action={action || (onRetry !== undefined && <Button onClick={onRetry}>{c.tryAgain}</Button>)}
        icon={icon}
        title={title}
      >
        <p className="break-words">{isNoId(error) ? t.noId : text(error)}</p>
      </EmptyState>
    </div>
  );
}

/** Whether the API was asked for an id that nothing can have, as an address may say it. */
function isNoId(error: unknown): boolean {
  return issuesOf(error).some((issue) => /^[a-z]+_id: /.test(issue));
}

function lookOf(error: unknown, t: typeof errorMessages.en) {
  const code = codeOf(error);
  if (code?.endsWith("_NOT_FOUND") || isNoId(error)) return { icon: SearchX, title: t.notFound };
  switch (code) {
    case "FORBIDDEN":
    case "UNAUTHENTICATED":
      return { icon: Lock, title: t.forbidden };
    case undefined:
      // Not an answer of the API at all: the page itself.
      if (!isApiError(error)) return { icon: CircleAlert, title: t.failed };
      return { icon: CloudOff, title: t.offline };
    case "STORE_UNAVAILABLE":
      return { icon: CloudOff, title: t.offline };
    default:
      return { icon: CircleAlert, title: t.failed };
  }
}
