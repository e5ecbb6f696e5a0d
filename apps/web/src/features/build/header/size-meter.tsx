import { useQuery } from "@tanstack/react-query";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatBytes } from "../../../lib/format.ts";
import { useTRPC } from "../../../lib/trpc.ts";
import { messages } from "../messages.ts";

/** What the API says before it is asked. */
const LIMIT = 256 * 1024;

/** How much of the item a build fills. `bytes` as the item counts itself. */
export function SizeMeter({ bytes }: { bytes: number }) {
  const t = useMessages(messages);
  const lang = useLang();
  const trpc = useTRPC();
  const { data } = useQuery(
    trpc.system.info.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY }),
  );
  const limit = data?.limits.item_bytes ?? LIMIT;
  const share = Math.min(1, bytes / limit);
  const text = t.sizeOf(formatBytes(bytes, lang), formatBytes(limit, lang));
  return (
    <span className="inline-flex items-center gap-2" title={t.sizeHint}>
      {/* biome-ignore lint/a11y/useSemanticElements: browsers draw a meter of their own */}
      <span
        aria-label={t.size}
        aria-valuemax={limit}
        aria-valuemin={0}
        aria-valuenow={bytes}
        aria-valuetext={text}
        className="h-1.5 w-12 overflow-hidden rounded-full bg-line"
        role="meter"
      >
        <span
          className={cn(
            "block h-full rounded-full",
            share > 0.9 ? "bg-bad" : share > 0.7 ? "bg-warn" : "bg-good",
          )}
          style={{ width: `${Math.max(4, share * 100)}%` }}
        />
      </span>
      <span className="tabular">{text}</span>
    </span>
  );
}
