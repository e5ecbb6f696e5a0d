import {
  type Edit,
  type Guard,
  holds,
  type Item,
  MemoryProjectStore,
  type Patch,
  type Path,
  type ProjectStore,
} from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINES, startStore } from "./store.ts";

const project_id = "proj_00000000abcd";

/** Values of every type where a guard may look. */
const ODD = {
  text: "b",
  empty: "",
  digits: "5",
  number: 5,
  zero: 0,
  negative: -3.5,
  large: 1e20,
  yes: true,
  no: false,
  nothing: null,
  list: ["a", 5, { inner: "b" }],
  map: { inner: "b", "0": "by name", deep: { number: 5 } },
  high: "\uffee",
  higher: "🙂",
  constructor: "own",
  "a.b[0]": "dotted",
} satisfies Item;

const PATHS: readonly Path[] = [
  ...Object.keys(ODD).map((name) => [name]),
  ["missing"],
  ["missing", "parent"],
  ["text", "inner"],
  ["text", 0],
  ["number", "inner"],
  ["nothing", "inner"],
  ["list", 0],
  ["list", 1],
  ["list", 2, "inner"],
  ["list", 9],
  ["list", 9, "inner"],
  ["map", "inner"],
  ["map", "0"],
  ["map", 0],
  ["map", "deep", "number"],
  ["map", "deep", "missing"],
  ["toString"],
  ["list", "length"],
];

const VALUES = ["b", "", 5, 1e20, true, "🙂", "own"] as const;
const ORDERED = ["b", 5, 1e21, "\uffee", "🙂"] as const;
/** Values that there is something of each type to compare with. */
const FEW = { values: ["b", 5, false], ordered: ["b", 5] } as const;

function guardsAt(path: Path): Guard[] {
  const [values, ordered] = path.length === 1 ? [VALUES, ORDERED] : [FEW.values, FEW.ordered];
  return [
    { path, is: "exists" },
    { path, is: "absent" },
    ...values.flatMap((value): Guard[] => [
      { path, is: "equals", value },
      { path, is: "differs", value },
    ]),
    { path, is: "one_of", values: ["b", 5, true] },
    { path, is: "one_of", values: ["x", 6, ""] },
    ...ordered.flatMap((value): Guard[] => [
      { path, is: "less_than", value },
      { path, is: "at_most", value },
      { path, is: "more_than", value },
    ]),
    { path, is: "begins_with", value: "b" },
    { path, is: "begins_with", value: "" },
    {
      any: [
        { path, is: "absent" },
        { path, is: "equals", value: "b" },
      ],
    },
  ];
}

const update = (guards: readonly Guard[], edits: readonly Edit[]): Patch => ({
  kind: "update",
  // Of all updates this one alone brings no guards of its own.
  transition: "upgrade",
  project_id,
  guards,
  edits,
});

/** Where dynalite differs from DynamoDB. No transition of ours compares such. */
function isUnlike(engine: string, guard: Guard): boolean {
  if (engine !== "dynalite") return false;
  const path = "any" in guard ? guard.any.find((one) => "path" in one)?.path : guard.path;
  // It takes a position for a name of a map, finds no empty text with IN, and orders text by UTF-16.
  if (path?.[0] === "map" && path[1] === 0) return true;
  if ("any" in guard) return false;
  if (guard.is === "one_of") return guard.path[0] === "empty";
  return ["less_than", "at_most", "more_than"].includes(guard.is) && /^high/.test(String(guard.path[0]));
}

/** Some stores answer 500 guards one after the other slowly: several are asked at once. */
async function inTurns<T, R>(all: readonly T[], one: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < all.length; i += 32)
    results.push(...(await Promise.all(all.slice(i, i + 32).map(one))));
  return results;
}

describe.each(ENGINES)("guards on %s", (engine) => {
  let running: Awaited<ReturnType<typeof startStore>> | undefined;
  beforeAll(async () => {
    running = await startStore(engine);
    for (const store of [running.store, memory])
      await store.write({
        kind: "put",
        transition: "create",
        project_id,
        guards: [],
        item: { ...ODD, project_id, schema_version: 1, stages_snapshot: { stages: [] }, touched: 0 },
      });
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
  });
  const memory = new MemoryProjectStore();
  const engineStore = (): ProjectStore => {
    if (!running) throw new Error("the engine has not started");
    return running.store;
  };

  it("mean what they mean in memory, for values of every type", async () => {
    const item = { ...ODD, project_id };
    const all = PATHS.flatMap(guardsAt).filter((guard) => !isUnlike(engine, guard));
    const answers = await inTurns(all, async (guard) => {
      const patch = update([guard], [{ op: "set", path: ["touched"], value: 1 }]);
      return (await engineStore().write(patch)).ok;
    });
    const wrong = all.flatMap((guard, i) =>
      answers[i] === holds(item, guard) ? [] : [`${JSON.stringify(guard)} is ${answers[i]}`],
    );
    expect(all.length).toBeGreaterThan(700);
    expect(wrong).toEqual([]);
  });

  it("hold together or not at all, and change nothing when one does not hold", async () => {
    const store = engineStore();
    const yes: Guard = { path: ["text"], is: "equals", value: "b" };
    const no: Guard = { path: ["text"], is: "equals", value: "c" };
    const before = await store.get(project_id);
    const edits: Edit[] = [{ op: "set", path: ["text"], value: "changed" }];
    for (const guards of [[yes, no], [no, yes], [no], [{ any: [no, no] }]]) {
      const written = await store.write(update(guards, edits));
      expect(written).toMatchObject({ ok: false, item: { text: "b" } });
    }
    expect(await store.get(project_id)).toEqual(before);
    for (const guards of [[yes, yes], [], [{ any: [no, yes] }]])
      expect((await store.write(update(guards, [{ op: "add", path: ["touched"], value: 1 }]))).ok).toBe(true);
  });

  it("edits mean what they mean in memory", async () => {
    const edits: Edit[] = [
      { op: "set", path: ["list", 1], value: { "": 1, constructor: 2 } },
      { op: "set", path: ["map", "a.b"], value: [1e20, -1e-100, 0.1 + 0.2, null, true, ""] },
      { op: "remove", path: ["map", "inner"] },
      { op: "remove", path: ["not there"] },
      { op: "default", path: ["number"], value: 9 },
      { op: "default", path: ["fresh"], value: "日本" },
      { op: "add", path: ["map", "deep", "number"], value: 0.5 },
      { op: "add", path: ["map", "deep", "none"], value: -2 },
      { op: "add", path: ["large"], value: 1 },
    ];
    await memory.write(update([], [{ op: "set", path: ["touched"], value: 0 }]));
    await engineStore().write(update([], [{ op: "set", path: ["touched"], value: 0 }]));
    const written = await engineStore().write(update([], edits));
    expect(written.item).toMatchObject({ map: { deep: { number: 5.5, none: -2 } } });
    const { large: ours, ...expected } = (await memory.write(update([], edits))).item ?? {};
    const { large: theirs, ...found } = written.item ?? {};
    expect(found).toEqual(expected);
    expect(theirs).toBeCloseTo(Number(ours), -6);
    expect(await engineStore().get(project_id)).toEqual(written.item);
  });
});
