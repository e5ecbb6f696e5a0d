import { describe, expect, it, vi } from "vitest";
import { scopeOf } from "../src/errors.ts";
import { MemoryProjectStore } from "../src/memory/project-store.ts";
import type { Item } from "../src/patch/index.ts";
import type { ArtifactStore } from "../src/ports/artifact-store.ts";
import { ProjectCache } from "../src/repository/project-cache.ts";
import { Repository } from "../src/repository/repository.ts";
import type { Claimed } from "../src/repository/work.ts";
import { idempotentProjectId } from "../src/snapshot/ids.ts";
import { createProjectSchema } from "../src/snapshot/inputs.ts";
import { textsOf } from "../src/snapshot/log-line.ts";
import { aProject, aRepository } from "../src/testing/builders.ts";
import { aLeaseOwner, type LeaseOwner, stageOf } from "./lease-owner.ts";

const STAGES = ["plan", "make", "check"].map((stage) => ({ stage }));

/** Replaces the stored item, as an edit by hand does. */
async function edit(owner: LeaseOwner, change: (item: Item) => Item): Promise<Item> {
  const { store, id: project_id } = owner;
  const item = change(structuredClone(await owner.item()));
  await store.write({ kind: "delete", transition: "delete", project_id, guards: [] });
  await store.write({ kind: "put", transition: "import", project_id, guards: [], item });
  return structuredClone(item);
}

/** Items that nobody can read, each by another fault. */
const UNREADABLE: Record<string, (item: Item) => Item> = {
  "a lease that is no map": (item) => ({ ...item, lease: "worker-1" }),
  "a stage named __proto__": (item) => ({
    ...item,
    stages_snapshot: { total: 1, completed: 0, stages: [{ stage: "__proto__", status: "pending" }] },
  }),
  "stages that are no list": (item) => ({
    ...item,
    stages_snapshot: { total: 1, completed: 0, stages: "none" },
  }),
  "a stage without a status": (item) => ({
    ...item,
    stages_snapshot: { total: 1, completed: 0, stages: [{ stage: "plan" }] },
  }),
  "a token that is text": (item) => ({ ...item, lease_token: "12" }),
  "a revision that is text": (item) => ({ ...item, revision: "12" }),
  "text that is no JSON": (item) => ({ ...item, stages_snapshot: "{" }),
  "a newer schema": (item) => ({ ...item, schema_version: 99 }),
};

describe.each(Object.entries(UNREADABLE))("an item with %s", (_name, change) => {
  it("W1: is refused by a claim with a typed error that concerns this project alone", async () => {
    const owner = await aLeaseOwner(STAGES);
    const { work_queue } = await owner.item();
    await edit(owner, change);
    const answer = await owner.repository.work
      .claim(owner.id, "w", String(work_queue))
      .catch((e: unknown) => e);
    if (answer !== undefined) {
      expect(answer).toMatchObject({ code: "SNAPSHOT_UNREADABLE", data: { project_id: owner.id } });
      expect(scopeOf(answer)).toBe("project");
    }
  });

  it.each(["claim", "pause", "resume", "cancel", "retry"] as const)(
    "L2: is left byte for byte as it is by %s",
    async (verb) => {
      const owner = await aLeaseOwner(STAGES);
      const { control, work } = owner.repository;
      const { work_queue } = await owner.item();
      const before = await edit(owner, change);
      const call = {
        claim: () => work.claim(owner.id, "w", String(work_queue)),
        pause: () => control.pause(owner.id),
        resume: () => control.resume(owner.id),
        cancel: () => control.cancel(owner.id),
        retry: () => control.retry(owner.id, {}),
      }[verb];
      const answer = await call().catch((error: unknown) => error);
      if (verb !== "claim") expect(answer).toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
      expect(await owner.item()).toEqual(before);
      expect(JSON.stringify(await owner.item())).toBe(JSON.stringify(before));
    },
  );
});

it("W5: the first write of a claim records the end of a build whose stages are all done", async () => {
  const owner = await aLeaseOwner(STAGES);
  await edit(owner, (item) => ({
    ...item,
    stages_snapshot: { stages: STAGES.map(({ stage }) => ({ stage, status: "completed" })) },
    schema_version: undefined,
  }));
  await owner.repository.control.resume(owner.id);
  expect((await owner.claim()).status).toBe("completed");
  const ended = await owner.report([]);
  expect(ended).toMatchObject({ status: "completed", stages_snapshot: { completed: 3 } });
  expect(ended.work_queue).toBeUndefined();
});

it.each(["resume", "retry"] as const)(
  "W6: an older item with a pipeline and no version is queued by %s where workers look",
  async (verb) => {
    const owner = await aLeaseOwner(STAGES);
    const status = verb === "resume" ? "building" : "failed";
    await edit(owner, ({ project_id, project_name }) => ({
      project_id,
      project_name,
      status,
      pipeline: "agent-build",
      created_at: "2025-01-01T00:00:00.000Z",
      stages_snapshot: JSON.stringify({
        stages: [{ stage: "plan", status: "completed" }, { stage: "make" }],
      }),
    }));
    const { control, work } = owner.repository;
    const queued = await (verb === "resume" ? control.resume(owner.id) : control.retry(owner.id, {}));
    expect(queued).toMatchObject({ status: "queued", pipeline: "agent-build", pipeline_version: "imported" });
    expect(await work.due("agent_builds", 10)).toMatchObject([{ project_id: owner.id }]);
    expect(await work.due("external", 10)).toEqual([]);
  },
);

describe("the number of a report", () => {
  it.each([9007199254740991, 1e300, 2_000_000, 1.5, Number.NaN, -0])(
    "W9: %d is refused, and the next write of the lease owner is not",
    async (lease_seq) => {
      const owner = await aLeaseOwner(STAGES);
      await owner.claim();
      const { lease_token } = owner.key;
      const report = { project_id: owner.id, lease_token, lease_seq, events: [] };
      await expect(owner.repository.work.report(report)).rejects.toMatchObject({
        code: expect.stringMatching(/INVALID_INPUT|LEASE_LOST/),
      });
      expect(await owner.report([{ event: "started", stage: "plan" }])).toMatchObject({ lease_seq: 1 });
    },
  );

  it("L3: a second report under it is refused when it differs and recognised when it does not", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([{ event: "started", stage: "plan" }]);
    const { lease_token } = owner.key;
    const report = (progress: number) =>
      owner.repository.work.report({
        project_id: owner.id,
        lease_token,
        lease_seq: 2,
        events: [{ event: "progress", stage: "plan", progress }],
      });
    const { revision } = await report(10);
    expect(await report(10)).toMatchObject({ revision });
    await expect(report(20)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    // Another process, which remembers nothing.
    const other = aRepository(owner.store, owner.clock).repository;
    const events = [{ event: "progress" as const, stage: "plan", progress: 30 }];
    const late = { project_id: owner.id, lease_token, lease_seq: 2, events };
    await expect(other.work.report(late)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(stageOf(await other.get(owner.id), "plan").progress).toBe(10);
  });
});

it("L4: a claim that is repeated under its id is the same claim, also through another process", async () => {
  const owner = await aLeaseOwner(STAGES);
  const { work_queue } = await owner.item();
  const other = aRepository(owner.store, owner.clock).repository;
  const claim = ({ work }: typeof other, id: string) =>
    work.claim(owner.id, "program", String(work_queue), { claimId: id });
  const first = await claim(owner.repository, "op-1");
  expect(first).toBeDefined();
  expect(await claim(other, "op-1")).toMatchObject({
    lease_token: first?.lease_token,
    lease_seq: first?.lease_seq,
  });
  expect(await claim(other, "op-2")).toBeUndefined();
});

describe("L14: a retry that waits", () => {
  it.each(["before", "after"])("keeps its time when the build is paused %s it fails", async (when) => {
    const owner = await aLeaseOwner(STAGES);
    const { control, work } = owner.repository;
    await owner.claim();
    await owner.report([{ event: "started", stage: "plan" }]);
    if (when === "before") await control.pause(owner.id);
    await owner.report([{ event: "failed", stage: "plan", message: "x", retry_in_seconds: 90 }]);
    if (when === "after") await control.pause(owner.id);
    owner.clock.advance(30_000);
    const { work_queue } = await control.resume(owner.id);
    owner.clock.advance(59_999);
    expect(await work.claim(owner.id, "w", work_queue)).toBeUndefined();
    owner.clock.advance(1);
    expect(await work.claim(owner.id, "w", work_queue)).toBeDefined();
  });
});

describe("an idempotency key", () => {
  const plan = { pipeline: "test", pipeline_version: "1", stages: STAGES };

  it("F9: is compared itself: another key that leads to the same id is refused", async () => {
    const store = new MemoryProjectStore();
    const { repository } = aRepository(store);
    const made = await repository.control.create({ requirement: "r", idempotency_key: "a" }, plan);
    // What a second key of the same 48 bits would find.
    const id = await idempotentProjectId(undefined, "b");
    const { project_id: _id, ...rest } = made;
    const item = { ...rest, project_id: id };
    await store.write({ kind: "put", transition: "create", project_id: id, guards: [], item });
    await expect(
      repository.control.create({ requirement: "r", idempotency_key: "b" }, plan),
    ).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH" });
  });

  it("C7: gives one build for equal requests, and says what differs in another", async () => {
    const { repository } = aRepository(new MemoryProjectStore());
    const create = (more: object) =>
      repository.control.create({ requirement: "r", tags: ["a", "b"], idempotency_key: "k", ...more }, plan);
    const [first, second] = await Promise.all([create({}), create({ tags: ["b", "a"], priority: 3 })]);
    expect(second).toEqual(first);
    await expect(create({ requirement: "other", project_name: "r" })).rejects.toThrow(/requirement differed/);
  });
});

it("L4: a claim without a project's id is found again by its owner and operation", async () => {
  const { repository, clock } = aRepository(new MemoryProjectStore());
  const make = () => repository.control.create({ requirement: "r" }, { pipeline: "mine", stages: STAGES });
  const [one, two] = [await make(), await make()];
  const claim = (id: string, op: string) => repository.work.claim(id, "program", undefined, { claimId: op });
  const first = await claim(one.project_id, "op-1");
  await claim(two.project_id, "op-2");
  const again = await repository.work.claimed("external", "program", "op-1");
  expect(again).toEqual(first);
  expect(await repository.work.claimed("external", "another program", "op-1")).toBeUndefined();
  clock.advance(1);
  await repository.work.report({ ...keyOf(first), events: [] });
  // Once it has written, the program knows of its claim.
  expect(await repository.work.claimed("external", "program", "op-1")).toBeUndefined();
});

function keyOf(claimed: Claimed | undefined) {
  if (!claimed) throw new Error("the claim was refused");
  const { lease_token, lease_seq, project } = claimed;
  return { project_id: project.project_id, lease_token, lease_seq: lease_seq + 1 };
}

it("L16: nothing comes back of a deleted project with reports that were on their way", async () => {
  const owner = await aLeaseOwner(STAGES);
  await owner.claim();
  await owner.report([{ event: "started", stage: "plan" }]);
  // Another process deletes it: this one still believes in its lease.
  await new Repository({ ...owner, store: owner.store, clock: owner.clock }).control.delete(owner.id);
  const put = vi.spyOn(owner.artifacts, "putDocument");
  const late = [
    [{ event: "log" as const, stage: "plan", lines: ["late"] }],
    [{ event: "completed" as const, stage: "plan", output: { text: "x".repeat(30_000) } }],
    [
      {
        event: "artifacts" as const,
        stage: "plan",
        artifacts: Array.from({ length: 60 }, (_, i) => ({ path: `f/${i}` })),
      },
    ],
  ];
  for (const events of late)
    await expect(owner.report(events)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
  const ref = { project_id: owner.id, stage: "plan", attempt: 1 };
  expect(textsOf((await owner.logs.read(ref, { limit: 9, upTo: 99 })).lines)).toEqual([]);
  expect(await owner.artifacts.get({ ...ref, path: "outputs/plan.json" })).toBeUndefined();
  expect(put).toHaveBeenCalled();
  for (const [, name] of put.mock.calls)
    expect(await owner.artifacts.getDocument(owner.id, name)).toBeUndefined();
});

it("L12: the fields of an output have one natural order, whichever the store gives them back in", async () => {
  const owner = await aLeaseOwner(STAGES);
  await owner.claim();
  await owner.report([{ event: "started", stage: "plan" }]);
  const output = { topic_10: 1, topic_2: { b: 1, a: [{ z: 1, y: 2 }] }, Zeta: 1, alpha: 1 };
  const names = (project: { stages_snapshot: { stages: { output_data: object }[] } }) =>
    Object.keys(project.stages_snapshot.stages[0]?.output_data ?? {});
  const written = await owner.report([{ event: "completed", stage: "plan", output }]);
  const expected = ["artifacts", "artifact_info", "alpha", "topic_2", "topic_10", "Zeta"];
  expect(names(written)).toEqual(expected);
  // As DynamoDB may give it back.
  await edit(owner, (item) => JSON.parse(JSON.stringify(reversed(item))));
  const read = await owner.repository.get(owner.id);
  expect(names(read)).toEqual(expected);
  expect(JSON.stringify(read.stages_snapshot.stages[0]?.output_data.topic_2)).toBe(
    '{"a":[{"y":2,"z":1}],"b":1}',
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]) => [name, reversed(inner)] as const);
  return Object.fromEntries(fields.toReversed());
}

it("L15: a project that was made again under its id is newer than any revision of the deleted one", () => {
  const cache = new ProjectCache();
  const first = { ...aProject({}, "2026-01-01T00:00:00.000Z"), revision: 9 };
  const again = aProject({}, "2026-01-02T00:00:00.000Z");
  cache.set(first);
  cache.set(again);
  // A late answer about the deleted one.
  cache.set(first);
  expect(cache.get(first.project_id)).toBe(again);
});

describe("L13: artifacts that are recorded bit by bit", () => {
  const COUNT = 600;

  /** Bytes of all documents that the store has of a project. */
  function documents(store: ArtifactStore) {
    const sizes = new Map<string, number>();
    let written = 0;
    const put = store.putDocument.bind(store);
    const remove = store.removeDocument.bind(store);
    vi.spyOn(store, "putDocument").mockImplementation(async (id, name, value) => {
      await put(id, name, value);
      sizes.set(name, JSON.stringify(value).length);
      written += JSON.stringify(value).length;
    });
    vi.spyOn(store, "removeDocument").mockImplementation(async (id, name) => {
      await remove(id, name);
      sizes.delete(name);
    });
    return { kept: () => [...sizes.values()].reduce((sum, size) => sum + size, 0), written: () => written };
  }

  it("take room in line with their number, and are listed as if they had been recorded at once", async () => {
    const owner = await aLeaseOwner(STAGES);
    const files = documents(owner.artifacts);
    await owner.claim();
    await owner.report([{ event: "started", stage: "plan" }]);
    for (let i = 0; i < COUNT; i++)
      await owner.report([
        { event: "artifacts", stage: "plan", artifacts: [{ path: `f/${i}.txt`, size: i }] },
      ]);
    // One of the first again, with other details.
    await owner.report([{ event: "artifacts", stage: "plan", artifacts: [{ path: "f/3.txt", size: 999 }] }]);
    const list = await owner.repository.artifactsOf(await owner.repository.get(owner.id));
    expect(list.map(({ path }) => path)).toEqual(Array.from({ length: COUNT }, (_, i) => `f/${i}.txt`));
    expect(list[3]).toMatchObject({ size: 999 });
    const whole = JSON.stringify(
      list.map(({ project_id: _p, stage: _s, attempt: _a, ...entry }) => entry),
    ).length;
    expect(files.kept()).toBeLessThan(1.2 * whole);
    expect(files.written()).toBeLessThan(12 * whole);
    // Taken away as a whole, and begun again.
    await owner.report([
      { event: "artifacts", stage: "plan", artifacts: [{ path: "one.txt" }], mode: "replace" },
    ]);
    const rest = await owner.repository.artifactsOf(await owner.repository.get(owner.id));
    expect(rest.map(({ path }) => path)).toEqual(["one.txt"]);
  });

  it("are listed also to a reader whose project is a write behind", async () => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([{ event: "started", stage: "plan" }]);
    const more = (from: number, count: number) =>
      owner.report([
        {
          event: "artifacts",
          stage: "plan",
          artifacts: Array.from({ length: count }, (_, i) => ({ path: `f/${from + i}` })),
        },
      ]);
    const old = await more(0, 60);
    await more(60, 60);
    const reader = new Repository({ ...owner, store: owner.store, clock: owner.clock });
    expect(await reader.artifactsOf(old)).toHaveLength(120);
  });

  it("by several programs at once are all there", async () => {
    const owner = await aLeaseOwner(STAGES);
    const programs = Array.from(
      { length: 6 },
      () => new Repository({ ...owner, store: owner.store, clock: owner.clock }),
    );
    const files = (n: number) => Array.from({ length: 20 }, (_, i) => ({ path: `p${n}/${i}` }));
    for (let round = 0; round < 3; round++)
      await Promise.all(
        programs.map((program, n) =>
          program.artifacts.record(owner.id, "make", files(n + 10 * round), "add"),
        ),
      );
    expect(await owner.repository.artifactsOf(await owner.repository.get(owner.id))).toHaveLength(360);
  });
});

describe("W1, L2: a store on which a read costs a request", () => {
  const remote = async () => {
    const owner = await aLeaseOwner(STAGES);
    Reflect.set(owner.store, "readsLocally", false);
    return owner;
  };

  it.each(["a lease that is no map", "a token that is text", "a revision that is text"])(
    "refuses the claim of an item with %s by the guard, and leaves it as it is",
    async (fault) => {
      const owner = await remote();
      const { work_queue } = await owner.item();
      const before = await edit(owner, (item) => UNREADABLE[fault]?.(item) ?? item);
      const answer = await owner.repository.work
        .claim(owner.id, "w", String(work_queue))
        .catch((error: unknown) => error);
      expect(answer).toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
      expect(await owner.item()).toEqual(before);
    },
  );

  it("answers the claim of an item whose stages cannot be read with an error of this project", async () => {
    const owner = await remote();
    const { work_queue } = await owner.item();
    await edit(owner, (item) => UNREADABLE["a stage named __proto__"]?.(item) ?? item);
    const answer = await owner.repository.work
      .claim(owner.id, "w", String(work_queue))
      .catch((error: unknown) => error);
    expect(answer).toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
    expect(scopeOf(answer)).toBe("project");
  });
});

it.each(["   ", "\t", "\u200b", "\u202e\u200f", "\u3164", "\u2800", "\ufeff"])(
  "F11, C10: a name of %j alone, in which there is nothing to see, is refused",
  (name) => {
    for (const input of [
      { project_name: name },
      { user_name: name },
      { tags: [name] },
      { stages: [{ stage: "a", stage_name: name }] },
    ]) {
      const parsed = createProjectSchema.safeParse({ requirement: "r", ...input });
      expect(parsed.error?.issues[0]?.message).toBe("expected some visible text");
    }
    expect(createProjectSchema.safeParse({ requirement: "r", project_name: `${name}👩‍🚀` }).success).toBe(
      true,
    );
  },
);

it.each([2 ** 53 + 2, Number("12345678901234567890"), -(2 ** 63), 1e300, 1e-200])(
  "O5, W7: %d in an output or a metric, whose digits JSON or a store would change, is refused by name",
  async (value) => {
    const owner = await aLeaseOwner(STAGES);
    await owner.claim();
    await owner.report([{ event: "started", stage: "plan" }]);
    const { lease_token } = owner.key;
    const report = (event: object) => {
      const events = [{ event: "completed" as const, stage: "plan", ...event }];
      return owner.repository.work.report({ project_id: owner.id, lease_token, lease_seq: 2, events });
    };
    for (const event of [{ output: { a: [{ id: value }] } }, { metrics: { input_tokens: value } }])
      await expect(report(event)).rejects.toMatchObject({
        code: "INVALID_INPUT",
        data: { issues: [expect.stringMatching(/id|input_tokens/)] },
      });
    const kept = await report({ output: { id: Number.MAX_SAFE_INTEGER, minus: -0, mole: 6.02214076e23 } });
    const { output_data } = stageOf(kept, "plan");
    expect(JSON.stringify(output_data)).toContain('"id":9007199254740991,"minus":0,"mole":6.02214076e+23');
  },
);
