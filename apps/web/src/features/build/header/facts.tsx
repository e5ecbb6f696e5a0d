import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { BuildDuration, RelativeTime } from "../../../components/relative-time.tsx";
import { Badge } from "../../../components/ui/badge.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { earlierBuildsQuery, type Project, useApi } from "../../../lib/api.ts";
import { formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";
import { timeLeft } from "../model/estimate.ts";

/** What there is to know of a build besides its stages. */
export function Facts({ project }: { project: Project }) {
  const t = useMessages(messages);
  const { started_at, user_id, user_name, pipeline, agent_id, tags } = project;
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-2 text-sm">
      <dl className="contents">
        <Fact name={t.created}>
          <RelativeTime at={project.created_at} />
        </Fact>
        {started_at !== undefined && (
          <Fact name={t.took}>
            <BuildDuration build={project} className="tabular" />
          </Fact>
        )}
        {user_id !== undefined && <Fact name={t.user}>{user_name ?? user_id}</Fact>}
        {pipeline !== undefined && <Fact name={t.pipeline}>{pipeline}</Fact>}
        {agent_id !== undefined && (
          <Fact name={t.agent}>
            <span className="font-mono text-xs">{agent_id}</span>
          </Fact>
        )}
        {project.run > 1 && <Fact name={t.run}>{project.run}</Fact>}
      </dl>
      {tags.length > 0 && (
        <ul aria-label={t.tags} className="flex flex-wrap items-center gap-1">
          {tags.map((tag) => (
            <li key={tag}>
              <Badge title={tag}>{tag}</Badge>
            </li>
          ))}
        </ul>
      )}
    </div>
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
