import { Download, Paperclip } from "lucide-react";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { Turn } from "../../lib/api.ts";
import { formatBytes } from "../../lib/format.ts";
import { refUrl } from "../../lib/turn-files.ts";
import { messages } from "./messages.ts";

type File = Turn["user"]["files"][number];

const LOOK = {
  given: { icon: Paperclip, style: "bg-surface px-2 py-0.5" },
  made: { icon: Download, style: "bg-surface px-2.5 py-1.5 max-sm:min-h-11" },
} as const;

/** Files of a question, or those that an answer left: each a download. */
export function TurnFiles({
  turn,
  files,
  kind,
}: {
  turn: Turn;
  files: readonly File[];
  kind: keyof typeof LOOK;
}) {
  const t = useMessages(messages);
  const lang = useLang();
  const { icon: Icon, style } = LOOK[kind];
  if (files.length === 0) return null;
  return (
    <ul aria-label={t[kind]} className="flex flex-wrap gap-1.5" data-testid={`files-${kind}`}>
      {files.map(({ name, size, ref }) => (
        <li className="max-w-full" key={ref}>
          <a
            className={`target inline-flex max-w-full items-center gap-1.5 rounded-md border border-line text-xs hover:bg-hover ${style}`}
            download
            href={refUrl(ref, turn)}
          >
            <Icon aria-hidden className="size-3 shrink-0" />
            <span className="truncate">{name}</span>
            <span className="shrink-0 text-ink-3">{formatBytes(size, lang)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
