import { Link } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { type ReactNode, useState } from "react";
import { ProgressBar } from "../../../components/progress-bar.tsx";
import { StatusBadge } from "../../../components/status.tsx";
import { BACK } from "../../../components/ui/back.ts";
import { useMessages } from "../../../i18n/lang.ts";
import type { Project } from "../../../lib/api.ts";
import { useListSearch } from "../../../lib/builds-list.ts";
import { cn } from "../../../lib/cn.ts";
import { messages } from "../messages.ts";
import { isPausing } from "../model/controls.ts";
import type { StageName } from "../model/stage-name.ts";
import type { BuildSearch } from "../search.ts";
import type { BuildControl } from "../use-control.ts";
import { Controls } from "./controls.tsx";
import { Facts, TimeLeft } from "./facts.tsx";
import { Failure } from "./failure.tsx";
import { Silence } from "./silence.tsx";
import { Wait } from "./wait.tsx";

export interface HeaderProps {
  project: Project;
  control: BuildControl;
  nameOf: StageName;
  /** The stage that is shown below. */
  shown: string | undefined;
  onShow: (stage: string, more?: Partial<BuildSearch>) => void;
  /** What is to be seen before all else, below the name. */
  children?: ReactNode;
}

export function Header(props: HeaderProps) {
  const { project, control, children } = props;
  const t = useMessages(messages);
  const listSearch = useListSearch();
  const { completed, total } = project.stages_snapshot;
  const unmet = project.build_summary?.unmet_total;
  return (
    <header className="grid grid-cols-1 gap-4">
      <div>
        <Link className={BACK} search={listSearch} to="/">
          <ChevronLeft aria-hidden className="size-4" />
          {t.back}
        </Link>
        <div className="mt-1 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          {/* Where there is little room the state goes below the name, and the controls stay beside both. */}
          <div className="flex min-w-40 flex-1 flex-wrap max-sm:basis-full items-center gap-x-3 gap-y-1">
            <h1 className="min-w-0 break-words font-semibold text-xl [overflow-wrap:anywhere]">
              {project.project_name}
            </h1>
            <StatusBadge status={project.status} unmet={unmet} />
          </div>
          <Controls control={control} project={project} />
        </div>
      </div>
      {children}
      <Requirement text={project.requirement} />
      {project.status !== "completed" && (
        <div className="grid grid-cols-1 gap-1.5">
          <ProgressBar
            label={t.progress}
            status={project.status}
            unmet={unmet}
            value={project.progress_percentage}
          />
          <div className="flex flex-wrap gap-x-3 text-ink-2 text-sm">
            <span className="tabular">
              {Math.floor(project.progress_percentage)}% · {completed}/{total}
            </span>
            <Hint project={project} />
            <TimeLeft project={project} />
            <Silence project={project} />
          </div>
        </div>
      )}
      <Facts project={project} />
      <ProjectFailure {...props} />
    </header>
  );
}

function Hint({ project }: { project: Project }) {
  const t = useMessages(messages);
  if (isPausing(project)) return <span>{t.pausing}</span>;
  return project.status === "queued" ? <Wait project={project} /> : null;
}

/** The failed stage itself says more, where it is shown. */
function ProjectFailure({ project, nameOf, shown, onShow }: HeaderProps) {
  const t = useMessages(messages);
  // A build that still runs its `finally` stages has its failure already.
  if (project.error_info === undefined) return null;
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

/** Longer than this, or with more lines, a requirement is cut off until the reader opens it. */
const SHORT = { characters: 240, lines: 3 };

function Requirement({ text }: { text: string }) {
  const t = useMessages(messages);
  const [open, setOpen] = useState(false);
  const long = text.length > SHORT.characters || text.split("\n").length > SHORT.lines;
  return (
    <div className="max-w-3xl text-ink-2">
      <p className={cn("whitespace-pre-wrap break-words", long && !open && "line-clamp-3")}>{text}</p>
      {long && (
        <button
          aria-expanded={open}
          className="mt-1 font-medium text-accent text-sm hover:underline"
          onClick={() => setOpen(!open)}
          type="button"
        >
          {open ? t.showLess : t.showAll}
        </button>
      )}
    </div>
  );
}
