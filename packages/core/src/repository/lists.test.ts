import { describe, expect, it } from "vitest";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { aRepository, TEST_PLAN } from "../testing/builders.ts";
import { encodeCursor } from "./cursor.ts";

const refused = { code: "INVALID_INPUT", data: { issues: ["cursor"] } };
const agent = "agent_0123456789ab";

/** Five builds of one agent, with two artifacts each. */
async function fiveBuilds() {
  const store = new MemoryProjectStore();
  const { repository, clock } = aRepository(store);
  for (let n = 0; n < 5; n++) {
    clock.advance(1000);
    const input = { requirement: `r${n}`, user_id: "ann", tags: ["demo"], agent_id: agent };
    const { project_id } = await repository.control.create(input, TEST_PLAN);
    await repository.artifacts.record(project_id, "plan", [{ path: "a" }, { path: "b" }], "add");
  }
  return { store, repository, lists: repository.lists };
}

describe("the cursor of a list of projects", () => {
  it("continues with the same filter, also where the pages have another size", async () => {
    const { lists } = await fiveBuilds();
    const first = await lists.projects({ tag: "demo" }, 2);
    const rest = await lists.projects({ tag: "demo", user_id: undefined }, 50, first.next_cursor ?? "");
    expect(rest).toMatchObject({ items: [{}, {}, {}], next_cursor: null });
  });

  it("is refused by a list with another filter", async () => {
    const { lists } = await fiveBuilds();
    const cursor = (await lists.projects({ user_id: "ann" }, 2)).next_cursor ?? "";
    for (const filter of [
      {},
      { user_id: "bob" },
      { user_id: "ann", tag: "demo" },
      { status: "queued" },
    ] as const)
      await expect(lists.projects(filter, 2, cursor)).rejects.toMatchObject(refused);
  });

  it("is refused when it has no place in it", async () => {
    const { lists } = await fiveBuilds();
    const given = (await lists.projects({}, 2)).next_cursor ?? "";
    const { of } = JSON.parse(atob(given));
    for (const value of [{}, [], null, 1, { of, at: {} }, { of }, { of, at: "" }, { of, at: "{}" }])
      await expect(lists.projects({}, 2, encodeCursor(value)), JSON.stringify(value)).rejects.toMatchObject(
        refused,
      );
  });
});

describe("a build that changes its state between two pages", () => {
  it.each([1, 2, 3])("is on the page it was on, with %i to a page", async (limit) => {
    const { repository, lists } = await fiveBuilds();
    const ids = (await lists.projects({}, 5)).items.map((item) => item.project_id);
    const found: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await lists.projects({}, limit, cursor);
      for (const { project_id } of page.items) {
        found.push(project_id);
        await repository.control.cancel(project_id);
      }
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(found).toEqual(ids);
  });
});

describe("the cursor of the artifacts of an agent", () => {
  it("continues in the middle of a build, and is refused for another agent", async () => {
    const { lists } = await fiveBuilds();
    const paths: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await lists.artifactsByAgent(agent, 3, cursor);
      paths.push(...page.items.map(({ path }) => path));
      cursor = page.next_cursor ?? undefined;
      if (cursor)
        await expect(lists.artifactsByAgent("agent_ffffffffffff", 3, cursor)).rejects.toMatchObject(refused);
    } while (cursor !== undefined);
    expect(paths).toEqual(["a", "b", "a", "b", "a", "b", "a", "b", "a", "b"]);
    const ofProjects = (await lists.projects({}, 2)).next_cursor ?? "";
    for (const foreign of [ofProjects, encodeCursor({}), encodeCursor({ page: null, at: null, skip: 0 })])
      await expect(lists.artifactsByAgent(agent, 3, foreign)).rejects.toMatchObject(refused);
  });
});

it("S6: a page of the artifacts of an agent reads the builds that it shows, not 20 whole ones", async () => {
  const store = new MemoryProjectStore();
  const { repository, clock } = aRepository(store);
  const paths = Array.from({ length: 30 }, (_, n) => ({ path: `file-${n}` }));
  for (let n = 0; n < 25; n++) {
    clock.advance(1000);
    const input = { requirement: `r${n}`, agent_id: agent };
    const { project_id } = await repository.control.create(input, TEST_PLAN);
    await repository.artifacts.record(project_id, "plan", paths, "add");
  }
  let read = 0;
  const getMany = store.getMany.bind(store);
  store.getMany = (ids) => {
    read += ids.length;
    return getMany(ids);
  };
  const first = await repository.lists.artifactsByAgent(agent, 20);
  expect(first.items).toHaveLength(20);
  expect(read).toBe(1);
  read = 0;
  // The rest of the first build, all of the second and half of the third.
  expect((await repository.lists.artifactsByAgent(agent, 55, first.next_cursor ?? "")).items).toHaveLength(
    55,
  );
  expect(read).toBeLessThanOrEqual(4);
});

it("a build without a document that it names shows what its item has, and the other builds of the agent theirs", async () => {
  const { store, lists } = await fiveBuilds();
  const [newest] = (await lists.projects({}, 1)).items;
  const project_id = newest?.project_id ?? "";
  const value = (await store.get(project_id))?.stages_snapshot as { stages: object[] };
  const [first, ...rest] = value.stages;
  const stages = [{ ...first, artifact_manifest: "artifacts-plan-0-gone" }, ...rest];
  const edits = [{ op: "set", path: ["stages_snapshot"], value: { ...value, stages } }] as const;
  await store.write({ kind: "update", transition: "upgrade", project_id, guards: [], edits });
  const { items } = await lists.artifactsByAgent(agent, 20);
  expect(items.map(({ path }) => path)).toEqual(["a", "b", "a", "b", "a", "b", "a", "b", "a", "b"]);
});

it("text finds the requirement, the user's id and name, whatever their case", async () => {
  const { repository } = aRepository(new MemoryProjectStore());
  const requirement = `${"x".repeat(150)} A Calculator for Taxes ${"y".repeat(100)} far behind`;
  await repository.control.create({ requirement, user_id: "grace", user_name: "Grace Hopper" }, TEST_PLAN);
  await repository.control.create({ requirement: "another", user_id: "ada" }, TEST_PLAN);
  const found = async (text: string) => (await repository.lists.projects({ text }, 10)).items.length;
  expect(await found("calculator FOR")).toBe(1);
  expect(await found("GRACE")).toBe(1);
  expect(await found("hopper")).toBe(1);
  expect(await found("a")).toBe(2);
  // A list has how a requirement begins, no more.
  expect(await found("far behind")).toBe(0);
});

it("an older build that nobody holds is listed with those it reads like", async () => {
  const { store, lists } = await fiveBuilds();
  const project_id = "proj_00000000000a";
  const item = { project_id, status: "building", created_at: "2025-01-01T00:00:00.000000Z", user_id: "ann" };
  await store.write({ kind: "put", transition: "create", project_id, guards: [], item });
  for (const filter of [{}, { status: "pending" }, { user_id: "ann", status: "pending" }] as const) {
    const { items } = await lists.projects(filter, 100);
    expect(items.at(-1), JSON.stringify(filter)).toMatchObject({ project_id, status: "pending" });
  }
  expect((await lists.projects({ status: "pending" }, 100)).items).toHaveLength(1);
  expect((await lists.projects({ status: "building" }, 100)).items).toEqual([]);
});
