import type { ReactNode } from "react";
import { Duration, RelativeTime } from "../../../components/relative-time.tsx";
import { Badge } from "../../../components/ui/badge.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import type { Project } from "../../../lib/trpc.ts";
import { messages } from "../messages.ts";
import { SizeMeter } from "./size-meter.tsx";

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
