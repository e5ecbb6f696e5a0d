import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { history, moves } from "../../test/histories.ts";
import { upgrade } from "../commands/import.ts";
import { sameRevision } from "../commands/revision.ts";
import { normalise } from "../legacy/normalise.ts";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { difference, type Edit, type Item, type Patch, type UpdatePatch } from "../patch/index.ts";
import type { Written } from "../ports/project-store.ts";
import type { ReportEventInput } from "../project/events.ts";
import { utf8Bytes } from "../snapshot/limits.ts";
import { aProject, aRepository, events } from "../testing/builders.ts";
import { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
import { DYNAMODB_LIMITS } from "./limits.ts";

const TABLE = "AgentProjects";

/** What is left of an expression without its aliases, positions, words and signs: nothing, if every name is aliased. */
function unaliased(text: string): string {
  return text
    .replace(/[#:][nv]\d+|#id|\[\d+\]/g, "")
    .replace(
      /\b(SET|REMOVE|AND|OR|IN|attribute_exists|attribute_not_exists|begins_with|if_not_exists)\b/g,
      "",
    )
    .replace(/[\s.,()=<>+]/g, "");
}

/** Our own count, beside that of the code under test: operators are comparisons, functions, AND, OR, commas, signs. */
function operators(text: string): number {
  return (text.match(/<>|<=|[=<>+]|\b(AND|OR|IN)\b|attribute_\w+|begins_with|if_not_exists/g) ?? []).length;
}

function withinLimits(patch: UpdatePatch) {
  const input = toUpdateItem(patch, TABLE);
  const condition = input.ConditionExpression ?? "";
  const update = input.UpdateExpression ?? "";
  for (const text of [condition, update]) {
    expect(unaliased(text)).toBe("");
    expect(utf8Bytes(text)).toBeLessThanOrEqual(4096);
    expect(operators(text)).toBeLessThanOrEqual(300);
  }
  expect(condition).toContain("attribute_exists(#n");
  const names = new Set(`${condition} ${update}`.match(/#n\d+/g));
  const values = new Set(`${condition} ${update}`.match(/:v\d+/g));
  expect(new Set(Object.keys(input.ExpressionAttributeNames ?? {}))).toEqual(names);
  expect(new Set(Object.keys(input.ExpressionAttributeValues ?? {}))).toEqual(values);
  return { condition, update, input };
}

const patchOf = (edits: readonly Edit[], guards: UpdatePatch["guards"] = []): UpdatePatch => ({
  kind: "update",
  transition: "report",
  project_id: "proj_000000000001",
  guards,
  edits,
});

/** A store that checks each patch against DynamoDB's limits before memory takes it. */
class CheckedStore extends MemoryProjectStore {
  readonly longest = { condition: 0, update: 0 };

  override write(patch: Patch): Promise<Written> {
    if (patch.kind === "update") {
      const { condition, update } = withinLimits(patch);
      this.longest.condition = Math.max(this.longest.condition, utf8Bytes(condition));
      this.longest.update = Math.max(this.longest.update, utf8Bytes(update));
    } else if (patch.kind === "put") toPutItem(patch, TABLE);
    return super.write(patch);
  }
}

describe("a patch as UpdateItem", () => {
  it("aliases every name, and each name and value once, whatever the history", () => {
    const property = fc.property(moves, (given) => {
      const all = history(given);
      for (const [i, after] of all.entries()) {
        const before = all[i - 1];
        const edits = before ? difference(before, after) : [];
        if (before && edits.length > 0) withinLimits(patchOf(edits, sameRevision(before)));
      }
      const [first, last] = [all[0], all.at(-1)];
      if (first && last && first !== last)
        withinLimits(patchOf(difference(first, last), sameRevision(first)));
    });
    fc.assert(property, { numRuns: SOAK ? 3000 : 60 });
  });

  it("aliases names of any kind", () => {
    const odd = ["status", "a.b", "日本", "#n0", ":v0", "a[0]", "", " AND ", "size"];
    const edits = odd.map((name): Edit => ({ op: "set", path: ["map", name], value: name }));
    const { input } = withinLimits(patchOf(edits, [{ path: ["path"], is: "one_of", values: ["token"] }]));
    expect(Object.values(input.ExpressionAttributeNames ?? {})).toEqual(expect.arrayContaining(odd));
  });

  it("says in its condition that the project is there, in today's form", () => {
    const { input, condition } = withinLimits(patchOf([{ op: "set", path: ["a"], value: 1 }]));
    expect(condition).toBe("attribute_exists(#n1) AND #n2 = :v0 AND attribute_exists(#n3.#n4)");
    expect(input).toMatchObject({
      Key: { project_id: "proj_000000000001" },
      ExpressionAttributeNames: { "#n1": "project_id", "#n2": "schema_version", "#n3": "stages_snapshot" },
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
  });

  it("keeps to the limits with 64 stages of long keys, from the claim to the last report", async () => {
    const keys = Array.from({ length: 64 }, (_, i) => `${"k".repeat(62)}${String(i).padStart(2, "0")}`);
    const store = new CheckedStore();
    const { repository, clock } = aRepository(store);
    const plan = {
      pipeline: "long",
      pipeline_version: "1",
      stages: keys.map((stage) => ({ stage, stage_name: "名".repeat(80) })),
    };
    const { project_id, work_queue } = await repository.control.create({ requirement: "r" }, plan);
    const claimed = await repository.work.claim(project_id, "w", work_queue);
    if (!claimed) throw new Error("the claim was refused");
    const lease = { project_id, lease_token: claimed.lease_token };
    let lease_seq = claimed.lease_seq;
    const report = (given: ReportEventInput[], release = false) =>
      repository.work.report({ ...lease, lease_seq: ++lease_seq, events: events(...given), release });
    // All in one write: more stages than the expression could name.
    await report(
      keys.slice(0, 40).flatMap((stage): ReportEventInput[] => [
        { event: "started", stage, agent_name: "名".repeat(60) },
        { event: "completed", stage, output: { a: stage }, metrics: { input_tokens: 1 } },
      ]),
    );
    for (const [i, stage] of keys.slice(40).entries()) {
      clock.advance(1000);
      await report([
        { event: "started", stage },
        { event: "log", stage, lines: ["日本".repeat(100)] },
        { event: "started", stage, sub_stage: "part" },
        { event: "progress", stage, progress: 10 },
      ]);
      await report([{ event: "completed", stage, artifacts: [{ path: `${i}.txt`, size: i }] }]);
    }
    const done = await repository.get(project_id);
    expect(done).toMatchObject({ status: "completed", stages_snapshot: { completed: 64 } });
    // A retry of everything, and the first write that opens all 64 again.
    const retried = await repository.control.retry(project_id, { from_stage: keys[0] });
    const again = await repository.work.claim(project_id, "w", retried.work_queue);
    if (!again) throw new Error("the second claim was refused");
    await repository.work.report({
      project_id,
      lease_token: again.lease_token,
      lease_seq: again.lease_seq + 1,
      events: [],
      release: true,
    });
    expect((await repository.get(project_id)).stages_snapshot.completed).toBe(0);
    expect(store.longest.condition).toBeGreaterThan(100);
  });
});

describe("the first write to an older form", () => {
  const old = { project_id: "proj_000000000001", status: "failed", created_at: "2025-01-01T00:00:00.000Z" };
  const upgraded = (item: Item) => withinLimits(upgrade(item, normalise(item)));
  const deep = (levels: number): unknown => (levels === 0 ? "leaf" : { inner: deep(levels - 1) });

  it.each([
    ["hundreds of fields", Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`field_${i}`, i]))],
    ["fields that lie deep", Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, deep(25)]))],
    [
      "64 large stages",
      {
        stages_snapshot: {
          stages: Array.from({ length: 64 }, (_, i) => ({
            stage: `stage-${i}`,
            status: "failed",
            error_message: "日".repeat(500),
            logs: ["x".repeat(1000)],
            extra: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`e${n}`, n])),
          })),
        },
      },
    ],
    [
      "300 KB of JSON text",
      { stages_snapshot: JSON.stringify({ stages: [{ stage: "a", extra: "x".repeat(300_000) }] }) },
    ],
  ])("keeps to the limits with %s", (_name, fields) => {
    const { condition } = upgraded({ ...old, ...fields });
    expect(condition.length).toBeGreaterThan(90);
  });

  it("compares what it replaces, so that no change meanwhile is lost", () => {
    const item = {
      ...old,
      stages_snapshot: { stages: [{ stage: "a", status: "completed" }] },
      updated_at: "2025-01-01T00:00:00.000Z",
    };
    const { input, condition } = upgraded(item);
    expect(Object.values(input.ExpressionAttributeValues ?? {})).toEqual(
      expect.arrayContaining(["failed", "completed", "a", item.updated_at]),
    );
    expect(condition).toContain("attribute_not_exists");
  });

  it("refuses what would weigh more than an item may", () => {
    const item = { ...old, stages_snapshot: { stages: [{ stage: "a", extra: "x".repeat(410_000) }] } };
    expect(() => toUpdateItem(upgrade(item, normalise(item)), TABLE)).toThrow(
      expect.objectContaining({
        code: "SNAPSHOT_TOO_LARGE",
        data: { size: expect.any(Number), limit: 409_600 },
      }),
    );
  });
});

describe("what DynamoDB would refuse is refused before it is sent", () => {
  const set = (value: unknown, path: readonly (string | number)[] = ["a"]): Edit => ({
    op: "set",
    path,
    value,
  });
  const code = (edits: Edit[]) => {
    try {
      toUpdateItem(patchOf(edits), TABLE);
      return "sent";
    } catch (error) {
      return error instanceof Error && "code" in error ? error.code : error;
    }
  };
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  const many = (n: number) => Array.from({ length: n }, (_, i) => set(i, [`n${i}`]));

  it("by its limits", () => {
    expect(code([set("x".repeat(DYNAMODB_LIMITS.item - 20))])).toBe("sent");
    expect(code([set("x".repeat(DYNAMODB_LIMITS.item))])).toBe("SNAPSHOT_TOO_LARGE");
    expect(code([set("日".repeat(140_000))])).toBe("SNAPSHOT_TOO_LARGE");
    expect(code([set("x".repeat(210_000), ["a"]), set("y".repeat(210_000), ["b"])])).toBe(
      "SNAPSHOT_TOO_LARGE",
    );
    expect(code([set(nested(32))])).toBe("sent");
    expect(code([set(nested(33))])).toBe("INVALID_INPUT");
    expect(code([set(nested(30), ["a", "b", "c"])])).toBe("sent");
    expect(code([set(nested(31), ["a", "b", "c"])])).toBe("INVALID_INPUT");
    expect(code(many(200))).toBe("sent");
    expect(code(many(301))).toBe("INTERNAL");
    expect(
      code(
        Array.from({ length: 120 }, (_, i) =>
          set(
            i,
            Array.from({ length: 9 }, (_, n) => `${n}`),
          ),
        ),
      ),
    ).toBe("INTERNAL");
  });

  it("and a creation likewise", () => {
    const put = (extra: object): Patch => ({
      kind: "put",
      transition: "create",
      project_id: "p",
      guards: [],
      item: { ...aProject(), ...extra },
    });
    const refusal = (patch: Patch) => () => patch.kind === "put" && toPutItem(patch, TABLE);
    expect(refusal(put({}))()).toMatchObject({ ConditionExpression: "attribute_not_exists(#id)" });
    expect(refusal(put({ requirement: "x".repeat(409_600) }))).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_TOO_LARGE" }),
    );
    expect(refusal(put({ own: nested(32) }))).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  it("and a deletion has a condition only where it has guards", () => {
    const gone = { kind: "delete", transition: "delete", project_id: "p", guards: [] } as const;
    expect(toDeleteItem(gone, TABLE)).toEqual({
      TableName: TABLE,
      Key: { project_id: "p" },
      ReturnValues: "ALL_OLD",
    });
    const guarded = toDeleteItem(
      { ...gone, guards: [{ path: ["status"], is: "equals", value: "x" }] },
      TABLE,
    );
    expect(guarded).toMatchObject({ ConditionExpression: "#n0 = :v0", ReturnValues: "ALL_OLD" });
  });
});
