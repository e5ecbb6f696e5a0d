import { CircleAlert, CloudOff, Lock, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { common } from "../../i18n/common.ts";
import { errorMessages, useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { codeOf, isApiError } from "../../lib/errors.ts";
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
        <p className="break-words">{text(error)}</p>
      </EmptyState>
    </div>
  );
}

function lookOf(error: unknown, t: { notFound: string; forbidden: string; offline: string; failed: string }) {
  switch (codeOf(error)) {
    case "PROJECT_NOT_FOUND":
    case "STAGE_NOT_FOUND":
    case "ARTIFACT_NOT_FOUND":
    case "PIPELINE_NOT_FOUND":
      return { icon: SearchX, title: t.notFound };
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
