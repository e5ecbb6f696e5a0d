import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ProgressBar } from "../../components/progress-bar.tsx";
import { BuildDuration, RelativeTime } from "../../components/relative-time.tsx";
import { StageDots } from "../../components/stage-dots.tsx";
import { StatusBadge } from "../../components/status.tsx";
import { Waits } from "../../components/waits.tsx";
import { statusNames } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { type PipelineInfo, type ProjectSummary, queueQuery, useApi, workersQuery } from "../../lib/api.ts";
import { SORTED_COLUMNS, type SortKey } from "../../lib/builds-list.ts";
import { formatCompact, formatCost, formatNumber } from "../../lib/format.ts";
import { preference, usePreference } from "../../lib/preference.ts";
import { placeIn, waitReason } from "../../lib/wait.ts";
import { messages } from "./messages.ts";
import { stageCount } from "./stage-count.ts";

/** Columns beside the name of a build, in their order. */
export const COLUMNS = ["status", "stages", ...SORTED_COLUMNS] as const;
export type ColumnKey = (typeof COLUMNS)[number];

const isColumns = (value: unknown): value is readonly ColumnKey[] =>
  Array.isArray(value) && value.every((one) => COLUMNS.some((key) => key === one));

const INITIAL: readonly ColumnKey[] = ["status", "stages", "user", "duration", "cost", "created"];
const chosen = preference("builds.columns", isColumns, () => INITIAL);

/** Which columns the reader wants, in their order. */
export function useColumns(): readonly ColumnKey[] {
  return usePreference(chosen);
}

export function showColumn(key: ColumnKey, shown: boolean): void {
  const wanted = chosen.get();
  chosen.set(COLUMNS.filter((one) => (one === key ? shown : wanted.includes(one))));
}

/** What a cell is told beside its build. */
export interface CellProps {
  build: ProjectSummary;
  /** What the stage that it is at is called. */
  stage: string | undefined;
  pipelines: ReadonlyMap<string, PipelineInfo>;
}

export interface BuildColumn {
  /** Of its text among the messages. */
  readonly name:
    | "status"
    | "stageList"
    | "pipeline"
    | "user"
    | "priority"
    | "duration"
    | "tokens"
    | "cost"
    | "age";
  /** Width, and on which screens there is no room for it. */
  readonly className: string;
  /** Figures stand at the end. */
  readonly end?: true;
  /** Undefined: it cannot be sorted by. */
  readonly sort: SortKey | undefined;
  readonly Cell: (props: CellProps) => ReactNode;
}

export const COLUMN = {
  status: { name: "status", className: "w-48 max-sm:hidden", sort: "status", Cell: State },
  stages: { name: "stageList", className: "w-44 max-lg:hidden", sort: undefined, Cell: Stages },
  pipeline: {
    name: "pipeline",
    className: "w-32 max-lg:hidden",
    sort: "pipeline",
    Cell: ({ build }) => build.pipeline ?? "–",
  },
  user: {
    name: "user",
    className: "w-32 max-lg:hidden 2xl:w-48",
    sort: "user",
    Cell: ({ build }) => build.user_name ?? build.user_id,
  },
  priority: {
    name: "priority",
    className: "w-20 max-lg:hidden",
    end: true,
    sort: "priority",
    Cell: ({ build }) => build.priority,
  },
  duration: { name: "duration", className: "w-24 max-sm:hidden", end: true, sort: "duration", Cell: Took },
  tokens: { name: "tokens", className: "w-20 max-lg:hidden", end: true, sort: "tokens", Cell: Tokens },
  cost: { name: "cost", className: "w-20 max-xl:hidden", end: true, sort: "cost", Cell: Cost },
  created: {
    name: "age",
    className: "w-24 sm:w-32 sm:pr-5",
    end: true,
    sort: "created",
    Cell: ({ build }) => <RelativeTime at={build.created_at} narrow />,
  },
} as const satisfies Record<ColumnKey, BuildColumn>;

/** How it stands; of one in the queue, about where it is there and why it waits. */
function State({ build, pipelines }: CellProps) {
  return (
    <div className="grid min-w-0 justify-items-start">
      <StatusBadge status={build.status} unmet={build.build_summary?.unmet_total} />
      {build.status === "queued" && <InQueue build={build} pipelines={pipelines} />}
    </div>
  );
}

/** A line of the list does not say when a build is due: what is said is about. */
export function InQueue({ build, pipelines }: Pick<CellProps, "build" | "pipelines">) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const { data: workers } = useQuery(workersQuery(api));
  const { data: queue } = useQuery(queueQuery(api));
  const { run, started_at, pipeline } = build;
  const described = pipeline !== undefined && pipelines.has(pipeline);
  const reason = waitReason(
    { run, ...(started_at && { started_at }), ...(described && { pipeline_version: pipeline }) },
    { nowMs: 0, workers: workers?.items, ofPipeline: 0, most: undefined },
  );
  const all = queue?.next_cursor === null ? queue.items : [];
  // One that has begun waits for its next attempt, or was given back.
  const place =
    described && started_at === undefined && all.some(({ project_id }) => project_id === build.project_id);
  return (
    <span className="max-w-full truncate text-ink-3 text-xs" data-testid="in-queue">
      {place && reason.kind !== "no worker" ? (
        t.place(formatNumber(placeIn(all, build), lang), formatNumber(all.length, lang))
      ) : (
        <Waits now={0} reason={reason} />
      )}
    </span>
  );
}

/** A dot for each stage; where their number is not known, how far the build is. */
function Stages({ build, stage, pipelines }: CellProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const { status, progress_percentage: value } = build;
  const unmet = build.build_summary?.unmet_total;
  const count = stageCount(build, pipelines);
  if (!count)
    return (
      <ProgressBar label={t.progressOf(build.project_name)} status={status} unmet={unmet} value={value} />
    );
  const now =
    stage === undefined || status === "completed" ? "" : t.stageNow(stage, statusNames[lang][status]);
  return (
    <StageDots {...count} label={t.stagesDone(count.done, count.total, now)} status={status} unmet={unmet} />
  );
}

function Took({ build }: CellProps) {
  return <BuildDuration build={build} />;
}

function Tokens({ build: { build_summary: used } }: CellProps) {
  const lang = useLang();
  const tokens = used ? used.input_tokens + used.output_tokens : 0;
  return tokens > 0 ? formatCompact(tokens, lang) : "–";
}

function Cost({ build }: CellProps) {
  const lang = useLang();
  const usd = build.build_summary?.cost_usd ?? 0;
  return usd > 0 ? formatCost(usd, lang) : "–";
}
