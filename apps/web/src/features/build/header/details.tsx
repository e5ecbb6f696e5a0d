import { useQuery } from "@tanstack/react-query";
import { Info } from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "../../../components/copy-button.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Popover } from "../../../components/ui/popover.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, systemQuery, useApi } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatBytes, formatExact, formatNumber } from "../../../lib/format.ts";
import { messages } from "../messages.ts";

/** What keeps a build going inside: for those who look after the system. */
export function Details({ project }: { project: Project }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { lease, control, pipeline_version } = project;
  return (
    <Popover
      title={t.details}
      trigger={
        <Button aria-label={t.details} look="ghost" size="icon" title={t.details}>
          <Info aria-hidden className="size-4" />
        </Button>
      }
    >
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] items-baseline max-sm:grid-cols-[fit-content(6.5rem)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
        <Line name={t.id}>
          <span className="inline-flex items-center gap-1 font-mono text-xs">
            {project.project_id}
            <CopyButton inside label={t.copyId} text={project.project_id} />
          </span>
        </Line>
        <Line name={t.created}>{formatExact(project.created_at, lang)}</Line>
        <Line name={t.priority}>{project.priority}</Line>
        <Line name={t.run}>{project.run}</Line>
        <Line name={t.revision}>{formatNumber(project.revision, lang)}</Line>
        {pipeline_version !== undefined && (
          <Line name={t.version}>
            <span className="font-mono text-xs">{pipeline_version}</span>
          </Line>
        )}
        {lease.owner !== undefined && (
          <Line name={t.lease}>
            <span className="[overflow-wrap:anywhere]">{t.leaseOf(lease.owner)}</span>
          </Line>
        )}
        {control && (
          <Line name={t.lastControl}>
            {control.op.split(" ", 1)[0]} · {control.by ?? "–"} · {formatExact(control.at, lang)}
          </Line>
        )}
        <Line name={t.size}>
          <SizeMeter bytes={project.item_bytes} />
        </Line>
      </dl>
      <p className="mt-3 text-ink-3 text-xs">{t.sizeHint}</p>
    </Popover>
  );
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}

/** What the API says before it is asked. */
const LIMIT = 256 * 1024;

/** How much of the item a build fills. `bytes` as the item counts itself. */
function SizeMeter({ bytes }: { bytes: number }) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const { data } = useQuery(systemQuery(api));
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
