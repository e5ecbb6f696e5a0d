import { useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";
import { statusNames } from "../i18n/common.ts";
import { useLang } from "../i18n/lang.ts";
import { type ProjectStatus, type ProjectSummary, sessionQuery, useApi } from "../lib/api.ts";
import { notify } from "../lib/notifications.ts";
import { useLive } from "../live/live-provider.tsx";

/** States in which a build has something to say to its user. */
const TELLING: readonly ProjectStatus[] = ["waiting", "completed", "failed"];
/** So many builds are remembered as told. */
const REMEMBERED = 500;

/** Tells readers who asked for it that a build of theirs has ended or asks them something, whatever page they are on. */
export function useBuildNotifications(): void {
  const lang = useLang();
  const { hub } = useLive();
  const { data: session } = useQuery(sessionQuery(useApi()));
  const isMine = ({ user_id }: ProjectSummary) =>
    session?.kind === "local" || (user_id !== undefined && user_id === session?.user_id);
  const tell = useEffectEvent((build: ProjectSummary) => {
    if (isMine(build)) notify(build.project_name, statusNames[lang][build.status], build.project_id);
  });
  useEffect(() => {
    // What was seen under way in this page: what had ended before is no news.
    const underway = new Set<string>();
    return hub.subscribe((event) => {
      if (event.kind !== "change" || event.change.kind !== "changed") return;
      const { project } = event.change;
      if (!TELLING.includes(project.status)) underway.add(project.project_id);
      else if (underway.delete(project.project_id)) tell(project);
      if (underway.size > REMEMBERED) underway.delete(underway.values().next().value ?? "");
    });
  }, [hub]);
}
