import { useEffect } from "react";
import type { Project, ProjectStatus } from "../../lib/api.ts";
import { BASE } from "../../lib/base.ts";

/** What stands before the name in the browser's tab, and the picture beside it. */
const LOOK: Readonly<Record<ProjectStatus, { mark: string; icon: string }>> = {
  pending: { mark: "", icon: "idle" },
  queued: { mark: "…", icon: "idle" },
  building: { mark: "", icon: "running" },
  waiting: { mark: "?", icon: "waiting" },
  paused: { mark: "‖", icon: "idle" },
  completed: { mark: "✓", icon: "completed" },
  failed: { mark: "✗", icon: "failed" },
  cancelled: { mark: "∅", icon: "idle" },
};

/** Says in the browser's tab how the build stands. */
export function useTabState(project: Project): void {
  const { status, project_name, progress_percentage } = project;
  const { mark, icon } = LOOK[status];
  const running = status === "building" ? `${Math.floor(progress_percentage)}%` : mark;
  useEffect(() => {
    document.title = [running, project_name, "·", "Stagefold"].filter(Boolean).join(" ");
  }, [running, project_name]);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (!link) return;
    link.href = `${BASE}/icon-${icon}.svg`;
    return () => {
      link.href = `${BASE}/icon.svg`;
    };
  }, [icon]);
}
