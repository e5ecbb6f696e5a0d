import { useQuery } from "@tanstack/react-query";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, systemQuery, useApi } from "../../../lib/api.ts";
import { formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { messages } from "../messages.ts";

/** How often a worker that is well gives a sign, as a share of its lease, and how many it may leave out. */
const BEAT = 1 / 3;
const LEFT_OUT = 1.5;

/**
 * Says that the worker of a build has given no sign of life for longer than it should. Its heartbeats are no change that
 * a page is told of, so they are looked at while nothing else comes.
 */
export function Silence({ project }: { project: Project }) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const building = project.status === "building" && project.lease.owner !== undefined;
  const now = useNow(building);
  const { data: system, dataUpdatedAt } = useQuery({ ...systemQuery(api), enabled: building });
  const beatMs = (system?.lease_seconds ?? 60) * BEAT * 1000;
  const { project_id } = project;
  const { data } = useQuery({
    queryKey: ["heartbeat", project_id],
    queryFn: async ({ signal }) => (await api.projects.get({ project_id }, { signal })).lease,
    enabled: building && system !== undefined,
    refetchInterval: beatMs,
    staleTime: beatMs / 2,
  });
  const expires =
    (data?.owner === project.lease.owner ? data?.expires_at : undefined) ?? project.lease.expires_at;
  if (!building || system === undefined || expires === undefined) return null;
  // The server's clock wrote the lease.
  const serverNow = now + (Date.parse(system.now) - dataUpdatedAt);
  const last = Math.max(Date.parse(expires) - system.lease_seconds * 1000, Date.parse(project.updated_at));
  const silentMs = serverNow - last;
  if (silentMs < beatMs * LEFT_OUT) return null;
  return (
    <span className="text-warn" data-testid="silence">
      {t.silent(formatDuration(Math.floor(silentMs / 1000), lang, true))}
    </span>
  );
}
