import { attemptsOf, type HistoryEntry } from "@stagefold/core";
import { useQuery } from "@tanstack/react-query";
import { LocateFixed } from "lucide-react";
import type { ReactNode } from "react";
import { Duration } from "../../../components/relative-time.tsx";
import { StatusBadge } from "../../../components/status.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { type Tab, Tabs } from "../../../components/ui/tabs.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, type Stage, useApi } from "../../../lib/api.ts";
import { formatNumber } from "../../../lib/format.ts";
import { type Artifact, StageArtifacts } from "../../artifacts/index.ts";
import { Failure } from "../header/failure.tsx";
import { messages } from "../messages.ts";
import type { StageName } from "../model/stage-name.ts";
import type { BuildSearch, StageTab } from "../search.ts";
import { isGate } from "../timeline/bars.ts";
import type { BuildControl } from "../use-control.ts";
import { AttemptTable } from "./attempt-table.tsx";
import { Metrics } from "./metrics.tsx";
import { ModelCalls } from "./model-calls.tsx";
import { Output } from "./output.tsx";
import { Question } from "./question.tsx";
import { RetryFrom } from "./retry-from.tsx";
import { StageLog } from "./stage-log.tsx";

export interface StagePanelProps {
  project: Project;
  stage: Stage;
  artifacts: readonly Artifact[];
  control: BuildControl;
  nameOf: StageName;
  search: BuildSearch;
  onSearch: (change: Partial<BuildSearch>) => void;
}

/** All that one stage left: why it failed, its log, artifacts, output, figures and attempts. */
export function StagePanel(props: StagePanelProps) {
  const { project, stage, control, nameOf } = props;
  const name = nameOf(stage);
  return (
    <section
      aria-label={name}
      className="grid grid-cols-1 in-data-full:flex in-data-full:min-h-0 in-data-full:flex-1 in-data-full:flex-col gap-3"
      data-testid="stage-panel"
    >
      <div className="flex flex-wrap items-center justify-between gap-2">
        <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
          <h2 className="min-w-0 font-semibold text-lg [overflow-wrap:anywhere]">{name}</h2>
          <StatusBadge status={stage.status} />
          {stage.started_at !== undefined &&
            (stage.status === "running" || stage.completed_at !== undefined) && (
              <Duration
                className="tabular text-ink-2 text-sm"
                from={stage.started_at}
                to={stage.completed_at}
              />
            )}
        </div>
        <div className="flex items-center gap-2">
          <Follow {...props} />
          <RetryFrom control={control} nameOf={nameOf} project={project} stage={stage} />
        </div>
      </div>
      <StageProblem {...props} />
      <StageTabs {...props} />
    </section>
  );
}

/** The way back from a stage or attempt that was chosen to whatever the build is at. */
function Follow({ project, search, onSearch }: StagePanelProps) {
  const t = useMessages(messages);
  const open = project.completed_at === undefined;
  if (!open || (search.stage === undefined && search.attempt === undefined)) return null;
  return (
    <Button onClick={() => onSearch({ stage: undefined, attempt: undefined })} size="small">
      <LocateFixed aria-hidden className="size-3.5" />
      {t.follow}
    </Button>
  );
}

/** Earlier attempts of a stage that had very many are read from the store. */
function useAttempts({ project_id }: Project, stage: Stage): readonly HistoryEntry[] {
  const api = useApi();
  const { data } = useQuery({
    // A document's name is never used again for another one.
    queryKey: ["attempts", project_id, stage.stage, stage.history_ref],
    queryFn: ({ signal }) => api.stages.get({ project_id, stage: stage.stage }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: stage.history_ref !== undefined,
  });
  const known = attemptsOf(stage);
  const first = known[0]?.attempt ?? 0;
  return [...(data?.attempts ?? []).filter(({ attempt }) => attempt < first), ...known];
}

function StageProblem({ stage, search, onSearch }: StagePanelProps) {
  const t = useMessages(messages);
  const lang = useLang();
  if (stage.status === "failed")
    return (
      <Failure
        code={stage.error_code}
        lines={stage.logs}
        logBeside={search.tab === undefined}
        message={stage.error_message}
        onLog={() => onSearch({ stage: stage.stage, tab: undefined, attempt: undefined, line: "error" })}
        title={statusNames[lang].failed}
      />
    );
  const reason = stage.output_data.skipped_reason;
  if (stage.status === "skipped" && typeof reason === "string")
    return (
      <p className="text-ink-2 text-sm">
        {t.skipped}: {reason}
      </p>
    );
  // Between two attempts: what the last one failed with.
  if (stage.status !== "pending" || stage.error_message === null) return null;
  return (
    <p className="text-sm text-warn">
      {t.attempt(stage.attempt)}: <span className="[overflow-wrap:anywhere]">{stage.error_message}</span>
    </p>
  );
}

function StageTabs({ project, stage, artifacts, search, onSearch }: StagePanelProps) {
  const t = useMessages(messages);
  const attempts = useAttempts(project, stage);
  const gate = isGate(stage);
  // A gate is a question before all else, and mostly has no log.
  const first = gate ? "question" : "log";
  const choose = ({ path, stage: from }: Artifact) => onSearch({ view: "artifacts", file: path, from });
  const tabs = [
    ...(gate ? [tab("question", t.question, <Question project={project} stage={stage} />)] : []),
    tab(
      "log",
      t.log,
      <StageLog
        attempts={attempts}
        chosen={search.attempt}
        line={search.line}
        onChoose={(attempt) => onSearch({ attempt })}
        onLine={(line) => onSearch({ stage: stage.stage, line })}
        project={project}
        stage={stage}
      />,
    ),
    tab(
      "artifacts",
      <Counted count={artifacts.length} name={t.artifacts} />,
      <StageArtifacts artifacts={artifacts} onChoose={choose} />,
    ),
    tab("output", t.output, <Output projectId={project.project_id} stage={stage} />),
    // A stage that asked a language model has counted what that took.
    ...(Number(stage.metrics.input_tokens) > 0 || search.tab === "calls"
      ? [
          tab(
            "calls",
            t.calls,
            <ModelCalls
              attempt={Math.min(search.attempt ?? stage.attempt, stage.attempt)}
              projectId={project.project_id}
              running={stage.status === "running"}
              stage={stage.stage}
            />,
          ),
        ]
      : []),
    tab("metrics", t.metrics, <Metrics stage={stage} />),
    tab(
      "attempts",
      <Counted count={attempts.length} name={t.attempts} />,
      <AttemptTable
        attempts={attempts}
        onChoose={(attempt) =>
          onSearch({ tab: undefined, attempt: attempt === stage.attempt ? undefined : attempt })
        }
        stage={stage}
      />,
    ),
  ];
  return (
    <Tabs
      label={t.partsOfStage}
      onChange={(chosen) => onSearch({ tab: chosen === first ? undefined : chosen })}
      tabs={tabs}
      value={search.tab === undefined || (search.tab === "question" && !gate) ? first : search.tab}
    />
  );
}

function tab(value: StageTab, label: ReactNode, content: ReactNode): Tab<StageTab> {
  return {
    value,
    label,
    content: (
      <div className="in-data-full:flex in-data-full:min-h-0 in-data-full:flex-1 in-data-full:flex-col pt-3">
        {content}
      </div>
    ),
  };
}

/** The name of a tab with how many things are in it. */
export function Counted({ name, count }: { name: string; count: number }) {
  const lang = useLang();
  return (
    <span className="flex items-center gap-1.5">
      {name}
      {count > 0 && <span className="tabular text-ink-3 text-xs">{formatNumber(count, lang)}</span>}
    </span>
  );
}
