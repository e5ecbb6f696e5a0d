import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { history, moves } from "../../test/histories.ts";
import { type Project, projectSchema } from "../snapshot/schema.ts";
import { aProject } from "../testing/builders.ts";
import { apply, valueAt } from "./apply.ts";
import { difference } from "./difference.ts";
import type { Edit, Item, UpdatePatch } from "./patch.ts";

const runs = SOAK ? 2000 : 150;

function patchOf(project: Project, edits: readonly Edit[]): UpdatePatch {
  return { kind: "update", transition: "report", project_id: project.project_id, guards: [], edits };
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}

/** As it would be read back: fields that are undefined are not there. */
const stored = (project: Project): unknown => JSON.parse(JSON.stringify(project));

function leads(before: Project, after: Project): void {
  const edits = difference(frozen(before), frozen(after));
  const copy = structuredClone(before);
  const applied = apply(before, patchOf(before, edits));
  expect(applied).toEqual({ ok: true, item: stored(after) });
  expect(before).toEqual(copy);
}

describe("the difference of two projects", () => {
  it("leads from each state of a history to the next", () => {
    let changed = 0;
    const property = fc.property(moves, (given) => {
      const all = history(given);
      for (const [i, after] of all.entries()) {
        const before = all[i - 1];
        expect(projectSchema.parse(after)).toEqual(after);
        if (!before) continue;
        leads(before, after);
        if (before !== after) changed += 1;
      }
    });
    fc.assert(property, { numRuns: runs });
    // The histories go somewhere.
    expect(changed).toBeGreaterThan(runs * 2);
  });

  it("leads from any state of a history to any other", () => {
    const property = fc.property(moves, fc.nat(), fc.nat(), (given, from, to) => {
      const all = history(given);
      const [before, after] = [all[from % all.length], all[to % all.length]];
      if (before && after) leads(before, after);
    });
    fc.assert(property, { numRuns: runs });
  });

  it("is nothing between a project and itself, however it was read", () => {
    const project = aProject();
    expect(difference(project, project)).toEqual([]);
    expect(difference(project, structuredClone(project))).toEqual([]);
  });

  it("never has two edits of which one is within the other: DynamoDB refuses those", () => {
    const property = fc.property(moves, (given) => {
      const all = history(given);
      const [before, after] = [all[0], all.at(-1)];
      if (!before || !after) return;
      const paths = difference(before, after).map((edit) => `${edit.path.join("\n")}\n`);
      for (const [i, one] of paths.entries())
        expect(paths.some((other, j) => i !== j && other.startsWith(one))).toBe(false);
    });
    fc.assert(property, { numRuns: runs });
  });
});

describe("apply", () => {
  const project = aProject();
  const editing = (edits: readonly Edit[], item: Item = frozen(project)) =>
    apply(item, patchOf(project, edits));

  it("lets every edit see the item as it was before the patch", () => {
    const applied = editing([
      { op: "set", path: ["revision"], value: 10 },
      { op: "add", path: ["revision"], value: 1 },
      { op: "default", path: ["started_at"], value: "a" },
      { op: "default", path: ["created_at"], value: "b" },
      { op: "add", path: ["fresh_number"], value: 2 },
      { op: "remove", path: ["not there"] },
    ]);
    expect(applied).toMatchObject({
      item: { revision: 2, started_at: "a", created_at: project.created_at, fresh_number: 2 },
    });
  });

  it.each([
    ["a parent that is missing", { op: "set", path: ["nowhere", "a"], value: 1 }],
    ["a parent that is text", { op: "set", path: ["status", "a"], value: 1 }],
    ["a place beyond a list's end", { op: "set", path: ["stages_snapshot", "stages", 3], value: 1 }],
    ["a list under a name", { op: "set", path: ["stages_snapshot", "stages", "a"], value: 1 }],
    ["a list element's removal", { op: "remove", path: ["stages_snapshot", "stages", 0] }],
    ["a sum with text", { op: "add", path: ["status"], value: 1 }],
  ] as const)("throws for %s, as the store would", (_name, edit) => {
    expect(() => editing([edit])).toThrow(TypeError);
  });

  it("reaches into no prototype", () => {
    expect(valueAt(project, ["constructor", "name"])).toBeUndefined();
    expect(valueAt(project, ["stages_snapshot", "stages", "length"])).toBeUndefined();
    expect(valueAt({}, ["__proto__", "x"])).toBeUndefined();
    expect(() => editing([{ op: "set", path: ["constructor", "x"], value: 1 }])).toThrow(TypeError);
    expect(() => editing([{ op: "set", path: ["__proto__", "polluted"], value: 1 }])).toThrow(TypeError);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});
