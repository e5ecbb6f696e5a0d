import { readFile } from "node:fs/promises";
import { canonicalJson, type Item, isCurrentVersion, isStagefoldError } from "@stagefold/core";
import { getRaw, scanRaw, scanTable, toDynamoJson } from "@stagefold/core/dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { importInPlace, parseLine, tableSource } from "../src/index.ts";
import { DAMAGED, linesOf, NOT_MERGED, ODD, projectIds, sourceOf, sources } from "./fixtures.ts";
import { aPlace, ENGINES, itemsOf, startTable } from "./place.ts";

const oldItems = () => linesOf("AgentProjects").map(parseLine);

describe.each(ENGINES)("on %s", (engine) => {
  let table: Awaited<ReturnType<typeof startTable>>;
  beforeAll(async () => {
    table = await startTable(engine);
  });
  afterAll(() => table[Symbol.asyncDispose]());

  const rawOf = async (id: string) => {
    const raw = await getRaw(table.client, "AgentProjects", id);
    // An engine may give the fields of a map in any order.
    return raw && canonicalJson(JSON.parse(toDynamoJson(raw)));
  };
  const empty = async () => {
    for (const project_id of projectIds())
      await table.store.write({ kind: "delete", transition: "delete", project_id, guards: [] });
  };
  beforeEach(empty);
  const fillWithOld = async () => {
    for (const item of oldItems())
      await table.store.write({
        kind: "put",
        transition: "create",
        project_id: String(item.project_id),
        guards: [],
        item,
      });
  };
  const inPlace = (place: Awaited<ReturnType<typeof aPlace>>, dryRun = false) =>
    importInPlace({
      pages: scanTable(table.client, "AgentProjects", { pageSize: 5 }),
      repository: place.repository,
      folder: place.folder,
      dryRun,
      report: place.report,
    });

  it("gives the same items as the reference store, and no change the second time", async () => {
    await using memory = await aPlace();
    const expected = await memory.run({ sources: sources() });
    await using place = await aPlace(table.store);
    expect(await place.run({ sources: sources() })).toEqual(expected);
    expect(await itemsOf(table.store, projectIds())).toEqual(await itemsOf(memory.store, projectIds()));
    expect(await place.run({ sources: sources() })).toMatchObject({
      merged: 0,
      projects: { created: 0, changed: 0, unchanged: projectIds().length },
    });
  });

  it("gives the same items when the projects are there in their old forms", async () => {
    await using memory = await aPlace();
    await memory.run({ sources: sources() });
    await fillWithOld();
    await using place = await aPlace(table.store);
    const summary = await place.run({ sources: sources(["AgentArtifacts", "BuildStages"]) });
    expect(summary.not_merged).toEqual({ ...NOT_MERGED, unreadable: NOT_MERGED.unreadable - 1 });
    // Those that rows add nothing to are as they were, until all are brought up to date.
    const stored = await table.store.getMany(projectIds());
    expect(stored.some((item) => !isCurrentVersion(item))).toBe(true);
    const done = await inPlace(place);
    expect(done).toMatchObject({ items: projectIds().length, unreadable: 1 });
    expect(done.changed).toBeGreaterThan(0);
    expect(await itemsOf(table.store, projectIds())).toEqual(await itemsOf(memory.store, projectIds()));
    expect(await inPlace(place)).toMatchObject({ changed: 0, unchanged: projectIds().length - 1 });
  });

  it("brings every item of the table to today's form, and the lists know them all", async () => {
    await fillWithOld();
    await using place = await aPlace(table.store);
    expect(await inPlace(place, true)).toMatchObject({ dry_run: true, changed: projectIds().length - 1 });
    expect((await table.store.getMany(projectIds())).filter(isCurrentVersion)).toEqual([]);
    expect(await inPlace(place)).toMatchObject({ changed: projectIds().length - 1, unreadable: 1 });
    const items = await table.store.getMany(projectIds());
    expect(items.filter((item) => !isCurrentVersion(item)).map((item) => item.project_id)).toEqual([
      ODD.damaged,
    ]);
    const { items: listed } = await place.repository.lists.projects({}, 100);
    expect(new Set(listed.map((row) => row.project_id))).toEqual(new Set(projectIds()));
    const agent = await place.repository.lists.artifactsByAgent("agent_000000000001", 20);
    expect(agent.items.map(({ path }) => path)).toContain("outputs/prompt_engineer.md");
  });

  it("brings items with bytes, sets and long numbers of their own to today's form too", async () => {
    const project_id = ODD.bare;
    const long = "12345678901234567890123";
    const own = { bytes: new Uint8Array([1, 2]), names: new Set(["a", "b"]) };
    const item = { project_id, requirement: "r", stages_snapshot: "{}", digits: BigInt(long), ...own };
    const put = { kind: "put", transition: "create", project_id, guards: [], item } as const;
    await table.store.write(put);
    await using place = await aPlace(table.store);
    const done = await inPlace(place);
    expect(done).toMatchObject({ changed: 1, unchanged: 0, unreadable: 0 });
    const raw = await getRaw(table.client, "AgentProjects", project_id);
    expect(raw).toMatchObject({ digits: { N: long }, bytes: { B: own.bytes }, names: { SS: ["a", "b"] } });
  });

  it("keeps every digit of an item that comes in as it is", async () => {
    const [project_id, digits] = [{ S: ODD.bare }, { N: "-1234567890.1234567890123456789" }];
    const stages_snapshot = { S: "{" };
    const item = {
      project_id,
      stages_snapshot,
      digits,
      in: { L: [{ M: { digits } }] },
      set: { NS: ["3", "12345678901234567890"] },
    };
    await using place = await aPlace(table.store);
    const lines = [JSON.stringify({ Item: item })];
    const run = () => place.run({ sources: [sourceOf("export", lines)] });
    expect(await run()).toMatchObject({ not_merged: { unreadable: 1 }, projects: { created: 1 } });
    const raw = await getRaw(table.client, "AgentProjects", ODD.bare);
    expect(raw).toMatchObject({ digits, in: item.in });
    expect([...(raw?.set?.NS ?? [])].sort()).toEqual([...item.set.NS].sort());
    expect(await run()).toMatchObject({ projects: { created: 0, unchanged: 1 } });
  });

  it("names an item that it cannot bring to today's form, and continues", async () => {
    await fillWithOld();
    await using place = await aPlace(table.store);
    const write = table.store.write.bind(table.store);
    const before = await rawOf(ODD.large);
    // Somebody changes it whenever it is written.
    table.store.write = async (patch) =>
      patch.project_id === ODD.large
        ? { ok: false, item: await table.store.get(ODD.large) }
        : await write(patch);
    try {
      const { items, changed, unchanged, unreadable } = await inPlace(place);
      expect([changed, unchanged, unreadable]).toEqual([items - 2, 0, 2]);
    } finally {
      table.store.write = write;
    }
    const report = await readFile(place.report, "utf8");
    const line = report.split("\n").find((one) => one.includes(ODD.large));
    expect(line).toContain("The project changed while this was decided");
    expect(await rawOf(ODD.large)).toEqual(before);
    expect(await inPlace(place)).toMatchObject({ changed: 1, unreadable: 1 });
  });

  it("leaves the damaged item byte for byte, through every operation", async () => {
    await fillWithOld();
    const before = await rawOf(ODD.damaged);
    expect(before).toContain('"own_bytes":{"B":"AP8H"}');
    await using place = await aPlace(table.store);
    const { repository } = place;
    await place.run({ sources: sources(["AgentArtifacts", "BuildStages"]) });
    await inPlace(place);
    await place.run({ sources: sources() });
    const id = ODD.damaged;
    const operations = [
      () => repository.get(id),
      () => repository.control.pause(id),
      () => repository.control.resume(id),
      () => repository.control.cancel(id),
      () => repository.control.retry(id, {}),
      () => repository.artifacts.record(id, "prompt_engineer", [{ path: "x" }], "add"),
      () => repository.artifacts.removeForStage(id, "prompt_engineer"),
      () => repository.work.report({ project_id: id, lease_token: 1, lease_seq: 1, events: [] }),
    ];
    for (const operation of operations) {
      const refused = await operation().then(
        () => "done",
        (error: unknown) => error,
      );
      if (!isStagefoldError(refused)) throw new Error(`expected a typed refusal, found ${String(refused)}`);
      expect(["SNAPSHOT_UNREADABLE", "LEASE_LOST"]).toContain(refused.code);
    }
    expect(await repository.work.claim(id, "w")).toBeUndefined();
    expect(await rawOf(id)).toBe(before);
    await repository.control.delete(id);
    expect(await rawOf(id)).toBeUndefined();
    await empty();
    // It comes in from an export as it was, too.
    await place.run({ sources: sources() });
    expect(await rawOf(id)).toBe(before);
    expect(await table.store.get(id)).toEqual(DAMAGED);
  });

  it("reads live tables, and changes nothing in them", async () => {
    await fillWithOld();
    const before = new Map<string, string | undefined>();
    for (const id of projectIds()) before.set(id, await rawOf(id));
    await using place = await aPlace();
    const live = tableSource("AgentProjects", () => scanRaw(table.client, "AgentProjects", { pageSize: 4 }));
    await place.run({ sources: [live, ...sources(["AgentArtifacts", "BuildStages"])] });
    await using memory = await aPlace();
    await memory.run({ sources: sources() });
    expect(await itemsOf(place.store, projectIds())).toEqual(await itemsOf(memory.store, projectIds()));
    for (const id of projectIds()) expect(await rawOf(id)).toBe(before.get(id));
  });
});

describe("a project that changes while rows are merged", () => {
  it("is decided again from what it is then", async () => {
    await using place = await aPlace();
    await place.run({ sources: sources(["AgentProjects"]) });
    const { store, repository } = place;
    const write = store.write.bind(store);
    let between = 0;
    // Another program records an artifact of the same stage just before each project's first write.
    store.write = async (patch) => {
      if (patch.transition === "merge_import" && between++ === 0) {
        const { project_id } = patch;
        await repository.artifacts.record(project_id, "prompt_engineer", [{ path: "between" }], "add");
      }
      return await write(patch);
    };
    await place.run({ sources: sources(["AgentArtifacts"]) });
    const items: readonly Item[] = await store.getMany(projectIds());
    expect(JSON.stringify(items)).toContain('"between"');
    await place.run({ sources: sources(["BuildStages"]) });
    const all = await place.run({ sources: sources() });
    expect(all).toMatchObject({ merged: 0, projects: { changed: 0 } });
  });
});
