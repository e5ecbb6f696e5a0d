import { describe, expect, it } from "vitest";
import { claim } from "../commands/claim.ts";
import { type ErrorCode, isStagefoldError } from "../errors.ts";
import { normalise } from "../legacy/normalise.ts";
import { apply } from "../patch/index.ts";
import {
  projectSchema,
  type Stage,
  type StageStatus,
  type SubStage,
  subStageSchema,
} from "../snapshot/schema.ts";
import { aProject, events } from "../testing/builders.ts";
import { applyEvent } from "./apply-event.ts";
import type { ReportEventInput } from "./events.ts";
import { completeStage, failStage, interruptStage, reopenStage, skipStage, startStage } from "./stage.ts";

const AT = "2026-01-01T00:00:05.000Z";
const NOW = "2026-01-01T00:00:09.000Z";

const EVENTS = {
  started: { event: "started", stage: "make" },
  progress: { event: "progress", stage: "make", progress: 50 },
  log: { event: "log", stage: "make", lines: ["a"] },
  artifacts: { event: "artifacts", stage: "make", artifacts: [{ path: "a" }] },
  completed: { event: "completed", stage: "make", output: { a: 1 } },
  failed: { event: "failed", stage: "make", message: "broken" },
  "failed, later again": { event: "failed", stage: "make", message: "broken", retry_in_seconds: 5 },
  skipped: { event: "skipped", stage: "make", reason: "not needed" },
  waiting: { event: "waiting", stage: "make", question: "Go on?" },
} as const satisfies Record<string, ReportEventInput>;
type Event = keyof typeof EVENTS;

const over = {
  started: "STAGE_CONFLICT",
  progress: "STAGE_CONFLICT",
  log: "STAGE_CONFLICT",
  completed: "STAGE_CONFLICT",
  failed: "STAGE_CONFLICT",
  "failed, later again": "STAGE_CONFLICT",
  skipped: "STAGE_CONFLICT",
  waiting: "STAGE_CONFLICT",
} as const;

/** What becomes of a stage whose turn it is. */
const STAGES = {
  pending: {
    ...over,
    started: "running",
    artifacts: "pending",
    skipped: "skipped",
    waiting: "waiting",
  },
  running: {
    started: "STAGE_CONFLICT",
    progress: "running",
    log: "running",
    artifacts: "running",
    completed: "completed",
    failed: "failed",
    "failed, later again": "pending",
    skipped: "skipped",
    waiting: "waiting",
  },
  // Control writes and the next lease owner's first write alone lead out of it.
  waiting: { ...over, artifacts: "waiting" },
  completed: { ...over, artifacts: "completed" },
  failed: { ...over, artifacts: "failed" },
  skipped: { ...over, artifacts: "skipped" },
  cancelled: { ...over, artifacts: "cancelled" },
} as const satisfies Record<StageStatus, Record<Event, StageStatus | ErrorCode>>;

const plain = aProject().stages_snapshot.stages[1];
if (!plain) throw new Error("the project has a second stage");
const running = startStage(plain, { agent_name: "maker" }, "2026-01-01T00:00:02.000Z");

const STAGE_IN = {
  pending: plain,
  running,
  waiting: { ...running, status: "waiting", started_at: AT },
  completed: completeStage(running, {}, AT),
  failed: failStage(running, { message: "broken", code: "STAGE_FAILED" }, AT),
  skipped: skipStage(plain, "not needed", AT),
  cancelled: { ...running, status: "cancelled" },
} as const satisfies Record<StageStatus, Stage>;

/** A held project whose first stage is done, with `stage` as its second. */
function projectWith(stage: Stage) {
  const fresh = aProject();
  const queue = fresh.work_queue;
  const taken = apply(fresh, claim(fresh.project_id, { owner: "w", leaseMs: 60_000, work_queue: queue }, AT));
  if (!taken.ok || !taken.item) throw new Error("the claim was refused");
  const project = normalise(taken.item);
  const [plan, , check] = project.stages_snapshot.stages;
  if (!plan || !check) throw new Error("the project has three stages");
  const done = completeStage(startStage(plan, {}, AT), {}, AT);
  return { ...project, stages_snapshot: { ...project.stages_snapshot, stages: [done, stage, check] } };
}

function stageAfter(stage: Stage, event: ReportEventInput): Stage | ErrorCode {
  try {
    const [parsed] = events(event);
    if (!parsed) throw new Error("one event");
    const after = projectSchema.parse(applyEvent(projectWith(stage), parsed, NOW, 7));
    const next = after.stages_snapshot.stages[1];
    if (!next) throw new Error("the stage is still there");
    return next;
  } catch (error) {
    if (!isStagefoldError(error)) throw error;
    return error.code;
  }
}

const statusOf = (outcome: Stage | ErrorCode) => (typeof outcome === "string" ? outcome : outcome.status);

describe.each(Object.entries(STAGES))("a stage that is %s", (status, row) => {
  it.each(Object.entries(row))("%s → %s", (name, expected) => {
    const event = Object.entries(EVENTS).find(([key]) => key === name)?.[1];
    const stage = Object.entries(STAGE_IN).find(([key]) => key === status)?.[1];
    if (!event || !stage) throw new Error(`no ${name} or no ${status}`);
    expect(statusOf(stageAfter(stage, event))).toBe(expected);
  });
});

const PART_EVENTS = {
  started: { event: "started", stage: "make", sub_stage: "part" },
  progress: { event: "progress", stage: "make", sub_stage: "part", progress: 50 },
  log: { event: "log", stage: "make", sub_stage: "part", lines: ["a"] },
  artifacts: { event: "artifacts", stage: "make", sub_stage: "part", artifacts: [{ path: "a" }] },
  completed: { event: "completed", stage: "make", sub_stage: "part" },
  failed: { event: "failed", stage: "make", sub_stage: "part", message: "broken" },
  skipped: { event: "skipped", stage: "make", sub_stage: "part", reason: "not needed" },
} as const satisfies Record<string, ReportEventInput>;

const partOver = {
  completed: "STAGE_CONFLICT",
  failed: "STAGE_CONFLICT",
  progress: "STAGE_CONFLICT",
} as const;

const PARTS = {
  "not started": {
    ...partOver,
    started: "running",
    log: "unknown",
    artifacts: "STAGE_NOT_FOUND",
    skipped: "skipped",
  },
  // Nothing leads here: what an older form left.
  pending: {
    ...partOver,
    started: "running",
    log: "pending",
    artifacts: "pending",
    skipped: "STAGE_CONFLICT",
  },
  running: {
    started: "STAGE_CONFLICT",
    progress: "running",
    log: "running",
    artifacts: "running",
    completed: "completed",
    failed: "failed",
    skipped: "skipped",
  },
  completed: {
    ...partOver,
    started: "STAGE_CONFLICT",
    log: "completed",
    artifacts: "completed",
    skipped: "STAGE_CONFLICT",
  },
  failed: { ...partOver, started: "running", log: "failed", artifacts: "failed", skipped: "STAGE_CONFLICT" },
  skipped: {
    ...partOver,
    started: "running",
    log: "skipped",
    artifacts: "skipped",
    skipped: "STAGE_CONFLICT",
  },
  cancelled: {
    ...partOver,
    started: "running",
    log: "cancelled",
    artifacts: "cancelled",
    skipped: "STAGE_CONFLICT",
  },
} as const satisfies Record<
  SubStage["status"] | "not started",
  Record<keyof typeof PART_EVENTS, StageStatus | ErrorCode | "unknown">
>;

describe.each(Object.entries(PARTS))("a sub-stage that is %s, of a stage that runs", (status, row) => {
  it.each(Object.entries(row))("%s → %s", (name, expected) => {
    const event = Object.entries(PART_EVENTS).find(([key]) => key === name)?.[1];
    const known = subStageSchema.shape.status.options.find((one) => one === status);
    const part: SubStage | undefined = known && { number: 1, status: known, artifacts: [] };
    if (!event) throw new Error(`no ${name}`);
    const stage = { ...running, sub_stages: part ? { part } : {} };
    const after = stageAfter(stage, event);
    expect(typeof after === "string" ? after : (after.sub_stages.part?.status ?? "unknown")).toBe(expected);
  });
});

describe("a sub-stage of a stage that does not run", () => {
  const still = Object.values(STAGE_IN).filter((stage) => stage.status !== "running");
  it.each(still)("is refused while it is $status", (stage) => {
    for (const event of Object.values(PART_EVENTS)) {
      // Artifacts are recorded for a part that is known, whatever its stage is.
      const expected = event.event === "artifacts" ? "STAGE_NOT_FOUND" : "STAGE_CONFLICT";
      expect(stageAfter(stage, event), event.event).toBe(expected);
    }
  });
});

describe("the order of stages", () => {
  it("starts no stage before the earlier ones are finished, nor two at once", () => {
    const check = { event: "started", stage: "check" } as const;
    for (const status of ["pending", "running", "waiting", "failed", "cancelled"] as const)
      expect(statusOf(stageAfter(STAGE_IN[status], check)), status).toBe("STAGE_CONFLICT");
    for (const status of ["completed", "skipped"] as const)
      expect(statusOf(stageAfter(STAGE_IN[status], check)), status).toBe(status);
  });
});

describe("what a transition of a stage leaves", () => {
  const part = { number: 1, status: "running" as const, started_at: AT, artifacts: [] };
  const busy: Stage = { ...running, sub_stages: { part }, logs: ["tail"], log_seq: 4 };

  it("ends the parts that still run with their stage, however it ends", () => {
    const ends = [
      completeStage(busy, {}, NOW),
      failStage(busy, { message: "x", code: "STAGE_FAILED" }, NOW),
      skipStage(busy, "x", NOW),
      interruptStage(busy, "failed", "x", NOW),
    ];
    for (const stage of ends)
      expect(stage.sub_stages.part, stage.status).toMatchObject({ status: "cancelled", completed_at: NOW });
  });

  it("keeps the tail of a failure and drops that of a success", () => {
    expect(completeStage(busy, {}, NOW).logs).toBeUndefined();
    expect(skipStage(busy, "x", NOW).logs).toBeUndefined();
    expect(failStage(busy, { message: "x", code: "STAGE_FAILED" }, NOW).logs).toEqual(["tail"]);
  });

  it("starts a new attempt without anything of the one before", () => {
    const waiting = stageAfter(
      { ...busy, output_data: { artifacts: ["a"], artifact_info: {}, own: 1 }, metrics: { input_tokens: 3 } },
      EVENTS["failed, later again"],
    );
    if (typeof waiting === "string") throw new Error(waiting);
    expect(waiting).toMatchObject({ attempt: 1, error_message: "broken", progress: 0 });
    expect(waiting.history).toMatchObject([
      { attempt: 1, status: "failed", code: "STAGE_FAILED", log_seq: 4, error_message: "broken" },
    ]);
    const again = startStage(waiting, {}, NOW);
    expect(again).toMatchObject({
      attempt: 2,
      status: "running",
      error_message: null,
      output_data: { artifacts: [], artifact_info: {} },
      metrics: {},
      sub_stages: {},
      logs: [],
    });
    expect(again.log_seq).toBeUndefined();
    expect(again.completed_at).toBeUndefined();
    expect(again.history).toHaveLength(1);
  });

  it("opens every state again with its attempt in the history, and leaves alone what never began", () => {
    const recorded = { ...plain, output_data: { artifacts: ["a"], artifact_info: {} } };
    expect(reopenStage(recorded)).toBe(recorded);
    for (const status of ["running", "completed", "failed", "cancelled"] as const) {
      const opened = reopenStage(STAGE_IN[status]);
      expect(opened).toMatchObject({ status: "pending", attempt: 1, progress: 0, error_message: null });
      const was = status === "running" ? "cancelled" : status;
      expect(opened.history).toMatchObject([{ attempt: 1, status: was }]);
      expect(opened.started_at ?? opened.completed_at ?? opened.duration_seconds).toBeUndefined();
    }
    expect(reopenStage(STAGE_IN.skipped)).toMatchObject({ status: "pending", attempt: 0, history: [] });
  });

  it("counts the failures that a retry policy counts: a lost worker is none, opening it again forgets them", () => {
    let stage: Stage = plain;
    for (let i = 0; i < 3; i++) {
      const failed = stageAfter(startStage(stage, {}, AT), EVENTS["failed, later again"]);
      if (typeof failed === "string") throw new Error(failed);
      stage = interruptStage(startStage(failed, {}, AT), "failed", "death", NOW);
    }
    expect(stage).toMatchObject({ attempt: 6, failed_attempts: 3 });
    expect(reopenStage(stage)).not.toHaveProperty("failed_attempts");
  });

  it("keeps the last twenty attempts in the history", () => {
    let stage: Stage = plain;
    for (let i = 0; i < 25; i++)
      stage = interruptStage(startStage(stage, {}, AT), "failed", `death ${i}`, NOW);
    expect(stage.history.map((entry) => entry.attempt)).toEqual(Array.from({ length: 20 }, (_, i) => i + 6));
  });
});
