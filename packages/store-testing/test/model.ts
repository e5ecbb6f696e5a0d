import { type Call, type Outcome, outcomes, type Spec } from "../src/simulation/specification.ts";

/** Milliseconds. */
export const LEASE_MS = 10_000;
const GRACE_MS = 1000;
export const STAGES = ["plan", "make", "check"] as const;
export const KEYS = [0, 1, 2] as const;
export const WORKERS = [0, 1, 2] as const;
export const USERS = [0, 1] as const;

/** What a worker holds, or believes to hold. */
export interface Held {
  readonly key: number;
  readonly token: number;
  /** Of its last report. */
  readonly seq: number;
  readonly last?: Extract<Call, { do: "report" }> | undefined;
}

/** One build as it must be: what is shown of it, and the times that nobody is shown. Epoch milliseconds. */
export interface Build {
  readonly spec: Spec | undefined;
  readonly owner?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly dueAt?: number | undefined;
  /** The highest token that its id ever had. */
  readonly lastToken: number;
}

/** All that must hold, in the fewest words: no patches, no guards, no knowledge that may be old. */
export class Model {
  now = Date.parse("2026-01-01T00:00:00.000Z");
  readonly builds: Build[] = KEYS.map(() => ({ spec: undefined, lastToken: 0 }));
  readonly held: (Held | undefined)[] = WORKERS.map(() => undefined);
  /** How far a worker's clock is off. */
  readonly skewMs: number[] = WORKERS.map(() => 0);
  /** How often each worker was started: its name has it. */
  readonly lives: number[] = WORKERS.map(() => 1);
  readonly lastControl: ({ readonly key: number; readonly call: Call } | undefined)[] = USERS.map(
    () => undefined,
  );

  build(key: number): Build {
    const build = this.builds[key];
    if (!build) throw new Error(`expected a build under key ${key}`);
    return build;
  }

  /** What a worker's clock shows. */
  clockOf(worker: number): number {
    return this.now + (this.skewMs[worker] ?? 0);
  }

  nameOf(worker: number, life = this.lives[worker] ?? 0): string {
    return `worker-${worker}-${life}`;
  }

  /** All that a call may come to, where the clocks leave a choice. `from`: a lease owner that is known to be gone. */
  outcomes(key: number, call: Call, at: number, from?: string): readonly Outcome[] {
    const build = this.build(key);
    const timed: Call = call.do === "resume" ? { ...call, alive: (build.expiresAt ?? 0) > at } : call;
    const all = outcomes(build.spec, timed);
    if (call.do !== "claim") return all;
    const answer = isDue(build, at, from) ? "ok" : "none";
    return all.length > 1 ? all.filter((one) => one.answer === answer) : all;
  }

  /** The call has come to this. */
  took(key: number, call: Call, { state, answer }: Outcome, at: number, owner?: string): void {
    const before = this.build(key);
    const lastToken = Math.max(before.lastToken, state?.token ?? 0);
    const changed = state !== before.spec || (call.do === "heartbeat" && answer === "ok");
    const times = !state ? {} : changed ? timesAfter(before, call, state, at, owner) : before;
    this.builds[key] = {
      spec: state,
      expiresAt: times.expiresAt,
      dueAt: times.dueAt,
      owner: times.owner,
      lastToken,
    };
  }
}

type Times = Pick<Build, "owner" | "expiresAt" | "dueAt">;

function isDue({ owner, expiresAt, dueAt }: Build, at: number, from?: string): boolean {
  if (from !== undefined) return owner === from;
  return dueAt !== undefined && dueAt <= at && (expiresAt === undefined || expiresAt <= at);
}

function timesAfter(before: Build, call: Call, state: Spec, at: number, owner?: string): Times {
  const holding = (expiresAt: number, who = before.owner): Times => ({
    owner: who,
    expiresAt,
    dueAt: state.status === "building" ? expiresAt + GRACE_MS : before.dueAt,
  });
  switch (call.do) {
    case "create":
    case "retry":
    case "answer":
      return { dueAt: at };
    case "claim":
      return holding(at + LEASE_MS, owner);
    case "heartbeat":
      return holding(Math.max(before.expiresAt ?? 0, at + LEASE_MS));
    case "report":
      if (state.held) return holding(isNearlyNew(before, at) ? (before.expiresAt ?? 0) : at + LEASE_MS);
      if (state.status === "waiting") return gateTimes(call, at);
      return state.status === "queued" || state.status === "paused" ? { dueAt: at + delayOf(call) } : {};
    case "pause":
      return before;
    case "resume":
      if (state.held) return holding(before.expiresAt ?? 0);
      // A wait that was not over is kept.
      return { dueAt: before.owner === undefined ? Math.max(at, before.dueAt ?? 0) : at };
    case "record":
      return before;
    case "cancel":
    case "delete":
    case "get":
      return {};
    default:
      return call satisfies never;
  }
}

/** A write renews the lease unless nearly all of it is left. */
function isNearlyNew({ expiresAt = 0 }: Build, at: number): boolean {
  return expiresAt - at >= (LEASE_MS * 7) / 8 && expiresAt - at <= LEASE_MS;
}

/** A gate with a time-out is due when that is over. */
function gateTimes(call: Extract<Call, { do: "report" }>, at: number): Times {
  const gate = call.events.find((event) => event.event === "waiting");
  return gate?.timeout_seconds === undefined ? {} : { dueAt: at + gate.timeout_seconds * 1000 };
}

function delayOf(call: Extract<Call, { do: "report" }>): number {
  for (const event of call.events)
    if (event.event === "failed" && event.retry_in_seconds !== undefined)
      return event.retry_in_seconds * 1000;
  return 0;
}
