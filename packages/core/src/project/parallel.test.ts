import { describe, expect, it, test } from "vitest";
import { claim } from "../commands/claim.ts";
import type { StagePlan } from "../commands/create.ts";
import { retry } from "../commands/retry.ts";
import { type ErrorCode, isStagefoldError } from "../errors.ts";
import { normalise } from "../legacy/normalise.ts";
import { apply } from "../patch/index.ts";
import { summarise } from "../snapshot/derive.ts";
import { allNeedsOf, orderProblem, readyStages } from "../snapshot/graph.ts";
import { createProjectSchema } from "../snapshot/inputs.ts";
import type { Project } from "../snapshot/schema.ts";
import { aProject, events } from "../testing/builders.ts";
import { applyEvent } from "./apply-event.ts";
import { released } from "./end.ts";
import type { ReportEventInput } from "./events.ts";
import { takeOver } from "./take-over.ts";

const AT = "2026-01-01T00:00:05.000Z";
const LATER = "2026-01-01T01:00:00.000Z";
const DIAMOND: StagePlan[] = [
  { stage: "plan" },
  { stage: "left", needs: ["plan"] },
  { stage: "right", needs: ["plan"] },
  { stage: "join", needs: ["left", "right"] },
];
const TIDY: StagePlan = { stage: "tidy", finally: true };

/** Claimed, under its first lease; its first write is due. */
function claimed(stages: readonly StagePlan[], known?: Project, at = AT): Project {
  const fresh = known ?? aProject({ stages });
  const patch = claim(fresh.project_id, { owner: "w", leaseMs: 60_000, work_queue: fresh.work_queue }, at);
  const taken = apply(fresh, patch);
  if (!taken.ok || !taken.item) throw new Error("the claim was refused");
  return normalise(taken.item);
}

/** The project after events such as `start left`, `complete left`, `fail left`, `retry left 5`. */
function after(project: Project, ...deeds: string[]): Project {
  return deeds.reduce((next, deed) => applyEvent(next, eventOf(deed), AT, 1), takeOver(project, AT));
}

function eventOf(deed: string) {
  const [verb, stage = "", seconds = "0"] = deed.split(" ");
  const given: Record<string, ReportEventInput> = {
    start: { event: "started", stage },
    complete: { event: "completed", stage, output: { by: stage } },
    fail: { event: "failed", stage, message: `${stage} is broken` },
    retry: { event: "failed", stage, message: "again", retry_in_seconds: Number(seconds) },
    skip: { event: "skipped", stage, reason: "not needed" },
    ask: { event: "waiting", stage, question: "Go on?" },
  };
  const [event] = events(given[verb ?? ""] ?? { event: "started", stage });
  if (!event) throw new Error(`no event ${deed}`);
  return event;
}

function refusal(run: () => unknown): ErrorCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!isStagefoldError(error)) throw error;
    return error.code;
  }
}

const states = (project: Project) =>
  project.stages_snapshot.stages.map(({ stage, status }) => `${stage} ${status}`).join(", ");
const ready = (project: Project) =>
  readyStages(project).map((position) => project.stages_snapshot.stages[position]?.stage);

describe("a diamond", () => {
  const middle = after(claimed(DIAMOND), "start plan", "complete plan", "start left", "start right");

  it("runs its middle two at once, and is over with the last", () => {
    expect(states(middle)).toBe("plan completed, left running, right running, join pending");
    expect(middle).toMatchObject({ current_stage: "left", progress_percentage: 25 });
    const half = after(middle, "complete right");
    expect(half).toMatchObject({ current_stage: "left", progress_percentage: 50, status: "building" });
    expect(ready(half)).toEqual([]);
    expect(ready(after(half, "complete left"))).toEqual(["join"]);
    const over = after(half, "complete left", "start join", "complete join");
    expect(over).toMatchObject({ status: "completed", progress_percentage: 100, lease: { claims: 0 } });
    const at = (seconds: number) => `2026-01-01T00:00:${String(seconds).padStart(2, "0")}.000Z`;
    const ran = [
      [0, 2],
      [2, 6],
      [3, 9],
      [12, 13],
    ].map(([from = 0, to = 0]) => ({
      started_at: at(from),
      completed_at: at(to),
      duration_seconds: to - from,
    }));
    const { stages } = over.stages_snapshot;
    expect(summarise(stages.map((stage, i) => ({ ...stage, ...ran[i] })))).toMatchObject({
      active_seconds: 10,
    });
  });

  test.each<[string, ErrorCode | undefined]>([
    ["start join", "STAGE_CONFLICT"],
    ["complete join", "STAGE_CONFLICT"],
    ["start left", "STAGE_CONFLICT"],
    ["ask left", "STAGE_CONFLICT"],
    ["ask join", "STAGE_CONFLICT"],
    ["complete left", undefined],
    ["fail left", undefined],
    ["retry left", undefined],
    ["skip join", undefined],
  ])("while both run, %s is answered with %s", (deed, expected) => {
    expect(refusal(() => after(middle, deed))).toBe(expected);
  });

  it("keeps its lease while one waits for its next attempt, and gives it up when nothing else runs", () => {
    const waiting = after(middle, "retry left 60");
    expect(waiting).toMatchObject({ status: "building", lease: { owner: "w" } });
    expect(waiting.stages_snapshot.stages[1]).toMatchObject({
      status: "pending",
      attempt: 1,
      retry_at: "2026-01-01T00:01:05.000Z",
    });
    const both = after(waiting, "retry right 5");
    expect(both).toMatchObject({ status: "queued", work_due_at: "2026-01-01T00:00:10.000Z" });
    const given = released(after(waiting, "complete right"), AT);
    expect(given).toMatchObject({ status: "queued", work_due_at: "2026-01-01T00:01:05.000Z" });
    expect(after(waiting, "start left").stages_snapshot.stages[1]).not.toHaveProperty("retry_at");
  });

  it("is not due before the next attempt where the lease owner finds that nothing else can begin", () => {
    const tried = after(claimed(DIAMOND), "start plan", "complete plan", "start left", "retry left 300");
    // Only the worker knows whether the right one may begin: a gate has to wait for the left one.
    expect(tried).toMatchObject({ status: "queued", work_due_at: AT });
    const taken = after(claimed(DIAMOND, tried));
    expect(released(taken, AT)).toMatchObject({ status: "queued", work_due_at: AT });
    expect(released(taken, AT, "idle")).toMatchObject({
      status: "queued",
      work_due_at: "2026-01-01T00:05:05.000Z",
    });
    expect(released(after(claimed(DIAMOND)), AT, "idle")).toMatchObject({ work_due_at: AT });
  });

  it("stops the other one when one fails for good", () => {
    const failed = after(middle, "fail right");
    expect(failed).toMatchObject({ status: "failed", error_info: { stage: "right" } });
    expect(states(failed)).toBe("plan completed, left cancelled, right failed, join pending");
  });

  it("runs both again after a takeover, each as a new attempt", () => {
    const taken = after(claimed(DIAMOND, middle, LATER));
    expect(states(taken)).toBe("plan completed, left pending, right pending, join pending");
    const [, left, right] = taken.stages_snapshot.stages;
    for (const stage of [left, right])
      expect(stage?.history).toMatchObject([{ attempt: 1, status: "failed", code: "WORKER_LOST" }]);
    expect(ready(taken)).toEqual(["left", "right"]);
  });

  it("is given back with both; of a worker that cannot run one, that one names it", () => {
    expect(states(released(middle, AT))).toBe("plan completed, left pending, right pending, join pending");
    const not = released(middle, AT, { code: "WORKER_LOST", reason: "no disk", stage: "right" });
    const [, left, right] = not.stages_snapshot.stages;
    expect(left?.history).toMatchObject([{ status: "cancelled" }]);
    expect(right?.history).toMatchObject([
      { status: "failed", error_message: expect.stringContaining("no disk") },
    ]);
  });

  it("names all that ran when its workers keep being lost", () => {
    const held = claimed(DIAMOND, middle, LATER);
    if (held.status !== "building") throw new Error("expected a claim");
    const stalled = takeOver({ ...held, lease: { ...held.lease, claims: 4 } }, LATER);
    expect(stalled).toMatchObject({ status: "failed", error_info: { code: "STAGE_STALLED", stage: "left" } });
    expect(stalled.error_info?.message).toContain("one of the stages left, right");
    expect(states(stalled)).toBe("plan completed, left failed, right pending, join pending");
  });

  it("is retried from a stage: it and what needs it", () => {
    const done = after(middle, "complete left", "complete right", "start join", "complete join");
    const control = { op: "retry 1", at: LATER };
    const queued = apply(done, retry(done, { from_stage: "right" }, control));
    if (!queued.ok || !queued.item) throw new Error("the retry was refused");
    expect(normalise(queued.item)).toMatchObject({ progress_percentage: 50, restart_from: "right" });
    const again = after(claimed(DIAMOND, normalise(queued.item), LATER));
    expect(states(again)).toBe("plan completed, left completed, right pending, join pending");
    const failed = after(middle, "fail right");
    expect(refusal(() => retry(failed, { from_stage: "join" }, control))).toBe("STAGE_CONFLICT");
    const open = apply(failed, retry(failed, {}, control));
    if (!open.ok || !open.item) throw new Error("the retry was refused");
    const opened = after(claimed(DIAMOND, normalise(open.item), LATER));
    expect(states(opened)).toBe("plan completed, left pending, right pending, join pending");
    expect(opened.stages_snapshot.stages[1]?.history).toMatchObject([{ attempt: 1, status: "cancelled" }]);
  });
});

describe("a stage that may fail", () => {
  const stages = [{ stage: "lint", allow_failure: true }, { stage: "make" }];

  it("is finished when it has failed, and the build continues", () => {
    const failed = after(claimed(stages), "start lint", "fail lint");
    expect(failed).toMatchObject({ status: "building", progress_percentage: 50, current_stage: "make" });
    expect(failed.stages_snapshot).toMatchObject({ completed: 1, stages: [{ status: "failed" }, {}] });
    const over = after(failed, "start make", "complete make");
    expect(over).toMatchObject({ status: "completed", progress_percentage: 100 });
    expect(over).not.toHaveProperty("error_info");
    expect(states(after(claimed(stages, failed, LATER)))).toBe("lint failed, make pending");
  });

  it("is not passed over when its workers are lost", () => {
    const held = claimed(stages, after(claimed(stages), "start lint"), LATER);
    if (held.status !== "building") throw new Error("expected a claim");
    const stalled = takeOver({ ...held, lease: { ...held.lease, claims: 4 } }, LATER);
    expect(stalled).toMatchObject({ status: "failed", error_info: { code: "STAGE_STALLED" } });
    expect(states(stalled)).toBe("lint pending, make pending");
  });
});

describe("stages that run finally", () => {
  const stages = [...DIAMOND, TIDY, { stage: "tell", finally: true, needs: [] }];
  const failing = after(
    claimed(stages),
    "start plan",
    "complete plan",
    "start left",
    "start right",
    "fail left",
  );

  it("run when the others have ended, and the build has failed with its first failure", () => {
    expect(failing).toMatchObject({ status: "building", error_info: { stage: "left" } });
    expect(ready(failing)).toEqual(["tidy", "tell"]);
    expect(refusal(() => after(failing, "start right"))).toBe("STAGE_CONFLICT");
    const one = after(failing, "start tidy", "start tell", "fail tidy");
    expect(one).toMatchObject({ status: "building", error_info: { stage: "left" } });
    const over = after(one, "complete tell");
    expect(over).toMatchObject({ status: "failed", error_info: { stage: "left" } });
    expect(states(over)).toBe(
      "plan completed, left failed, right cancelled, join pending, tidy failed, tell completed",
    );
  });

  it("run again after a takeover, and what has failed does not", () => {
    const taken = after(claimed(stages, after(failing, "start tidy"), LATER));
    expect(taken).toMatchObject({ status: "building", error_info: { stage: "left" } });
    expect(ready(taken)).toEqual(["tidy", "tell"]);
  });

  it("run after a build that worked, whose failure theirs then is", () => {
    const done = after(
      claimed(stages),
      ...["plan", "left", "right", "join"].flatMap((stage) => [`start ${stage}`, `complete ${stage}`]),
    );
    expect(refusal(() => after(claimed(stages), "start tidy"))).toBe("STAGE_CONFLICT");
    expect(ready(done)).toEqual(["tidy", "tell"]);
    const tell = after(done, "start tidy", "fail tidy");
    expect(tell).toMatchObject({ status: "building", error_info: { stage: "tidy" } });
    expect(after(tell, "start tell", "complete tell")).toMatchObject({ status: "failed" });
  });

  it("run where a budget is used up, too", () => {
    const rich = aProject({ stages: [{ stage: "plan" }, { stage: "make" }, TIDY], limits: { attempts: 1 } });
    const out = after(claimed([], rich), "start plan", "complete plan", "start make");
    expect(out).toMatchObject({ status: "building", error_info: { code: "BUDGET_EXCEEDED" } });
    expect(after(out, "start tidy", "complete tidy")).toMatchObject({ status: "failed" });
  });
});

describe("the order of stages", () => {
  const a = { stage: "a" };
  test.each<[string, StagePlan[], string]>([
    ["an unknown key", [a, { stage: "b", needs: ["c"] }], "1.needs.0: expected one of the stages a, b"],
    ["itself", [{ stage: "a", needs: ["a"] }], "0.needs.0: expected other stages than itself"],
    ["a key twice", [a, { stage: "b", needs: ["a", "a"] }], "1.needs.1: expected each stage once"],
    [
      "a circle",
      [
        { stage: "a", needs: ["b"] },
        { stage: "b", needs: ["a"] },
      ],
      "found a -> b -> a",
    ],
    [
      "a circle through the order of the list",
      [{ stage: "a", needs: ["b"] }, { stage: "b" }],
      "found a -> b -> a",
    ],
    [
      "finally before others",
      [a, TIDY, { stage: "b" }],
      "1.finally: expected finally stages after all others",
    ],
    ["finally alone", [TIDY], "expected a stage before it"],
    [
      "a need of a finally stage",
      [a, { stage: "b", finally: true, needs: ["a"] }],
      "expected a finally stage",
    ],
    [
      "a finally stage as a need",
      [
        { stage: "a", needs: ["t"] },
        { stage: "t", finally: true },
      ],
      "not finally",
    ],
    [
      "too many keys",
      Array.from({ length: 64 }, (_, i) => ({
        stage: `${"s".repeat(60)}${i}`,
        needs: Array.from({ length: i }, (_, j) => `${"s".repeat(60)}${j}`),
      })),
      "bytes of needs",
    ],
  ])("is refused with %s", (_name, stages, expected) => {
    const problem = orderProblem(stages);
    const said =
      problem &&
      `${[problem.position, ...problem.field].join(".")}: ${problem.expected}, found ${problem.found}`;
    expect(said).toContain(expected);
    expect(createProjectSchema.safeParse({ requirement: "r", stages }).success).toBe(false);
  });

  it("of stages that say nothing is that of the list", () => {
    const plain = [a, { stage: "b" }, { stage: "c" }];
    expect(orderProblem(plain)).toBeUndefined();
    expect([...allNeedsOf(plain, 2)].sort()).toEqual([0, 1]);
    expect(
      orderProblem([
        { stage: "a", needs: ["c"] },
        { stage: "b", needs: [] },
        { stage: "c", needs: ["b"] },
      ]),
    ).toBeUndefined();
  });
});
