import type { Journal } from "../net/journal.ts";
import { recoveries } from "./recovery.ts";
import type { RoundRecord } from "./round.ts";
import type { Event } from "./schedule.ts";

export const EVENTS = [
  "create",
  "pause",
  "resume",
  "cancel",
  "answer",
  "delete",
  "kill",
  "freeze",
  "partition",
  "kill engine",
] as const satisfies readonly Event["kind"][];

/** What happened in all rounds, and how long things took to run again. */
export class Tally {
  readonly counts = new Map<Event["kind"], number>();
  /** Milliseconds. */
  readonly times = { kill: [] as number[], freeze: [] as number[], engine: [] as number[] };

  /** Says what happened in a round. */
  add(record: RoundRecord, journal: Journal): string {
    for (const [kind, count] of record.counts) this.counts.set(kind, (this.counts.get(kind) ?? 0) + count);
    const workers = record.incidents.map((incident) => {
      const again = recoveries(journal, incident);
      this.times[incident.what].push(...again);
      const what = `${incident.what === "kill" ? "killed" : "frozen"} with ${incident.held.length} builds`;
      return again.length === 0 ? what : `${what}, running again after ${again.map(whole).join(", ")}`;
    });
    this.times.engine.push(...record.engineBack);
    const engines = record.engineBack.map((ms) => `engine killed, answering again after ${whole(ms)}`);
    return [...workers, ...engines].join("; ");
  }

  summary(network: ReadonlyMap<string, number>): string[] {
    const counts = [...this.counts, ...network].map(([kind, count]) => `${kind} ${count}`);
    return [
      `builds running again after the kill of their worker: ${spread(this.times.kill)}`,
      `builds running again after the freeze of their worker: ${spread(this.times.freeze)}`,
      `answering again after the kill of the engine: ${spread(this.times.engine)}`,
      `what happened: ${counts.join(", ")}`,
    ];
  }
}

const whole = (ms: number) => `${Math.round(ms)} ms`;

/** `p50 900 ms, max 2600 ms, of 12`. */
function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  if (sorted.length === 0) return "none";
  return `p50 ${whole(at(0.5))}, max ${whole(at(1))}, of ${sorted.length}`;
}
