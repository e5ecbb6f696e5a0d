import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { aLeaseOwner, type LeaseOwner, stageOf } from "../../test/lease-owner.ts";
import { DYNAMODB_LIMITS } from "../dynamodb/limits.ts";
import { isStagefoldError } from "../errors.ts";
import type { ReportEventInput } from "../project/events.ts";
import { itemBytes, LIMITS } from "../snapshot/limits.ts";
import { readSubStageErrors } from "./manifest.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));
const files = (n: number, from = 0, name = "f") =>
  Array.from({ length: n }, (_, i) => ({ path: `${name}/${from + i}.txt`, size: i }));

/** Whatever the writes did, the item says what it weighs. */
async function weighsWhatItSays(owner: LeaseOwner) {
  const item = await owner.item();
  expect(item.item_bytes).toBe(itemBytes(item));
}

async function running(stages = STAGES) {
  const owner = await aLeaseOwner(stages);
  await owner.claim();
  await owner.report([{ event: "started", stage: stages[0]?.stage ?? "" }]);
  return owner;
}

describe("an item at 256 KB", () => {
  /** A field of an older program, which nothing can move, leaves the item a thousand bytes. */
  const filled = async () => {
    const stage = "s0";
    const owner = await running(Array.from({ length: 8 }, (_, i) => ({ stage: `s${i}` })));
    const notes = "n".repeat(LIMITS.item - 1000 - itemBytes(await owner.item()));
    await owner.store.write({
      kind: "update",
      transition: "upgrade",
      project_id: owner.id,
      guards: [],
      edits: [{ op: "set", path: ["notes"], value: notes }],
    });
    owner.repository.cache.delete(owner.id);
    return { owner, stage };
  };

  it("refuses what grows it, with a clear error and no further request", async () => {
    const { owner, stage } = await filled();
    const before = await owner.item();
    const counts = { writes: owner.store.writes, reads: owner.store.reads };
    const more = owner.report([{ event: "artifacts", stage, artifacts: files(40) }]);
    await expect(more).rejects.toMatchObject({
      code: "SNAPSHOT_TOO_LARGE",
      data: { limit: LIMITS.item, size: expect.any(Number) },
    });
    // One read: the refusal is looked at again with the item itself, and again without a write.
    expect(owner.store.writes).toBe(counts.writes);
    expect(owner.store.reads).toBeLessThanOrEqual(counts.reads + 1);
    expect(await owner.item()).toEqual(before);
  });

  it("takes what shrinks it, renewals, and every control write", async () => {
    const { owner, stage } = await filled();
    owner.clock.advance(1000);
    await owner.repository.work.heartbeat(owner.id, owner.key.lease_token);
    await owner.repository.control.pause(owner.id);
    await owner.repository.control.resume(owner.id);
    await owner.repository.artifacts.removeForStage(owner.id, "s7");
    await owner.report([{ event: "progress", stage, progress: 100 }]);
    await weighsWhatItSays(owner);
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
    const { owner, stage } = await filled();
    const named = given.map((event) => ({ ...event, stage }));
    const project = await owner.report(named, release);
    expect(project.item_bytes).toBeLessThan(DYNAMODB_LIMITS.item);
    await weighsWhatItSays(owner);
  });

  it.each([2, 10])("O9: takes %i stages of 64 sub-stages that fail with 2 KB each, twice", async (count) => {
    const stages = Array.from({ length: count }, (_, i) => `s${i}`);
    const owner = await aLeaseOwner(stages.map((stage) => ({ stage })));
    await owner.claim();
    const key = (i: number) => `part-${i}`.padEnd(64, "-");
    for (const stage of stages) {
      await owner.report([{ event: "started", stage }]);
      for (const round of [1, 2])
        for (let i = 0; i < LIMITS.subStages; i += 16)
          await owner.report(
            Array.from({ length: 16 }, (_, n): ReportEventInput[] => [
              { event: "started", stage, sub_stage: key(i + n) },
              { event: "failed", stage, sub_stage: key(i + n), message: `${round}${"日".repeat(2000)}` },
            ]).flat(),
          );
      await owner.report([{ event: "completed", stage }]);
    }
    const project = await owner.repository.get(owner.id);
    expect(project.status).toBe("completed");
    expect(project.item_bytes).toBeLessThan(LIMITS.item);
    const [first] = project.stages_snapshot.stages;
    const full = first && (await readSubStageErrors(owner.id, first, owner.artifacts));
    expect(Object.values(full ?? {}).map((text) => text.slice(0, 3))).toEqual(Array(64).fill("2日日"));
    expect(Buffer.byteLength(full?.[key(0)] ?? "")).toBeGreaterThan(2000);
    await weighsWhatItSays(owner);
  });

  it("L9: pausing and resuming a hundred times leaves item_bytes at what the item weighs", async () => {
    const owner = await running();
    for (let i = 0; i < 100; i++) {
      await owner.repository.control.pause(owner.id);
      await owner.repository.control.resume(owner.id);
    }
    await weighsWhatItSays(owner);
    await owner.report([{ event: "log", stage: "plan", lines: ["still here"] }]);
    await weighsWhatItSays(owner);
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

  async function tryTo(owner: LeaseOwner, given: readonly ReportEventInput[]): Promise<void> {
    try {
      await owner.report(given);
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
        const owner = await aLeaseOwner(
          loads.map((_, i) => ({ stage: `s${i}`.padEnd(64, "-"), stage_name: wide(85) })),
        );
        await owner.claim();
        for (const [i, one] of loads.entries()) {
          const stage = `s${i}`.padEnd(64, "-");
          // A stage that cannot start for lack of room is ended in the same write.
          const start: ReportEventInput = { event: "started", stage, agent_name: wide(60) };
          await tryTo(owner, [start]);
          const running = stageOf(await owner.repository.get(owner.id), stage).status === "running";
          const parts = Array.from({ length: one.parts }, (_, p): ReportEventInput[] => {
            const part = { stage, sub_stage: `part-${p}`.padEnd(64, "-") };
            return [
              { event: "started", ...part },
              { event: "failed", ...part, message: wide(one.message) },
            ];
          });
          while (running && parts.length > 0) await tryTo(owner, parts.splice(0, 8).flat());
          if (running && one.files > 0)
            await tryTo(owner, [{ event: "artifacts", stage, artifacts: files(one.files, 0, wide(100)) }]);
          if (running) await tryTo(owner, [{ event: "log", stage, lines: Array(one.lines).fill(wide(100)) }]);
          const [end, release] = endOf(stage, one);
          const project = await owner.report(running ? end : [start, ...end], release);
          const item = await owner.item();
          expect(itemBytes(item)).toBe(project.item_bytes);
          expect(itemBytes(item)).toBeLessThanOrEqual(DYNAMODB_LIMITS.item);
          largest = Math.max(largest, project.item_bytes);
          if (project.lease.owner === undefined && project.status !== "completed") {
            if (project.status === "failed") await owner.repository.control.retry(owner.id, {});
            await owner.claim();
            await owner.report([{ event: "skipped", stage, reason: "" }]);
          }
        }
        expect((await owner.repository.get(owner.id)).status).toBe("completed");
      },
    );
    await fc.assert(property, { numRuns: SOAK ? 60 : 3 });
    // It did come to the brim.
    expect(largest).toBeGreaterThan(LIMITS.item / 2);
  });
});
