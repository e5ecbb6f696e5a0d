import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aHolder, type Holder, stageOf } from "../../test/holder.ts";
import { DYNAMODB_LIMITS } from "../dynamodb/limits.ts";
import { isStagefoldError } from "../errors.ts";
import type { ReportEventInput } from "../project/events.ts";
import { itemBytes, LIMITS } from "../snapshot/limits.ts";
import { readSubStageErrors } from "./manifest.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));
const files = (n: number, from = 0, name = "f") =>
  Array.from({ length: n }, (_, i) => ({ path: `${name}/${from + i}.txt`, size: i }));

/** Whatever the writes did, the item says what it weighs. */
async function weighsWhatItSays(holder: Holder) {
  const item = await holder.item();
  expect(item.item_bytes).toBe(itemBytes(item));
}

async function running(stages = STAGES) {
  const holder = await aHolder(stages);
  await holder.claim();
  await holder.report([{ event: "started", stage: stages[0]?.stage ?? "" }]);
  return holder;
}

describe("an item at 256 KB", () => {
  /** A field of an older program, which nothing can move, leaves the item a thousand bytes. */
  const filled = async () => {
    const stage = "s0";
    const holder = await running(Array.from({ length: 8 }, (_, i) => ({ stage: `s${i}` })));
    const notes = "n".repeat(LIMITS.item - 1000 - itemBytes(await holder.item()));
    await holder.store.write({
      kind: "update",
      transition: "upgrade",
      project_id: holder.id,
      guards: [],
      edits: [{ op: "set", path: ["notes"], value: notes }],
    });
    holder.repository.cache.delete(holder.id);
    return { holder, stage };
  };

  it("refuses what grows it, with a clear error and no further request", async () => {
    const { holder, stage } = await filled();
    const before = await holder.item();
    const counts = { writes: holder.store.writes, reads: holder.store.reads };
    const more = holder.report([{ event: "artifacts", stage, artifacts: files(40) }]);
    await expect(more).rejects.toMatchObject({
      code: "SNAPSHOT_TOO_LARGE",
      data: { limit: LIMITS.item, size: expect.any(Number) },
    });
    // One read: the refusal is looked at again with the item itself, and again without a write.
    expect(holder.store.writes).toBe(counts.writes);
    expect(holder.store.reads).toBeLessThanOrEqual(counts.reads + 1);
    expect(await holder.item()).toEqual(before);
  });

  it("takes what shrinks it, renewals, and every control write", async () => {
    const { holder, stage } = await filled();
    holder.clock.advance(1000);
    await holder.repository.work.heartbeat(holder.id, holder.key.lease_token);
    await holder.repository.control.pause(holder.id);
    await holder.repository.control.resume(holder.id);
    await holder.repository.artifacts.removeForStage(holder.id, "s7");
    await holder.report([{ event: "progress", stage, progress: 100 }]);
    await weighsWhatItSays(holder);
  });

  it.each<[string, ReportEventInput[], boolean]>([
    ["a completion", [{ event: "completed", stage: "?", output: { text: "日".repeat(5000) } }], false],
    ["a failure", [{ event: "failed", stage: "?", message: "日".repeat(2000) }], false],
    [
      "a failure to be tried again",
      [{ event: "failed", stage: "?", message: "x", retry_in_seconds: 1 }],
      false,
    ],
    ["a skip", [{ event: "skipped", stage: "?", reason: "日".repeat(2000) }], false],
    ["a release", [], true],
  ])("takes %s", async (_name, given, release) => {
    const { holder, stage } = await filled();
    const named = given.map((event) => ({ ...event, stage }));
    const project = await holder.report(named, release);
    expect(project.item_bytes).toBeLessThan(DYNAMODB_LIMITS.item);
    await weighsWhatItSays(holder);
  });

  it.each([2, 10])("O9: takes %i stages of 64 sub-stages that fail with 2 KB each, twice", async (count) => {
    const stages = Array.from({ length: count }, (_, i) => `s${i}`);
    const holder = await aHolder(stages.map((stage) => ({ stage })));
    await holder.claim();
    const key = (i: number) => `part-${i}`.padEnd(64, "-");
    for (const stage of stages) {
      await holder.report([{ event: "started", stage }]);
      for (const round of [1, 2])
        for (let i = 0; i < LIMITS.subStages; i += 16)
          await holder.report(
            Array.from({ length: 16 }, (_, n): ReportEventInput[] => [
              { event: "started", stage, sub_stage: key(i + n) },
              { event: "failed", stage, sub_stage: key(i + n), message: `${round}${"日".repeat(2000)}` },
            ]).flat(),
          );
      await holder.report([{ event: "completed", stage }]);
    }
    const project = await holder.repository.get(holder.id);
    expect(project.status).toBe("completed");
    expect(project.item_bytes).toBeLessThan(LIMITS.item);
    const [first] = project.stages_snapshot.stages;
    const full = first && (await readSubStageErrors(holder.id, first, holder.artifacts));
    expect(Object.values(full ?? {}).map((text) => text.slice(0, 3))).toEqual(Array(64).fill("2日日"));
    expect(Buffer.byteLength(full?.[key(0)] ?? "")).toBeGreaterThan(2000);
    await weighsWhatItSays(holder);
  });

  it("L9: pausing and resuming a hundred times leaves item_bytes at what the item weighs", async () => {
    const holder = await running();
    for (let i = 0; i < 100; i++) {
      await holder.repository.control.pause(holder.id);
      await holder.repository.control.resume(holder.id);
    }
    await weighsWhatItSays(holder);
    await holder.report([{ event: "log", stage: "plan", lines: ["still here"] }]);
    await weighsWhatItSays(holder);
  });
});

describe("the writes that end something always fit", () => {
  /** What a stage is filled with before it ends, each in characters of three bytes. */
  const load = fc.record({
    output: fc.constantFrom(0, 4000, 5000, 60_000),
    message: fc.constantFrom(0, 3000),
    parts: fc.constantFrom(0, 3, 40),
    files: fc.constantFrom(0, 20, 60),
    lines: fc.constantFrom(0, 9),
    ends: fc.constantFrom("completed", "failed", "again", "skipped", "release"),
  });
  type Load = typeof load extends fc.Arbitrary<infer T> ? T : never;

  const wide = (length: number) => "日".repeat(length);

  function endOf(stage: string, { ends, output, message, files: n }: Load): [ReportEventInput[], boolean] {
    switch (ends) {
      case "completed":
        return [
          [{ event: "completed", stage, output: { text: wide(output) }, artifacts: files(n, 100, wide(50)) }],
          false,
        ];
      case "failed":
        return [[{ event: "failed", stage, message: wide(message) }], false];
      case "again":
        return [[{ event: "failed", stage, message: wide(message), retry_in_seconds: 0 }], false];
      case "skipped":
        return [[{ event: "skipped", stage, reason: wide(message) }], false];
      case "release":
        return [[], true];
    }
  }

  async function tryTo(holder: Holder, given: readonly ReportEventInput[]): Promise<void> {
    try {
      await holder.report(given);
    } catch (error) {
      // Only what ends something must fit.
      if (!isStagefoldError(error, "SNAPSHOT_TOO_LARGE")) throw error;
    }
  }

  it("with up to 64 stages filled to the brim", async () => {
    let largest = 0;
    const property = fc.asyncProperty(
      fc.array(load, { minLength: 20, maxLength: 64, size: "max" }),
      async (loads) => {
        const holder = await aHolder(
          loads.map((_, i) => ({ stage: `s${i}`.padEnd(64, "-"), stage_name: wide(85) })),
        );
        await holder.claim();
        for (const [i, one] of loads.entries()) {
          const stage = `s${i}`.padEnd(64, "-");
          // A stage that cannot start for lack of room is ended in the same write.
          const start: ReportEventInput = { event: "started", stage, agent_name: wide(60) };
          await tryTo(holder, [start]);
          const running = stageOf(await holder.repository.get(holder.id), stage).status === "running";
          const parts = Array.from({ length: one.parts }, (_, p): ReportEventInput[] => {
            const part = { stage, sub_stage: `part-${p}`.padEnd(64, "-") };
            return [
              { event: "started", ...part },
              { event: "failed", ...part, message: wide(one.message) },
            ];
          });
          while (running && parts.length > 0) await tryTo(holder, parts.splice(0, 8).flat());
          if (running && one.files > 0)
            await tryTo(holder, [{ event: "artifacts", stage, artifacts: files(one.files, 0, wide(100)) }]);
          if (running)
            await tryTo(holder, [{ event: "log", stage, lines: Array(one.lines).fill(wide(100)) }]);
          const [end, release] = endOf(stage, one);
          const project = await holder.report(running ? end : [start, ...end], release);
          const item = await holder.item();
          expect(itemBytes(item)).toBe(project.item_bytes);
          expect(itemBytes(item)).toBeLessThanOrEqual(DYNAMODB_LIMITS.item);
          largest = Math.max(largest, project.item_bytes);
          if (project.lease.owner === undefined && project.status !== "completed") {
            if (project.status === "failed") await holder.repository.control.retry(holder.id, {});
            await holder.claim();
            await holder.report([{ event: "skipped", stage, reason: "" }]);
          }
        }
        expect((await holder.repository.get(holder.id)).status).toBe("completed");
      },
    );
    await fc.assert(property, { numRuns: process.env.SOAK === "1" ? 200 : 3 });
    // It did come to the brim.
    expect(largest).toBeGreaterThan(LIMITS.item / 2);
  });
});
