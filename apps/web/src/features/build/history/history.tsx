import { useQuery } from "@tanstack/react-query";
import { CircleHelp, CirclePlus, type LucideIcon, ShieldX, Terminal } from "lucide-react";
import type { ReactNode } from "react";
import { RelativeTime } from "../../../components/relative-time.tsx";
import { StatusIcon } from "../../../components/status.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { auditSinceQuery, type Project, sessionQuery, useApi } from "../../../lib/api.ts";
import { formatDuration } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import type { StageName } from "../model/stage-name.ts";
import type { BuildSearch } from "../search.ts";
import { type Happening, happeningsOf } from "./happenings.ts";

export interface HistoryProps {
  project: Project;
  nameOf: StageName;
  onShow: (stage: string, more?: Partial<BuildSearch>) => void;
}

/** Who did what to a build, and what ran; for those who may read the audit, every request and refusal. */
export function History({ project, nameOf, onShow }: HistoryProps) {
  const t = useMessages(messages);
  const api = useApi();
  const { data: session } = useQuery(sessionQuery(api));
  const mayAudit = session?.role === "admin" && session.kind !== "local";
  const { data: audit } = useQuery({
    ...auditSinceQuery(api, project.created_at, project.revision),
    enabled: mayAudit,
  });
  const { lease } = project;
  const happenings = happeningsOf(project, audit ?? []);
  return (
    <section aria-label={t.history} className="max-w-3xl pt-4">
      {lease.owner !== undefined && (
        <p className="mb-3 text-ink-2 text-sm">
          {t.runsOn}{" "}
          <span className="font-mono text-ink text-xs [overflow-wrap:anywhere]">{lease.owner}</span>
        </p>
      )}
      <ol className="rounded-xl border border-line bg-surface px-4" data-testid="history">
        {happenings.map((happening, i) => (
          <li
            className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-start gap-x-3 border-line border-b py-2.5 text-sm last:border-0"
            // biome-ignore lint/suspicious/noArrayIndexKey: several may have one time
            key={`${happening.at} ${happening.kind} ${i}`}
          >
            <Told happening={happening} nameOf={nameOf} onShow={onShow} project={project} />
            <span className="whitespace-nowrap pt-0.5 text-ink-3 text-xs">
              <RelativeTime at={happening.at} narrow />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Told({ happening, project, nameOf, onShow }: HistoryProps & { happening: Happening }) {
  const t = useMessages(messages);
  const lang = useLang();
  const nameOfKey = (key: string) =>
    nameOf(
      project.stages_snapshot.stages.find(({ stage }) => stage === key) ?? { stage: key, stage_name: key },
    );
  switch (happening.kind) {
    case "created":
      return <Line icon={CirclePlus} title={t.happened("create")} who={happening.by} />;
    case "command":
      return <Line icon={Terminal} title={t.happened(happening.command)} who={happening.by} />;
    case "answered":
      return (
        <Line
          icon={CircleHelp}
          title={
            <>
              {t.answered}:{" "}
              <ToStage
                name={nameOfKey(happening.stage)}
                onClick={() => onShow(happening.stage, { tab: undefined })}
              />
            </>
          }
          who={happening.by}
        />
      );
    case "ended":
      return (
        <>
          <StatusIcon className="mt-0.5" status={happening.status} />
          <span className="font-medium">{statusNames[lang][happening.status]}</span>
        </>
      );
    case "request": {
      const { procedure, by, role, from, result } = happening.row;
      const granted = result === "ok";
      return (
        <Line
          icon={granted ? Terminal : ShieldX}
          title={
            <>
              <span className="font-mono text-xs">{procedure}</span>
              {!granted && <span className="ml-2 font-mono text-bad text-xs">{result}</span>}
            </>
          }
          who={[by, role, from].filter(Boolean).join(" · ")}
        />
      );
    }
    case "attempt": {
      const { stage, attempt, status, seconds, code, definition } = happening;
      return (
        <>
          <StatusIcon className="mt-0.5" status={status} />
          <span className="min-w-0">
            <ToStage name={nameOfKey(stage)} onClick={() => onShow(stage, { attempt, tab: undefined })} /> ·{" "}
            {t.attempt(attempt)} · {statusNames[lang][status]}
            {seconds !== undefined && (
              <span className="tabular text-ink-2"> · {formatDuration(seconds, lang)}</span>
            )}
            {code !== undefined && <span className="ml-2 font-mono text-bad text-xs">{code}</span>}
            {definition !== undefined && (
              <span className="block text-ink-3 text-xs" title={definition}>
                {t.definition} <span className="font-mono">{definition.slice(0, 12)}</span>
              </span>
            )}
          </span>
        </>
      );
    }
    default:
      return happening satisfies never;
  }
}

function Line({ icon: Icon, title, who }: { icon: LucideIcon; title: ReactNode; who: string | undefined }) {
  return (
    <>
      <Icon aria-hidden className="mt-0.5 size-4 text-ink-3" />
      <span className="min-w-0">
        {title}
        {who !== undefined && who !== "" && (
          <span className="block text-ink-2 text-xs [overflow-wrap:anywhere]">{who}</span>
        )}
      </span>
    </>
  );
}

function ToStage({ name, onClick }: { name: string; onClick: () => void }) {
  return (
    <button className="target text-left font-medium hover:underline" onClick={onClick} type="button">
      {name}
    </button>
  );
}
