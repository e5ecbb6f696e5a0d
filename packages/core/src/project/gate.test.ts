import { describe, expect, it } from "vitest";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { aRepository, events, TEST_PLAN } from "../testing/builders.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import type { ReportEventInput } from "./events.ts";

async function opened(gate: Partial<Extract<ReportEventInput, { event: "waiting" }>> = {}) {
  const store = new MemoryProjectStore();
  const clock = new FakeClock();
  const { repository } = aRepository(store, clock);
  const { control, work } = repository;
  const { project_id: id, work_queue: queue } = await control.create({ requirement: "r" }, TEST_PLAN);
  const claim = async (owner: string) => {
    const claimed = await work.claim(id, owner, queue);
    if (!claimed) throw new Error("the claim was refused");
    const { lease_token, lease_seq } = claimed;
    const key = { project_id: id, lease_token, lease_seq: lease_seq + 1 };
    return {
      claimed,
      report: (...given: ReportEventInput[]) => work.report({ ...key, events: events(...given) }),
    };
  };
  const { report } = await claim("w1");
  const open = { event: "waiting", stage: "plan", question: "Go on?", ...gate } as const;
  return { repository, store, clock, control, work, id, queue, claim, open: () => report(open) };
}

describe("an open gate", () => {
  it("is no worker's before its time-out, and the answer completes it in the first write of the next", async () => {
    const { control, work, id, queue, claim, open, clock } = await opened({ timeout_seconds: 60 });
    expect((await open()).work_due_at).toBe("2026-01-01T00:01:00.000Z");
    clock.advance(59_999);
    expect(await work.claim(id, "w2", queue)).toBeUndefined();
    await control.answer(id, { stage: "plan", value: { b: 1, a: [1] } }, "op", { by: "key:ci" });
    const { claimed, report } = await claim("w2");
    expect(claimed.project).toMatchObject({ current_stage: "make", progress_percentage: 33 });
    const begun = await report({ event: "started", stage: "make" });
    expect(begun.stages_snapshot.stages[0]).toMatchObject({
      status: "completed",
      output_data: {
        question: "Go on?",
        answer: { a: [1], b: 1 },
        by: "key:ci",
        at: "2026-01-01T00:00:59.999Z",
      },
    });
    expect([begun.answer, begun.waiting]).toEqual([undefined, undefined]);
  });

  it("takes an answer after its time-out until a worker has it, and none after that", async () => {
    const late = await opened({ timeout_seconds: 60, on_timeout: "skip" });
    await late.open();
    late.clock.advance(3_600_000);
    expect(await late.control.answer(late.id, { stage: "plan", value: 1 })).toMatchObject({
      status: "queued",
    });
    const later = await opened({ timeout_seconds: 60, on_timeout: "skip" });
    await later.open();
    later.clock.advance(3_600_000);
    const { claimed, report } = await later.claim("w2");
    expect(claimed.project.stages_snapshot.stages[0]).toMatchObject({
      status: "skipped",
      output_data: { question: "Go on?" },
    });
    await expect(later.control.answer(later.id, { stage: "plan", value: 1 })).rejects.toMatchObject({
      code: "STAGE_CONFLICT",
      data: { actual: "past its time-out" },
    });
    await report({ event: "started", stage: "make" });
    await expect(later.control.answer(later.id, { stage: "plan", value: 1 })).rejects.toMatchObject({
      data: { actual: "skipped" },
    });
  });

  it("applies its time-out though the worker that claimed it for that has died", async () => {
    const { id, work, queue, claim, open, clock } = await opened({ timeout_seconds: 1 });
    await open();
    clock.advance(2000);
    await claim("w2");
    clock.advance(100_000);
    const { claimed, report } = await claim("w3");
    expect(claimed.project).toMatchObject({ status: "failed", error_info: { code: "GATE_EXPIRED" } });
    expect(await report()).toMatchObject({
      status: "failed",
      stages_snapshot: { stages: [{ error_code: "GATE_EXPIRED" }, {}, {}] },
    });
    expect(await work.claim(id, "w4", queue)).toBeUndefined();
  });

  it("keeps an answer through pause, resume and workers that die before they write", async () => {
    const { id, control, claim, open, clock } = await opened();
    await open();
    await control.answer(id, { stage: "plan", value: "yes" });
    await control.pause(id);
    await control.resume(id);
    for (const owner of ["w2", "w3", "w4"]) {
      await claim(owner);
      clock.advance(100_000);
    }
    const { report } = await claim("w5");
    const given = await report();
    // Its workers kept dying: the build is given up behind the gate, whose answer stays.
    expect(given).toMatchObject({ status: "failed", error_info: { code: "STAGE_STALLED", stage: "make" } });
    expect(given.stages_snapshot.stages[0]).toMatchObject({
      status: "completed",
      output_data: { answer: "yes" },
    });
  });

  it("is asked again by a retry, as another attempt", async () => {
    const { id, control, claim, open, repository } = await opened();
    await open();
    await control.cancel(id);
    await control.retry(id, {});
    const { report } = await claim("w2");
    await report({ event: "waiting", stage: "plan", question: "And now?" });
    const asked = await repository.get(id);
    expect(asked).toMatchObject({ status: "waiting", waiting: { question: "And now?" } });
    expect(asked.stages_snapshot.stages[0]).toMatchObject({ attempt: 2, history: [{ status: "cancelled" }] });
  });

  it("refuses what cannot be an answer, and a question whose own answer does not fit", async () => {
    const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"] };
    const { id, control, open } = await opened({ answer_schema: schema });
    await open();
    for (const value of [undefined, null, 1, {}, { n: 0 }, { n: 1.5 }])
      await expect(control.answer(id, { stage: "plan", value }), JSON.stringify(value)).rejects.toMatchObject(
        {
          code: "INVALID_INPUT",
        },
      );
    const large = { n: 1, text: "x".repeat(20_000) };
    await expect(control.answer(id, { stage: "plan", value: large })).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
    });
    const wrong = await opened({
      answer_schema: schema,
      on_timeout: { answer: { n: 0 } },
      timeout_seconds: 5,
    });
    await expect(wrong.open()).rejects.toMatchObject({ code: "INVALID_INPUT" });
    const unknown = {
      event: "waiting",
      stage: "plan",
      question: "?",
      answer_schema: { type: "strin" },
    } as const;
    expect(() => events(unknown)).toThrow(/Unsupported type/);
  });
});
