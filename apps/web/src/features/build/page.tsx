import { Link, useLocation, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ReactNode, useCallback, useMemo } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { buttonClass } from "../../components/ui/button.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { Split } from "../../components/ui/split.tsx";
import { Tabs } from "../../components/ui/tabs.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import type { Project } from "../../lib/api.ts";
import { useListSearch } from "../../lib/builds-list.ts";
import { codeOf } from "../../lib/errors.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import { useStageNames } from "../../lib/stage-names.ts";
import { useMedia } from "../../lib/use-media.ts";
import { useProject } from "../../live/use-project.ts";
import { ArtifactsView, useArtifacts } from "../artifacts/index.ts";
import { GateCard } from "./gate/gate-card.tsx";
import { Header } from "./header/header.tsx";
import { History } from "./history/history.tsx";
import { messages } from "./messages.ts";
import { stageInFocus } from "./model/controls.ts";
import type { StageName } from "./model/stage-name.ts";
import { ResultCard } from "./result/result-card.tsx";
import { type BuildSearch, readBuildSearch } from "./search.ts";
import { Counted, StagePanel } from "./stage/stage-panel.tsx";
import { Waterfall } from "./timeline/waterfall.tsx";
import { useControl } from "./use-control.ts";
import { useTabState } from "./use-tab-state.ts";

export function BuildPage() {
  const { projectId = "" } = useParams({ strict: false });
  const { data, error, refetch } = useProject(projectId);
  // A build that is gone says so; one that cannot be read for a moment stays as it was.
  const gone = codeOf(error) === "PROJECT_NOT_FOUND";
  if (error && (!data || gone))
    return (
      <PageScroll>
        <h1 className="sr-only">{projectId}</h1>
        <ErrorState action={gone && <ToBuilds />} error={error} onRetry={() => void refetch()} />
      </PageScroll>
    );
  if (data) return <Build key={projectId} project={data} />;
  return (
    <PageScroll>
      <Loading />
    </PageScroll>
  );
}

function ToBuilds() {
  const c = useMessages(common);
  return (
    <Link className={buttonClass()} search={useListSearch()} to="/">
      {c.toBuilds}
    </Link>
  );
}

function Loading() {
  return (
    <div aria-busy className="grid grid-cols-1 gap-4">
      <Skeleton className="mt-7 h-8 w-72 max-w-full" />
      <Skeleton className="h-5 w-full max-w-2xl" />
      <Skeleton className="h-1.5 w-full" />
      <Skeleton className="h-5 w-full max-w-xl" />
      <Skeleton className="h-72 w-full rounded-xl" />
    </div>
  );
}

/** What the address says, and a way to change it. The lines of a log that it names are no part of another place. */
function useBuildSearch(): [BuildSearch, (change: Partial<BuildSearch>) => void] {
  const found = useSearch({ strict: false });
  const hash = useLocation({ select: (location) => location.hash });
  const navigate = useNavigate();
  const search = useMemo(() => readBuildSearch(found, hash), [found, hash]);
  const change = (next: Partial<BuildSearch>) => {
    const { line: _, ...rest } = { ...search, ...next };
    void navigate({
      to: ".",
      search: rest,
      hash: next.line ?? "",
      replace: next.view === undefined,
      resetScroll: false,
      hashScrollIntoView: false,
    });
  };
  return [search, change];
}

function Build({ project }: { project: Project }) {
  const t = useMessages(messages);
  const navigate = useNavigate();
  const listSearch = useListSearch();
  const [search, change] = useBuildSearch();
  const names = useStageNames();
  const nameOf = useCallback<StageName>(
    ({ stage: key, stage_name }) => names(project.pipeline, key, stage_name || key),
    [names, project.pipeline],
  );
  const control = useControl(project);
  const { artifacts } = useArtifacts(project);
  const { stages } = project.stages_snapshot;
  const stage = stages.find((one) => one.stage === search.stage) ?? stageInFocus(project);
  const made = useMemo(
    () => artifacts.filter((one) => one.stage === stage?.stage),
    [artifacts, stage?.stage],
  );
  const show = (key: string, more: Partial<BuildSearch> = {}) =>
    change({ stage: key, attempt: undefined, view: undefined, ...more });
  const step = (by: number) => {
    const next = stages[stages.findIndex((one) => one.stage === stage?.stage) + by];
    if (next) show(next.stage);
  };
  // Among the files there is no stage to continue from.
  const disabled = search.view !== undefined && search.view !== "stages";
  useShortcut("j", () => step(1), { disabled });
  useShortcut("k", () => step(-1), { disabled });
  useShortcut("u", () => void navigate({ to: "/", search: listSearch }));
  useTabState(project);
  const stageName = (key: string) => {
    const known = stages.find((one) => one.stage === key);
    return known ? nameOf(known) : key;
  };
  const wide = useMedia("(width >= 80rem)");
  const top = (
    <>
      <Header control={control} nameOf={nameOf} onShow={show} project={project} shown={stage?.stage}>
        <GateCard
          nameOf={nameOf}
          onFiles={artifacts.length > 0 ? () => change({ view: "artifacts" }) : undefined}
          project={project}
        />
      </Header>
      <ResultCard artifacts={artifacts} onShow={show} project={project} />
    </>
  );
  const timeline = <Waterfall nameOf={nameOf} onShow={show} project={project} shown={stage?.stage} />;
  const panel = stage && (
    <StagePanel
      artifacts={made}
      control={control}
      nameOf={nameOf}
      onSearch={change}
      project={project}
      search={search}
      stage={stage}
    />
  );
  const parts = (first: ReactNode) => (
    <Tabs
      label={t.sections}
      onChange={(view) => change({ view: view === "stages" ? undefined : view })}
      tabs={[
        { value: "stages", label: t.stages, content: first },
        {
          value: "artifacts",
          label: <Counted count={artifacts.length} name={t.artifacts} />,
          content: (
            <div className="pt-4">
              <ArtifactsView
                file={search.file}
                from={search.from}
                onChoose={(chosen) => change({ view: "artifacts", file: chosen?.path, from: chosen?.stage })}
                project={project}
                stageName={stageName}
              />
            </div>
          ),
        },
        {
          value: "history",
          label: t.history,
          content: <History nameOf={nameOf} onShow={show} project={project} />,
        },
      ]}
      value={search.view ?? "stages"}
    />
  );
  if (wide)
    return (
      <Split
        label={t.panes}
        left={
          <div className="grid grid-cols-1 gap-5 p-6">
            {top}
            {timeline}
          </div>
        }
        name="build"
        right={
          <div className="flex min-h-0 flex-1 flex-col overflow-y-auto px-5 pt-2 pb-5" data-full="">
            {parts(<div className="flex min-h-0 flex-1 flex-col pt-4">{panel}</div>)}
          </div>
        }
        share={44}
      />
    );
  return (
    <PageScroll>
      <div className="grid grid-cols-1 gap-5">
        {top}
        {parts(
          <div className="grid grid-cols-1 gap-6 pt-4">
            {timeline}
            {panel}
          </div>,
        )}
      </div>
    </PageScroll>
  );
}
