import type { ReportEventInput } from "@stagefold/core";
import fc from "fast-check";
import { gateEvent } from "../src/simulation/specified-events.ts";
import { KEYS, STAGES, USERS, WORKERS } from "./model.ts";

export type Deed =
  | "started"
  | "progress"
  | "completed"
  | "completed, next started"
  | "failed"
  | "failed, again later"
  | "skipped"
  | "waiting"
  | "completed, next waits"
  | "artifacts";
type ControlDeed =
  | "pause"
  | "resume"
  | "cancel"
  | "retry"
  | "answer"
  | "delete"
  | "enqueue"
  | "record"
  | "remove";

/** One thing that happens. Numbers stand for who does it and to which build. */
export type Step =
  | {
      readonly step: "control";
      readonly deed: ControlDeed;
      readonly user: number;
      readonly key: number;
      readonly stage?: string | undefined;
    }
  /** The last control write of a user once more, under the same name. */
  | { readonly step: "control again"; readonly user: number }
  | { readonly step: "claim"; readonly worker: number; readonly key: number }
  | { readonly step: "heartbeat" | "give back" | "report again" | "crash"; readonly worker: number }
  /** Without a stage, of the one whose turn it is. */
  | {
      readonly step: "report";
      readonly worker: number;
      readonly deed: Deed;
      readonly progress: number;
      readonly stage?: string | undefined;
      readonly release: boolean;
    }
  /** Takes a build of the worker that it was before its crash. */
  | { readonly step: "take back"; readonly worker: number; readonly key: number }
  | { readonly step: "time passes"; readonly ms: number }
  | { readonly step: "clock jumps"; readonly worker: number; readonly ms: number };

/** Mostly the same build, so that much happens to it. */
const key = fc.oneof({ weight: 4, arbitrary: fc.constant(KEYS[0]) }, fc.constantFrom(...KEYS));
const worker = fc.constantFrom(...WORKERS);
const user = fc.constantFrom(...USERS);
const named = fc.option(fc.constantFrom(...STAGES), { nil: undefined, freq: 2 });
const some = fc.constantFrom(...STAGES);

const control = (deed: ControlDeed, stage: fc.Arbitrary<string | undefined>) =>
  fc.record({ step: fc.constant("control" as const), deed: fc.constant(deed), user, key, stage });
const byWorker = <S extends string>(step: S) => fc.record({ step: fc.constant(step), worker });

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Deed>("started", "completed", "completed, next started") },
  { weight: 3, arbitrary: fc.constantFrom<Deed>("progress", "artifacts", "failed, again later") },
  fc.constantFrom<Deed>("failed", "skipped", "waiting", "completed, next waits"),
);

/** Moments and hours; a lease and its grace among them, to the millisecond. */
const passing = fc.oneof(
  fc.integer({ min: 1, max: 3000 }),
  fc.constantFrom(9_999, 10_000, 10_999, 11_000, 11_001, 60_000, 3_600_000),
);

const nothing = fc.constant(undefined);

export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: control("enqueue", nothing) },
  { weight: 10, arbitrary: fc.record({ step: fc.constant("claim" as const), worker, key }) },
  {
    weight: 30,
    arbitrary: fc.record({
      step: fc.constant("report" as const),
      worker,
      deed: deeds,
      progress: fc.integer({ min: 0, max: 99 }),
      // Seldom another than the one whose turn it is, and seldom given back at once.
      stage: fc.oneof({ weight: 8, arbitrary: nothing }, some),
      release: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  { weight: 4, arbitrary: byWorker("heartbeat") },
  { weight: 3, arbitrary: byWorker("report again") },
  { weight: 2, arbitrary: byWorker("give back") },
  { weight: 3, arbitrary: byWorker("crash") },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("take back" as const), worker, key }) },
  { weight: 8, arbitrary: fc.record({ step: fc.constant("time passes" as const), ms: passing }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("clock jumps" as const),
      worker,
      ms: fc.integer({ min: -15_000, max: 15_000 }),
    }),
  },
  { weight: 4, arbitrary: control("pause", nothing) },
  { weight: 5, arbitrary: control("resume", nothing) },
  { weight: 2, arbitrary: control("cancel", nothing) },
  { weight: 5, arbitrary: control("retry", named) },
  // Without a stage, of the gate that is open.
  { weight: 5, arbitrary: control("answer", fc.oneof({ weight: 6, arbitrary: nothing }, some)) },
  { weight: 1, arbitrary: control("delete", nothing) },
  { weight: 5, arbitrary: control("record", some) },
  { weight: 1, arbitrary: control("remove", some) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("control again" as const), user }) },
);

/** What a lease owner says of a stage. */
export function eventsFor(deed: Deed, stage: string, next: string | undefined, progress: number) {
  const all: Record<Deed, ReportEventInput[]> = {
    started: [{ event: "started", stage }],
    progress: [{ event: "progress", stage, progress }],
    completed: [{ event: "completed", stage }],
    "completed, next started": [
      { event: "completed", stage },
      ...(next === undefined ? [] : [{ event: "started" as const, stage: next }]),
    ],
    failed: [{ event: "failed", stage, message: "It did not work." }],
    "failed, again later": [
      { event: "failed", stage, message: "It did not work.", retry_in_seconds: progress / 10 },
    ],
    skipped: [{ event: "skipped", stage, reason: "Nothing to do." }],
    waiting: [gateEvent(stage, progress)],
    "completed, next waits": [
      { event: "completed", stage },
      ...(next === undefined ? [] : [gateEvent(next, progress)]),
    ],
    artifacts: [{ event: "artifacts", stage, artifacts: [{ path: `${stage}/${progress % 3}.txt` }] }],
  };
  return all[deed];
}
