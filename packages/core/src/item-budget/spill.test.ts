import { describe, expect, it } from "vitest";
import { aLeaseOwner, type LeaseOwner, stageOf } from "../../test/lease-owner.ts";
import { itemBytes, LIMITS, valueBytes } from "../snapshot/limits.ts";
import { readHistory } from "./manifest.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));
const files = (n: number, from = 0, name = "f") =>
  Array.from({ length: n }, (_, i) => ({ path: `${name}/${from + i}.txt`, size: i }));

async function textOf(owner: LeaseOwner, ref: { stage: string; attempt: number; path: string }) {
  const file = await owner.artifacts.get({ project_id: owner.id, ...ref });
  if (!file) throw new Error(`no ${ref.path}`);
  let text = "";
  for await (const part of file.stream) text += new TextDecoder().decode(part);
  return text;
}

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

describe("an output", () => {
  it("of 16 KB stays in the item, of more is an artifact that output_ref names", async () => {
    const owner = await running();
    const fits = { text: "x".repeat(LIMITS.inlineOutput - valueBytes({ text: "" })) };
    const kept = await owner.report([
      { event: "completed", stage: "plan", output: fits },
      { event: "started", stage: "make" },
    ]);
    expect(stageOf(kept, "plan").output_data.text).toBe(fits.text);
    expect(stageOf(kept, "plan").output_ref).toBeUndefined();
    const large = { text: `${fits.text}x`, more: ["日本"] };
    const moved = await owner.report([
      { event: "completed", stage: "make", output: large, artifacts: [{ path: "a" }] },
    ]);
    const make = stageOf(moved, "make");
    expect(make.output_ref).toBe("outputs/make.json");
    expect(Object.keys(make.output_data).sort()).toEqual(["artifact_info", "artifacts"]);
    expect(make.output_data.artifacts).toEqual(["a", "outputs/make.json"]);
    const text = await textOf(owner, { stage: "make", attempt: 1, path: "outputs/make.json" });
    expect(JSON.parse(text)).toEqual(large);
    expect(make.output_data.artifact_info["outputs/make.json"]).toMatchObject({
      size: new TextEncoder().encode(text).length,
      media_type: "application/json",
    });
    await weighsWhatItSays(owner);
  });

  it("never takes the place of an artifact of the stage's own", async () => {
    const owner = await running();
    const ref = { stage: "plan", attempt: 1, path: "outputs/plan.json" };
    await owner.artifacts.put({ project_id: owner.id, ...ref }, new TextEncoder().encode("mine"));
    const project = await owner.report([
      {
        event: "completed",
        stage: "plan",
        output: { text: "x".repeat(20_000) },
        artifacts: [{ path: ref.path }, { path: "outputs/plan-2.json" }],
      },
    ]);
    expect(stageOf(project, "plan").output_ref).toBe("outputs/plan-3.json");
    expect(stageOf(project, "plan").output_data.artifacts).toHaveLength(3);
    expect(await textOf(owner, ref)).toBe("mine");
  });

  it.each(["artifacts", "artifact_info", "artifact_count"])("may not use the name %s", async (name) => {
    const owner = await running();
    const before = await owner.item();
    await expect(
      owner.report([{ event: "completed", stage: "plan", output: { [name]: 1 } }]),
    ).rejects.toMatchObject({
      code: "INVALID_INPUT",
      data: { issues: [`output.${name}: a name of the item`] },
    });
    expect(await owner.item()).toEqual(before);
  });
});

describe("the artifacts of a stage", () => {
  it("are 50 in the item, and from then on a count and a manifest", async () => {
    const owner = await running();
    const fifty = await owner.report([{ event: "artifacts", stage: "plan", artifacts: files(50) }]);
    expect(stageOf(fifty, "plan").artifact_manifest).toBeUndefined();
    expect(stageOf(fifty, "plan").output_data.artifact_count).toBeUndefined();
    const more = await owner.report([{ event: "artifacts", stage: "plan", artifacts: files(1, 50) }]);
    expect(stageOf(more, "plan").output_data).toMatchObject({ artifact_count: 51 });
    expect(stageOf(more, "plan").output_data.artifacts).toHaveLength(50);
    const all = await owner.repository.artifactsOf(more, "plan");
    expect(all.map((one) => one.path)).toEqual(files(51).map((one) => one.path));
    expect(all[50]).toMatchObject({ project_id: owner.id, stage: "plan", attempt: 1, size: 0 });
    await weighsWhatItSays(owner);
  });

  it("keep all that were there when more come later, by the lease owner and by others", async () => {
    const owner = await running();
    await owner.report([{ event: "artifacts", stage: "plan", artifacts: files(60) }]);
    await owner.report([{ event: "artifacts", stage: "plan", artifacts: files(60, 30) }]);
    const done = await owner.report([
      { event: "completed", stage: "plan", artifacts: files(10, 90), output: { a: 1 } },
    ]);
    expect(stageOf(done, "plan").output_data).toMatchObject({ artifact_count: 100, a: 1 });
    const later = await owner.repository.artifacts.record(owner.id, "plan", files(5, 100), "add");
    const all = await owner.repository.artifactsOf(later, "plan");
    expect(all.map((one) => one.path)).toEqual(files(105).map((one) => one.path));
    const replaced = await owner.repository.artifacts.record(owner.id, "plan", files(2), "replace");
    expect(stageOf(replaced, "plan").output_data).toMatchObject({ artifacts: ["f/0.txt", "f/1.txt"] });
    expect(stageOf(replaced, "plan").artifact_manifest).toBeUndefined();
    expect(stageOf(replaced, "plan").output_data.artifact_count).toBeUndefined();
    await weighsWhatItSays(owner);
  });

  it("are counted by the bytes of their entries too", async () => {
    const owner = await running();
    const long = Array.from({ length: 12 }, (_, i) => ({ path: `${"日".repeat(300)}${i}` }));
    const project = await owner.report([{ event: "artifacts", stage: "plan", artifacts: long }]);
    const { output_data } = stageOf(project, "plan");
    expect(output_data.artifact_count).toBe(12);
    expect(output_data.artifacts.length).toBeGreaterThan(5);
    expect(valueBytes(output_data.artifacts)).toBeLessThan(LIMITS.artifactEntries);
    expect((await owner.repository.artifactsOf(project, "plan")).length).toBe(12);
  });

  it("stay those of their sub-stage, listed in the item or not", async () => {
    const owner = await running();
    const part = { stage: "plan", sub_stage: "one" };
    const project = await owner.report([
      { event: "started", ...part },
      { event: "artifacts", ...part, artifacts: files(30, 0, "one") },
      { event: "artifacts", stage: "plan", artifacts: files(10) },
      { event: "started", stage: "plan", sub_stage: "two" },
      { event: "artifacts", stage: "plan", sub_stage: "two", artifacts: files(30, 0, "two") },
    ]);
    const count = async (from: typeof project) => {
      const all = await owner.repository.artifactsOf(from, "plan");
      return ["one", "two", undefined].map((key) => all.filter((one) => one.sub_stage === key).length);
    };
    expect(await count(project)).toEqual([30, 30, 10]);
    const next = await owner.report([{ event: "artifacts", ...part, artifacts: files(1), mode: "replace" }]);
    // What one part made is replaced, the other parts' stays; f/0.txt is of part one now.
    expect(await count(next)).toEqual([1, 30, 9]);
    await weighsWhatItSays(owner);
  });

  it("are missing loudly when their manifest is", async () => {
    const owner = await running();
    const project = await owner.report([{ event: "artifacts", stage: "plan", artifacts: files(60) }]);
    await owner.artifacts.removeProject(owner.id);
    const lost = { code: "STORE_UNAVAILABLE" };
    await expect(owner.repository.artifactsOf(project, "plan")).rejects.toMatchObject(lost);
    await expect(
      owner.report([{ event: "artifacts", stage: "plan", artifacts: files(1) }]),
    ).rejects.toMatchObject(lost);
  });
});

describe("a history", () => {
  it("moves to the store when its item is full, and keeps all of its attempts there", async () => {
    const owner = await aLeaseOwner(Array.from({ length: 12 }, (_, i) => ({ stage: `s${i}` })));
    let attempts = 0;
    for (const stage of ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"]) {
      for (let i = 0; i < 20; i++) {
        await owner.claim();
        await owner.report([{ event: "started", stage }]);
        await owner.report([
          { event: "failed", stage, message: `${stage} ${i} ${"日".repeat(900)}`, retry_in_seconds: 0 },
        ]);
        attempts += 1;
        await weighsWhatItSays(owner);
      }
      await owner.claim();
      await owner.report([
        { event: "started", stage },
        { event: "completed", stage },
      ]);
      await owner.report([], true);
    }
    const { stages } = await owner.repository.get(owner.id).then((one) => one.stages_snapshot);
    let found = 0;
    for (const { history, history_ref } of stages) {
      const earlier =
        history_ref === undefined ? [] : await readHistory(owner.id, history_ref, owner.artifacts);
      found += history.length + earlier.length;
    }
    expect(stages.some((stage) => stage.history_ref !== undefined)).toBe(true);
    expect(found).toBe(attempts);
    await expect(readHistory(owner.id, "not-there", owner.artifacts)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
  });
});
