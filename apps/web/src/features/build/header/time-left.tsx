import { useQuery } from "@tanstack/react-query";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { type Project, useTRPC } from "../../../lib/trpc.ts";
import { messages } from "../messages.ts";
import { timeLeft } from "../model/estimate.ts";

/** What is left of a build that runs, as far as earlier builds tell; nothing where they do not. */
export function TimeLeft({ project }: { project: Project }) {
  const t = useMessages(messages);
  const lang = useLang();
  const trpc = useTRPC();
  const building = project.status === "building";
  const now = useNow(building);
  const { data } = useQuery(
    trpc.projects.list.queryOptions(
      { status: "completed", limit: 100 },
      { enabled: building, staleTime: 300_000 },
    ),
  );
  const estimate = data && timeLeft(project, data.items, now);
  if (!estimate) return null;
  // Parts of a second would only flicker.
  const seconds = Math.max(1, Math.ceil(estimate.seconds));
  return (
    <span className="tabular" data-testid="time-left" title={t.leftHint(estimate.builds)}>
      {estimate.overdue && estimate.seconds === 0 ? t.overdue : t.left(shortDuration(seconds, lang))}
    </span>
  );
}

function shortDuration(seconds: number, lang: Parameters<typeof formatDuration>[1]): string {
  return seconds < 10 ? formatDuration(seconds, lang).replace(".0", "") : formatDuration(seconds, lang);
}
