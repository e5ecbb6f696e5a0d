import { describe, expect, it } from "vitest";
import { type InState, LEASE_MS, projectIn, REQUEST, stored, storedItem } from "../../test/states.ts";
import { type ErrorCode, isStagefoldError } from "../errors.ts";
import type { ReportEventInput } from "../project/events.ts";
import type { Repository } from "../repository/repository.ts";
import { PROJECT_STATUSES, type ProjectStatus } from "../snapshot/schema.ts";
import { aRepository, events, TEST_PLAN } from "../testing/builders.ts";

/** The state that follows, what else comes of it, or why it is refused. */
type Outcome = ProjectStatus | ErrorCode | "gone" | "not claimed";
type Attempt = (it: InState, by: Repository) => Promise<unknown>;

const report =
  (given: ReportEventInput[], release = false): Attempt =>
  (it, by) =>
    by.work.report({
      project_id: it.id,
      lease_token: it.key.lease_token,
      lease_seq: it.key.lease_seq + 1,
      events: events(...given),
      release,
    });

/** Each transition there is, as a caller asks for it. The stage `plan` runs where the state lets one run. */
const TRANSITIONS = {
  "create again": (_it, by) => by.control.create(REQUEST, TEST_PLAN),
  "create another": (_it, by) => by.control.create({ ...REQUEST, requirement: "other" }, TEST_PLAN),
  claim: async (it, by) => {
    const { work_queue } = await storedItem(it);
    const queue = typeof work_queue === "string" ? work_queue : "agent_builds#p3#00";
    return (await by.work.claim(it.id, "w2", queue)) ?? "not claimed";
  },
  heartbeat: async (it, by) => {
    it.clock.advance(1000);
    return await by.work.heartbeat(it.id, it.key.lease_token);
  },
  "report nothing": report([]),
  "report started": report([{ event: "started", stage: "plan" }]),
  "report started next": report([
    { event: "completed", stage: "plan" },
    { event: "started", stage: "make" },
  ]),
  "report progress": report([{ event: "progress", stage: "plan", progress: 10 }]),
  "report log": report([{ event: "log", stage: "plan", lines: ["one"] }]),
  "report artifacts": report([{ event: "artifacts", stage: "plan", artifacts: [{ path: "a" }] }]),
  "report completed": report([{ event: "completed", stage: "plan" }]),
  "report failed": report([{ event: "failed", stage: "plan", message: "broken" }]),
  "report failed, later again": report([
    { event: "failed", stage: "plan", message: "broken", retry_in_seconds: 5 },
  ]),
  "report skipped": report([{ event: "skipped", stage: "make", reason: "not needed" }]),
  "report all finished": report([
    { event: "completed", stage: "plan" },
    { event: "skipped", stage: "make", reason: "not needed" },
    { event: "skipped", stage: "check", reason: "not needed" },
  ]),
  "report waiting": report([{ event: "waiting", stage: "plan", question: "Go on?" }]),
  "report waiting next": report([
    { event: "completed", stage: "plan" },
    { event: "waiting", stage: "make", question: "Go on?" },
  ]),
  release: report([], true),
  pause: (it, by) => by.control.pause(it.id),
  resume: (it, by) => by.control.resume(it.id),
  cancel: (it, by) => by.control.cancel(it.id),
  answer: (it, by) => by.control.answer(it.id, { stage: "plan", value: { ok: true } }),
  "answer another stage": (it, by) => by.control.answer(it.id, { stage: "make", value: true }),
  retry: (it, by) => by.control.retry(it.id, {}),
  "retry from the first": (it, by) => by.control.retry(it.id, { from_stage: "plan" }),
  "retry from the last": (it, by) => by.control.retry(it.id, { from_stage: "check" }),
  "record artifacts of the running stage": (it, by) =>
    by.artifacts.record(it.id, "plan", [{ path: "a" }], "add"),
  "record artifacts": (it, by) => by.artifacts.record(it.id, "check", [{ path: "a" }], "replace"),
  "remove artifacts": (it, by) => by.artifacts.removeForStage(it.id, "check"),
  delete: (it, by) => by.control.delete(it.id),
} as const satisfies Record<string, Attempt>;

type Named = keyof typeof TRANSITIONS;

const always = {
  "create another": "IDEMPOTENCY_MISMATCH",
  "answer another stage": "STAGE_CONFLICT",
  answer: "STAGE_CONFLICT",
  delete: "gone",
} as const;
const notHeld = {
  heartbeat: "LEASE_LOST",
  "report nothing": "LEASE_LOST",
  "report started": "LEASE_LOST",
  "report started next": "LEASE_LOST",
  "report progress": "LEASE_LOST",
  "report log": "LEASE_LOST",
  "report artifacts": "LEASE_LOST",
  "report completed": "LEASE_LOST",
  "report failed": "LEASE_LOST",
  "report failed, later again": "LEASE_LOST",
  "report skipped": "LEASE_LOST",
  "report all finished": "LEASE_LOST",
  "report waiting": "LEASE_LOST",
  "report waiting next": "LEASE_LOST",
  release: "LEASE_LOST",
} as const;
const notEnded = {
  retry: "PROJECT_CONFLICT",
  "retry from the first": "PROJECT_CONFLICT",
  "retry from the last": "PROJECT_CONFLICT",
} as const;
const ended = {
  claim: "not claimed",
  pause: "PROJECT_CONFLICT",
  resume: "PROJECT_CONFLICT",
  cancel: "PROJECT_CONFLICT",
} as const;

const TABLE = {
  pending: {
    ...always,
    ...notHeld,
    ...notEnded,
    "create again": "pending",
    claim: "not claimed",
    pause: "PROJECT_CONFLICT",
    resume: "queued",
    cancel: "cancelled",
    "record artifacts of the running stage": "pending",
    "record artifacts": "pending",
    "remove artifacts": "pending",
  },
  queued: {
    ...always,
    ...notHeld,
    ...notEnded,
    "create again": "queued",
    claim: "building",
    pause: "paused",
    resume: "PROJECT_CONFLICT",
    cancel: "cancelled",
    "record artifacts of the running stage": "queued",
    "record artifacts": "queued",
    "remove artifacts": "queued",
  },
  building: {
    ...always,
    ...notEnded,
    "create again": "building",
    claim: "not claimed",
    heartbeat: "building",
    "report nothing": "building",
    "report started": "STAGE_CONFLICT",
    "report started next": "building",
    "report progress": "building",
    "report log": "building",
    "report artifacts": "building",
    "report completed": "building",
    "report failed": "failed",
    "report failed, later again": "queued",
    "report skipped": "building",
    "report all finished": "completed",
    "report waiting": "waiting",
    "report waiting next": "waiting",
    release: "queued",
    pause: "paused",
    resume: "PROJECT_CONFLICT",
    cancel: "cancelled",
    "record artifacts of the running stage": "STAGE_CONFLICT",
    "record artifacts": "building",
    "remove artifacts": "building",
  },
  waiting: {
    ...always,
    ...notHeld,
    ...notEnded,
    "create again": "waiting",
    claim: "not claimed",
    pause: "PROJECT_CONFLICT",
    resume: "PROJECT_CONFLICT",
    cancel: "cancelled",
    answer: "queued",
    "record artifacts of the running stage": "waiting",
    "record artifacts": "waiting",
    "remove artifacts": "waiting",
  },
  paused: {
    ...always,
    ...notEnded,
    "create again": "paused",
    claim: "not claimed",
    heartbeat: "paused",
    "report nothing": "paused",
    "report started": "PROJECT_CONFLICT",
    "report started next": "PROJECT_CONFLICT",
    "report progress": "paused",
    "report log": "paused",
    "report artifacts": "paused",
    "report completed": "paused",
    "report failed": "failed",
    "report failed, later again": "paused",
    "report skipped": "paused",
    "report all finished": "completed",
    "report waiting": "PROJECT_CONFLICT",
    "report waiting next": "PROJECT_CONFLICT",
    release: "paused",
    pause: "PROJECT_CONFLICT",
    resume: "building",
    cancel: "cancelled",
    "record artifacts of the running stage": "STAGE_CONFLICT",
    "record artifacts": "paused",
    "remove artifacts": "paused",
  },
  completed: {
    ...always,
    ...notHeld,
    ...ended,
    "create again": "completed",
    retry: "INVALID_INPUT",
    "retry from the first": "queued",
    "retry from the last": "queued",
    "record artifacts of the running stage": "completed",
    "record artifacts": "completed",
    "remove artifacts": "completed",
  },
  failed: {
    ...always,
    ...notHeld,
    ...ended,
    "create again": "failed",
    retry: "queued",
    "retry from the first": "queued",
    "retry from the last": "STAGE_CONFLICT",
    "record artifacts of the running stage": "failed",
    "record artifacts": "failed",
    "remove artifacts": "failed",
  },
  cancelled: {
    ...always,
    ...notHeld,
    ...ended,
    "create again": "cancelled",
    retry: "queued",
    "retry from the first": "queued",
    "retry from the last": "STAGE_CONFLICT",
    "record artifacts of the running stage": "cancelled",
    "record artifacts": "cancelled",
    "remove artifacts": "cancelled",
  },
} as const satisfies Record<ProjectStatus, Record<Named, Outcome>>;

const NAMES = Object.keys(TRANSITIONS).filter((name): name is Named => name in TRANSITIONS);

async function outcome(it: InState, by: Repository, name: Named): Promise<Outcome> {
  const before = await it.store.get(it.id);
  try {
    const answer = await TRANSITIONS[name](it, by);
    const after = await it.store.get(it.id);
    if (answer === "not claimed") {
      expect(after).toEqual(before);
      return answer;
    }
    return after === undefined ? "gone" : (await stored(it)).status;
  } catch (error) {
    if (!isStagefoldError(error)) throw error;
    // A refusal changes nothing.
    expect(await it.store.get(it.id)).toEqual(before);
    return error.code;
  }
}

describe.each(PROJECT_STATUSES)("a project that is %s", (status) => {
  it.each(NAMES)("%s", async (name) => {
    const knowing = await projectIn(status);
    expect(await outcome(knowing, knowing.repository, name)).toBe(TABLE[status][name]);
    // A writer that knows nothing comes to the same.
    const unknown = await projectIn(status);
    const blind = aRepository(unknown.store, unknown.clock, LEASE_MS).repository;
    expect(await outcome(unknown, blind, name)).toBe(TABLE[status][name]);
  });

  it("comes to the same for a writer that believes it in any other state", async () => {
    for (const believed of PROJECT_STATUSES) {
      const known = await stored(await projectIn(believed));
      for (const name of NAMES) {
        const it = await projectIn(status);
        const mistaken = aRepository(it.store, it.clock, LEASE_MS).repository;
        mistaken.cache.set({ ...known, project_id: it.id });
        const { key } = it;
        // What its own report left is taken for a repeat of that report, and rightly so.
        if (known.lease_token === key.lease_token && known.lease_seq > key.lease_seq) continue;
        expect(await outcome(it, mistaken, name), `${name}, believed ${believed}`).toBe(TABLE[status][name]);
      }
    }
  });
});
