import type { Random } from "../random.ts";

/** Something that happens to a process or to a build, at a moment of the round. Times are in milliseconds. */
export type Event = { readonly at: number } & (
  | { readonly kind: "create" | "pause" | "resume" | "cancel" | "answer" | "delete"; readonly build: number }
  /** SIGKILL, and a new process after a while. */
  | { readonly kind: "kill"; readonly site: number; readonly forMs: number }
  /** SIGSTOP for longer than the lease, then SIGCONT. */
  | { readonly kind: "freeze"; readonly site: number; readonly forMs: number }
  /** Nothing passes between the worker and the engine. */
  | { readonly kind: "partition"; readonly site: number; readonly forMs: number }
  | { readonly kind: "kill engine" }
);

export const BUILDS = 5;
const STORM_MS = 3500;

/**
 * What happens in the n-th round, in order. The same random numbers give the same schedule. Two rounds in a row have
 * every kind of event.
 */
export function scheduleOf(random: Random, n: number, sites: number, leaseMs: number): Event[] {
  const site = () => random.between(0, sites - 1);
  const moment = () => random.between(300, STORM_MS);
  const events: Event[] = [];
  for (let build = 0; build < BUILDS; build++)
    events.push({ at: random.between(0, 2600), kind: "create", build });
  const pausedAt = random.between(1300, 3000);
  events.push({ at: pausedAt, kind: "pause", build: 0 });
  events.push({ at: pausedAt + random.between(100, 1500), kind: "resume", build: 0 });
  const odd = n % 2 === 1;
  if (odd || random.chance(0.2))
    events.push({ at: random.between(1300, STORM_MS), kind: "cancel", build: 1 });
  if (!odd || random.chance(0.2))
    events.push({ at: random.between(1300, STORM_MS), kind: "delete", build: 2 });
  // Most gates are answered while processes are killed; what is still asked then is answered afterwards.
  for (let build = 0; build < BUILDS; build++)
    for (let looks = 3; looks > 0; looks--)
      events.push({ at: random.between(1500, STORM_MS + 500), kind: "answer", build });
  for (let kills = random.between(1, 2); kills > 0; kills--)
    events.push({ at: moment(), kind: "kill", site: site(), forMs: random.between(0, 1200) });
  const frozenMs = leaseMs + random.between(200, 1000);
  events.push({ at: moment(), kind: "freeze", site: site(), forMs: frozenMs });
  if (!odd || random.chance(0.3))
    events.push({ at: moment(), kind: "partition", site: site(), forMs: random.between(300, 3000) });
  if (odd || random.chance(0.3)) events.push({ at: moment(), kind: "kill engine" });
  return events.sort((a, b) => a.at - b.at);
}
