import { useQuery } from "@tanstack/react-query";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { earlierBuildsQuery, type Project, useApi } from "../../../lib/api.ts";
import { formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";
import { timeLeft } from "../model/estimate.ts";

/** What is left of a build that runs, as far as earlier builds tell; nothing where they do not. */
export function TimeLeft({ project }: { project: Project }) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const building = project.status === "building";
  const now = useNow(building);
  const { data } = useQuery({ ...earlierBuildsQuery(api), enabled: building });
  const estimate = data && timeLeft(project, data.items, now);
  if (!estimate) return null;
  // Parts of a second would only flicker.
  const seconds = Math.max(1, Math.ceil(estimate.seconds));
  return (
    <span className="tabular" data-testid="time-left" title={t.leftHint(estimate.builds)}>
      {estimate.overdue && estimate.seconds === 0 ? t.overdue : t.left(formatDuration(seconds, lang))}
    </span>
  );
}
