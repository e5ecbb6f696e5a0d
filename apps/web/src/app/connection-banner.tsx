import { CloudOff } from "lucide-react";
import { useMessages } from "../i18n/lang.ts";
import { useConnection } from "../live/live-provider.tsx";
import { messages } from "./messages.ts";

/** Says that there is no connection to the server, for as long as there is none. It lies over the page, so that nothing jumps. */
export function ConnectionBanner() {
  const t = useMessages(messages);
  const lost = useConnection() === "lost";
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-0 max-sm:bottom-14 z-30 flex justify-center p-4"
      role="status"
    >
      {lost && (
        <p className="flex items-center gap-2 rounded-lg border border-warn bg-warn-soft px-3 py-2 text-sm text-warn shadow-pop">
          <CloudOff aria-hidden className="size-4 shrink-0" />
          {t.lost}
        </p>
      )}
    </div>
  );
}
