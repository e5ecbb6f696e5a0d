import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Duration, RelativeTime } from "../../../components/relative-time.tsx";
import { Badge } from "../../../components/ui/badge.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { earlierBuildsQuery, type Project, systemQuery, useApi } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatBytes, formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";
import { timeLeft } from "../model/estimate.ts";

/** What there is to know of a build besides its stages. */
export function Facts({ project }: { project: Project }) {
  const t = useMessages(messages);
  const { started_at, completed_at, user_id, user_name, pipeline, agent_id, tags } = project;
  const from = started_at ?? (completed_at === undefined ? undefined : project.created_at);
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-2 text-sm">
      <Fact name={t.created}>
        <RelativeTime at={project.created_at} />
      </Fact>
      {from !== undefined && (
        <Fact name={t.took}>
          <Duration className="tabular" from={from} to={completed_at} />
        </Fact>
      )}
      {user_id !== undefined && <Fact name={t.user}>{user_name ?? user_id}</Fact>}
      {pipeline !== undefined && <Fact name={t.pipeline}>{pipeline}</Fact>}
      {agent_id !== undefined && (
        <Fact name={t.agent}>
          <span className="font-mono text-xs">{agent_id}</span>
        </Fact>
      )}
      <Fact name={t.priority}>{project.priority}</Fact>
      {project.run > 1 && <Fact name={t.run}>{project.run}</Fact>}
      <Fact name={t.size}>
        <SizeMeter bytes={project.item_bytes} />
      </Fact>
      {tags.length > 0 && (
        <div className="flex flex-wrap items-center gap-1">
          {tags.map((tag) => (
            <Badge key={tag} title={tag}>
              {tag}
            </Badge>
          ))}
        </div>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 items-baseline gap-1.5">
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 truncate">{children}</dd>
    </div>
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

/** What is left of a build that runs, as far as earlier builds tell; nothing where they do not. */
export function TimeLeft({ project }: { project: Project }) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const building = project.status === "building";
  const now = useNow(building);
  const { data } = useQuery({ ...earlierBuildsQuery(api, project.pipeline), enabled: building });
  const estimate = data && timeLeft(project, data.items, now);
  if (!estimate) return null;
  // Parts of a second would only flicker.
  const seconds = Math.max(1, Math.ceil(estimate.seconds));
  return (
    <span className="tabular" data-testid="time-left" title={t.leftHint(estimate.builds)}>
      {estimate.overdue && estimate.seconds === 0 ? t.overdue : t.left(formatDuration(seconds, lang))}
    </span>
  );
}
