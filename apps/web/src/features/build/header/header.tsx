import { Link } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { ProgressBar } from "../../../components/progress-bar.tsx";
import { StatusBadge } from "../../../components/status.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import type { Project } from "../../../lib/trpc.ts";
import { messages } from "../messages.ts";
import { isPausing } from "../model/controls.ts";
import type { BuildControl } from "../use-control.ts";
import type { StageName } from "../use-stage-names.ts";
import { Controls } from "./controls.tsx";
import { Facts } from "./facts.tsx";
import { Failure } from "./failure.tsx";
import { Requirement } from "./requirement.tsx";
import { TimeLeft } from "./time-left.tsx";

export interface HeaderProps {
  project: Project;
  control: BuildControl;
  nameOf: StageName;
  /** The stage that is shown below. */
  shown: string | undefined;
  onShow: (stage: string) => void;
}

export function Header(props: HeaderProps) {
  const { project, control } = props;
  const t = useMessages(messages);
  const { completed, total } = project.stages_snapshot;
  return (
    <header className="grid grid-cols-1 gap-4">
      <div>
        <Link
          className="-ml-1 inline-flex items-center gap-0.5 rounded text-ink-3 text-sm hover:text-ink"
          search={{}}
          to="/"
        >
          <ChevronLeft aria-hidden className="size-4" />
          {t.back}
        </Link>
        <div className="mt-1 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          {/* Where there is little room the state goes below the name, and the controls stay beside both. */}
          <div className="flex min-w-40 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
            <h1 className="min-w-0 break-words font-semibold text-xl [overflow-wrap:anywhere]">
              {project.project_name}
            </h1>
            <StatusBadge status={project.status} />
          </div>
          <Controls control={control} project={project} />
        </div>
      </div>
      <Requirement text={project.requirement} />
      <div className="grid grid-cols-1 gap-1.5">
        <ProgressBar label={t.progress} status={project.status} value={project.progress_percentage} />
        <div className="flex flex-wrap gap-x-3 text-ink-2 text-sm">
          <span className="tabular">
            {Math.floor(project.progress_percentage)}% · {completed}/{total}
          </span>
          <Hint project={project} />
          <TimeLeft project={project} />
        </div>
      </div>
      <Facts project={project} />
      <ProjectFailure {...props} />
    </header>
  );
}

function Hint({ project }: { project: Project }) {
  const t = useMessages(messages);
  if (isPausing(project)) return <span>{t.pausing}</span>;
  return project.status === "queued" ? <span>{t.waiting}</span> : null;
}

/** The failed stage itself says more, where it is shown. */
function ProjectFailure({ project, nameOf, shown, onShow }: HeaderProps) {
  const t = useMessages(messages);
  if (project.status !== "failed") return null;
  const { stage: key, code, message } = project.error_info;
  const stage = project.stages_snapshot.stages.find((one) => one.stage === key);
  if (!stage) return <Failure code={code} message={message} title={t.failedBuild} />;
  if (stage.stage === shown) return null;
  return (
    <p className="flex flex-wrap items-baseline gap-x-2 text-sm">
      <button
        className="font-medium text-bad hover:underline"
        onClick={() => onShow(stage.stage)}
        type="button"
      >
        {t.failedIn(nameOf(stage))}
      </button>
      <span className="min-w-0 truncate text-ink-2">{message.split("\n", 1)[0]}</span>
    </p>
  );
}
