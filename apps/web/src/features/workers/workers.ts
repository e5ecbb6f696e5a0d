import type { Outputs } from "../../lib/api.ts";

export type Worker = Outputs["workers"]["list"]["items"][number];

/** Host and process of `worker-<host>-<machine>-<pid>-<birth>-<random>`; another name as it is. */
export function shortName(owner: string): string {
  const [, host, pid] = /^worker-(.+)-[0-9a-f]{8}-(\d+)-\d+-[0-9a-f]{8}$/.exec(owner) ?? [];
  return host === undefined ? owner : `${host} · ${pid}`;
}

/** The names of the pipelines of which the workers have different definitions. */
export function differing(workers: readonly Pick<Worker, "pipelines">[]): string[] {
  const digests = new Map<string, Set<string>>();
  for (const { pipelines } of workers)
    for (const [name, digest] of Object.entries(pipelines))
      digests.set(name, (digests.get(name) ?? new Set()).add(digest));
  return [...digests].flatMap(([name, found]) => (found.size > 1 ? [name] : [])).sort();
}

/** Of the workers that can run stages. */
export function slotsOf(workers: readonly Pick<Worker, "slots" | "running" | "not_ready">[]): {
  used: number;
  all: number;
} {
  const ready = workers.filter(({ not_ready }) => not_ready === undefined);
  return {
    used: ready.reduce((sum, { running }) => sum + running.length, 0),
    all: ready.reduce((sum, { slots }) => sum + slots, 0),
  };
}
