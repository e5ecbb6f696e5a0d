import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Waits } from "../../../components/waits.tsx";
import { common } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, pipelinesQuery, queueQuery, useApi, workersQuery } from "../../../lib/api.ts";
import { formatNumber } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { placeIn, waitReason } from "../../../lib/wait.ts";
import { messages } from "../messages.ts";

/** So many that run are counted. */
const COUNTED = 100;
const REFRESH_MS = 5000;

/** Why a build in the queue waits, and about where it is there. */
export function Wait({ project }: { project: Project }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const lang = useLang();
  const api = useApi();
  const now = useNow();
  const { pipeline, project_id } = project;
  const { data: workers } = useQuery(workersQuery(api));
  const { data: pipelines } = useQuery(pipelinesQuery(api));
  const most = pipelines?.items.find(({ name }) => name === pipeline)?.max_running;
  const { data: running } = useQuery({
    queryKey: ["running of", pipeline],
    queryFn: ({ signal }) => api.projects.list({ pipeline, status: "building", limit: COUNTED }, { signal }),
    enabled: most !== undefined,
    refetchInterval: REFRESH_MS,
  });
  const { data: queue } = useQuery(queueQuery(api));
  const ofPipeline = running?.items.length ?? 0;
  const reason = waitReason(project, { nowMs: now, workers: workers?.items, ofPipeline, most });
  const isTurn = reason.kind === "slots" || reason.kind === "no worker" || reason.kind === "pipeline";
  const isWhole = queue !== undefined && queue.next_cursor === null;
  const isThere = isWhole && queue.items.some((other) => other.project_id === project_id);
  return (
    <>
      <span className={reason.kind === "no worker" ? "text-warn" : ""} data-testid="wait">
        <Waits now={now} reason={reason} />
      </span>
      {isTurn && isThere && (
        <span className="tabular">
          {c.inQueue(
            formatNumber(placeIn(queue.items, project), lang),
            formatNumber(queue.items.length, lang),
          )}
        </span>
      )}
      {isTurn && (
        <Link className="text-accent hover:underline" to="/workers">
          {t.toWorkers}
        </Link>
      )}
    </>
  );
}
