import { describe, expect, it } from "vitest";
import { binsOf, type Day, type Figures, failingStages, slowestStages } from "./figures.ts";

const day = (i: number): Day => ({
  date: new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10),
  total: 4,
  completed: 1,
  failed: 1,
  cancelled: 1,
  open: 1,
  success_rate: 0.5,
  duration_seconds: null,
  stage_seconds: {},
  stage_failures: {},
  input_tokens: 10,
  output_tokens: 2,
  tool_calls: 1,
  cost_usd: 0.5,
  queue_seconds: null,
});
const days = (count: number) => Array.from({ length: count }, (_, i) => day(i));

describe("binsOf", () => {
  it("has a bar for each day as long as there is room", () => {
    const bins = binsOf(days(30));
    expect(bins).toHaveLength(30);
    expect(bins[0]).toMatchObject({ from: "2025-01-01", to: "2025-01-01", total: 4 });
  });

  it("joins days where there is none, and drops nothing", () => {
    const bins = binsOf(days(366), 60);
    expect(bins.length).toBeLessThanOrEqual(60);
    const sum = (of: (bin: (typeof bins)[number]) => number) => bins.reduce((all, bin) => all + of(bin), 0);
    expect([sum((bin) => bin.total), sum((bin) => bin.completed), sum((bin) => bin.input_tokens)]).toEqual([
      366 * 4,
      366,
      3660,
    ]);
    expect(bins.at(-1)).toMatchObject({ to: "2026-01-01", total: 28 });
  });

  it("has none for no days", () => {
    expect(binsOf([])).toEqual([]);
  });
});

it("slowestStages sorts by the median", () => {
  const figures: Figures = {
    ...day(0),
    stage_seconds: {
      a: { builds: 9, median: 1, total: 900 },
      b: { builds: 1, median: 30, total: 30 },
      c: { builds: 2, median: 5, total: 10 },
    },
  };
  expect(slowestStages(figures, 2).map(({ stage }) => stage)).toEqual(["b", "c"]);
});

it("failingStages sorts by failures and says their share", () => {
  const figures: Figures = { ...day(0), failed: 8, stage_failures: { a: 2, b: 5, c: 1 } };
  expect(failingStages(figures, 2)).toEqual([
    { stage: "b", failures: 5, share: 5 / 8 },
    { stage: "a", failures: 2, share: 1 / 4 },
  ]);
  expect(failingStages({ ...day(0), failed: 0 })).toEqual([]);
});
