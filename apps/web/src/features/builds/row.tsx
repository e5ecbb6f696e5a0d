import { defaultStringifySearch } from "@tanstack/react-router";
import { memo } from "react";
import { StatusBadge } from "../../components/status.tsx";
import { useMessages } from "../../i18n/lang.ts";
import type { PipelineInfo, ProjectSummary } from "../../lib/api.ts";
import { BASE } from "../../lib/base.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import type { StageNames } from "../../lib/stage-names.ts";
import { type BuildColumn, COLUMN, type ColumnKey } from "./columns.tsx";
import { messages } from "./messages.ts";

export interface RowProps {
  build: ProjectSummary;
  /** 1 is the heading. */
  position: number;
  height: number;
  selected: boolean;
  onSelect: (projectId: string, range: boolean) => void;
  stageNames: StageNames;
  phone: boolean;
  columns: readonly ColumnKey[];
  /** One line for each build. */
  dense: boolean;
  pipelines: ReadonlyMap<string, PipelineInfo>;
  /** The filters, to which a tag adds one. */
  search: BuildsSearch;
}

/** One build; as high as all others, so that thousands of them can be scrolled. */
export const Row = memo(function Row(props: RowProps) {
  const {
    build,
    position,
    height,
    selected,
    onSelect,
    stageNames,
    phone,
    columns,
    dense,
    pipelines,
    search,
  } = props;
  const t = useMessages(messages);
  const { project_id, project_name } = build;
  const stage = build.current_stage && stageNames(build.pipeline, build.current_stage, build.current_stage);
  return (
    <tr
      aria-rowindex={position}
      aria-selected={selected}
      className={cn("cursor-pointer border-line border-b", selected ? "bg-selected" : "hover:bg-hover")}
      data-build={project_id}
      style={{ height }}
    >
      <td className="p-0 text-center">
        <label
          className="flex h-full w-full cursor-pointer items-center justify-center"
          style={{ height: height - 1 }}
        >
          <input
            aria-label={t.select(project_name)}
            checked={selected}
            className="size-4 cursor-pointer accent-accent-strong"
            onChange={(event) => onSelect(project_id, Reflect.get(event.nativeEvent, "shiftKey") === true)}
            type="checkbox"
          />
        </label>
      </td>
      <td className="min-w-0 py-0 pr-3">
        <div className={cn("flex min-w-0 items-center gap-2", dense && "h-full")}>
          <a
            className="truncate font-medium hover:underline"
            href={`${BASE}/builds/${project_id}`}
            title={project_name}
          >
            {/* A name of blanks alone could not be seen. */}
            {project_name.trim() || project_id}
          </a>
          {dense && <span className="min-w-0 shrink-2 truncate text-ink-3 text-xs">{about(build)}</span>}
          {!phone && <Tags search={search} tags={build.tags} />}
        </div>
        {!dense && <Beneath build={build} phone={phone} stage={stage} />}
      </td>
      {columns.map((key) => {
        const { className, end, Cell }: BuildColumn = COLUMN[key];
        return (
          <td
            className={cn("truncate pr-3 text-ink-2 text-sm", end && "tabular text-right", className)}
            key={key}
          >
            <Cell build={build} pipelines={pipelines} stage={stage} />
          </td>
        );
      })}
    </tr>
  );
});

/** What it is about: why it failed, else what was asked for. */
function about({ status, error_info, requirement_preview, pipeline }: ProjectSummary): string {
  const reason = status === "failed" ? error_info?.message : undefined;
  return reason ?? requirement_preview?.replace(/\s+/g, " ") ?? pipeline ?? "";
}

/** The second line; on a phone also how the build stands. */
function Beneath(props: { build: ProjectSummary; stage: string | undefined; phone: boolean }) {
  const { build, stage, phone } = props;
  const t = useMessages(messages);
  const { status, run, progress_percentage } = build;
  const underway = status === "building" || status === "paused";
  const parts = [
    // On a wider screen it has a column of its own.
    phone && underway && `${Math.floor(progress_percentage)}%`,
    run > 1 && t.run(run),
    (underway || status === "failed") && stage,
    about(build),
  ];
  return (
    <p className="flex min-w-0 items-center gap-1.5 text-ink-3 text-xs">
      {phone && <StatusBadge plain status={status} unmet={build.build_summary?.unmet_total} />}
      <span className={cn("truncate", status === "failed" && "text-bad")} title={about(build)}>
        {parts.filter(Boolean).join(" · ")}
      </span>
    </p>
  );
}

const SHOWN = 3;

/** The tags of a build; each is a way to all builds that have it. */
function Tags({ tags, search }: { tags: readonly string[]; search: BuildsSearch }) {
  const t = useMessages(messages);
  if (tags.length === 0) return null;
  return (
    <span className="flex max-w-2/5 shrink-0 items-center gap-1 overflow-hidden max-xl:hidden">
      {tags.slice(0, SHOWN).map((tag) => (
        <a
          aria-label={t.filterByTag(tag)}
          className="inline-block max-w-28 truncate rounded bg-idle-soft px-1.5 py-px text-ink-2 text-xs outline-offset-[-2px] hover:text-ink"
          href={`${BASE}/${defaultStringifySearch({ ...search, tag })}`}
          key={tag}
          title={tag}
        >
          {tag}
        </a>
      ))}
      {tags.length > SHOWN && (
        <span className="text-ink-3 text-xs" title={tags.slice(SHOWN).join(", ")}>
          +{tags.length - SHOWN}
        </span>
      )}
    </span>
  );
}
