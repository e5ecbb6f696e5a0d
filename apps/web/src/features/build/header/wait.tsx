import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, pipelinesQuery, useApi, workersQuery } from "../../../lib/api.ts";
import { formatDuration, formatNumber } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";
import { placeIn, type WaitReason, waitReason } from "../model/wait.ts";

/** The queue is counted up to here; in a longer one a place would say little. */
const COUNTED = 100;
const REFRESH_MS = 5000;

/** Why a build in the queue waits, and about where it is there. */
export function Wait({ project }: { project: Project }) {
  const t = useMessages(messages);
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
  const { data: queue } = useQuery({
    queryKey: ["queue"],
    queryFn: ({ signal }) => api.projects.list({ status: "queued", limit: COUNTED }, { signal }),
    staleTime: 0,
    refetchInterval: REFRESH_MS,
  });
  const ofPipeline = running?.items.length ?? 0;
  const reason = waitReason(project, { nowMs: now, workers: workers?.items, ofPipeline, most });
  const isTurn = reason.kind === "slots" || reason.kind === "no worker" || reason.kind === "pipeline";
  const isWhole = queue !== undefined && queue.next_cursor === null;
  const isThere = isWhole && queue.items.some((other) => other.project_id === project_id);
  return (
    <>
      <span className={reason.kind === "no worker" ? "text-warn" : ""} data-testid="wait">
        <Reason now={now} reason={reason} />
      </span>
      {isTurn && isThere && (
        <span className="tabular">
          {t.inQueue(
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

function Reason({ reason, now }: { reason: WaitReason; now: number }) {
  const t = useMessages(messages);
  const lang = useLang();
  const until = (atMs: number) => formatDuration(Math.max(0, Math.ceil((atMs - now) / 1000)), lang, true);
  switch (reason.kind) {
    case "start":
      return t.startsIn(until(reason.atMs));
    case "retry":
      return t.triesAgainIn(until(reason.atMs));
    case "program":
      return t.waitsProgram;
    case "no worker":
      return t.waitsNoWorker;
    case "pipeline":
      return t.waitsPipeline(formatNumber(reason.most, lang));
    case "slots":
      return t.waitsSlots(formatNumber(reason.slots, lang));
    case "soon":
      return t.waiting;
    default:
      return reason satisfies never;
  }
}
