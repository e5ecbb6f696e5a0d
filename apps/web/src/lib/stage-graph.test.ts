import { expect, test } from "vitest";
import { graphOf } from "./stage-graph.ts";

const named = (stages: Record<string, string[] | undefined>) =>
  Object.entries(stages).map(([stage, needs]) => ({ stage, needs }));

test("stages without needs are a chain", () => {
  const graph = graphOf(named({ a: undefined, b: undefined, c: undefined }));
  expect(graph).toEqual({
    columns: 3,
    rows: 1,
    places: [0, 1, 2].map((column) => ({ column, row: 0 })),
    after: [[], [0], [1]],
    lines: [
      [
        { column: 0, row: 0 },
        { column: 1, row: 0 },
      ],
      [
        { column: 1, row: 0 },
        { column: 2, row: 0 },
      ],
    ],
  });
});

test("stages that do not need each other stand below each other, between what they need and what needs them", () => {
  const stages = named({
    plan: [],
    code: ["plan"],
    docs: ["plan"],
    tests: ["plan", "code"],
    ship: undefined,
  });
  const graph = graphOf(stages);
  expect(graph.after).toEqual([[], [0], [0], [1], [2, 3]]);
  expect(graph.places.map(({ column }) => column)).toEqual([0, 1, 1, 2, 3]);
  // The line from docs to ship crosses the column of tests in a row of its own.
  const crossing = graph.lines.find((line) => line.length === 3);
  expect(crossing?.[1]?.column).toBe(2);
  expect(crossing?.[1]?.row).not.toBe(graph.places[3]?.row);
  expect(graph.rows).toBe(2);
});

test("a stage may come before those that it needs, and finally stages come after all others", () => {
  const graph = graphOf([
    { stage: "late", needs: ["early"] },
    { stage: "early", needs: [] },
    { stage: "beside", needs: [] },
    { stage: "clean", finally: true },
  ]);
  expect(graph.after).toEqual([[1], [], [], [0, 2]]);
  expect(graph.places.map(({ column }) => column)).toEqual([1, 0, 0, 2]);
});

test("no two stages or lines have the same place, however they need each other", () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const chance = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const stages = Array.from({ length: 12 }, (_, i) => ({
      stage: `s${i}`,
      needs: Array.from({ length: i }, (_, n) => `s${n}`).filter(() => chance() < 0.3),
    }));
    const { places, lines, rows, columns, after } = graphOf(stages);
    const crossings = lines.flatMap((line) => line.slice(1, -1));
    const taken = [...places, ...crossings].map(({ column, row }) => `${column} ${row}`);
    expect(new Set(taken).size, `seed ${seed}`).toBe(taken.length);
    expect(lines.length, `seed ${seed}`).toBe(after.flat().length);
    for (const line of lines)
      for (const [n, { column, row }] of line.entries()) {
        expect(column, `seed ${seed}`).toBe((line[0]?.column ?? 0) + n);
        expect(row >= 0 && row < rows && column < columns, `seed ${seed}`).toBe(true);
      }
  }
});
