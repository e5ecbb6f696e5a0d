import { join } from "node:path";
import { type Item, normalise, type Stage } from "@stagefold/core";
import { createFileStores } from "@stagefold/core/files";
import { beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { ChosenFaults } from "../net/faults.ts";
import type { Write } from "../net/journal.ts";
import { openWorld } from "../world/world.ts";
import { collect, compare, type Evidence } from "./audit.ts";
import { type FindingKind, report } from "./finding.ts";
import { nameOf } from "./observe.ts";
import { checkSteps } from "./steps.ts";

// A real worker runs three builds without any fault, one of them with stages at once; then one thing of what was seen is changed.
let clean: Evidence;

beforeAll(async () => {
  await using world = await openWorld({ engine: "dynalite", workers: 1, faults: new ChosenFaults() });
  for (const n of [2, 8, 9]) {
    const id = await world.driver.create(n);
    await until("the build to be completed", async () => {
      const { status } = await world.direct.get(id);
      if (status === "waiting") await world.driver.answer(id);
      return status === "completed" ? true : undefined;
    });
  }
  await world.drained();
  clean = await collect(world, createFileStores(join(world.root, "files")));
});

const ALL = nameOf("projects", {});

function withRows(evidence: Evidence, index: string, change: (rows: readonly Item[]) => Item[]): Evidence {
  const rows = new Map(evidence.observation.rows);
  rows.set(index, change(rows.get(index) ?? []));
  return { ...evidence, observation: { ...evidence.observation, rows } };
}

function withList(evidence: Evidence, change: (ids: readonly string[]) => string[]): Evidence {
  const lists = new Map(evidence.observation.lists);
  lists.set(ALL, change(lists.get(ALL) ?? []));
  return { ...evidence, observation: { ...evidence.observation, lists } };
}

type Stages = Evidence["stages"] extends ReadonlyMap<string, infer One> ? One : never;

function withStages(evidence: Evidence, change: (one: Stages) => Stages): Evidence {
  return { ...evidence, stages: new Map([...evidence.stages].map(([id, one]) => [id, change(one)])) };
}

/** Changes the item that the n-th visible write left; from the end for negative numbers. */
function withWrite(evidence: Evidence, n: number, change: (item: Item) => Item): Evidence {
  const histories = evidence.histories.map((history) => {
    const target = history.writes.filter(({ visible }) => visible).at(n);
    const changed = (write: Write) =>
      write === target && write.item ? { ...write, item: change(write.item) } : write;
    return { ...history, writes: history.writes.map(changed) };
  });
  return { ...evidence, histories };
}

function withAnswers(evidence: Evidence, change: (by: string) => string[]): Evidence {
  const answers = new Map([...evidence.answers].map(([id, [by = ""]]) => [id, change(by)]));
  return { ...evidence, answers };
}

function withRun(one: Stages, change: (runs: readonly string[]) => readonly string[]): Stages {
  return { ...one, runs: change(one.runs) };
}

const CHANGES: readonly [string, FindingKind, (evidence: Evidence) => Evidence][] = [
  ["a lost row", "list misses", (e) => withRows(e, "StatusIndex", (rows) => rows.slice(1))],
  ["a lost row", "list misses", (e) => withRows(e, "AgentIndex", (rows) => rows.slice(1))],
  ["a row twice", "list has too much", (e) => withRows(e, "UserIndex", (rows) => [...rows, ...rows])],
  [
    "an outdated row",
    "list has too much",
    (e) => withRows(e, "StatusIndex", (rows) => rows.map((row) => ({ ...row, status: "building" }))),
  ],
  [
    "an orphaned row",
    "list has too much",
    (e) => withRows(e, "WorkIndex", (rows) => [...rows, { project_id: "proj_000000000000" }]),
  ],
  ["a project not listed", "list misses", (e) => withList(e, (ids) => ids.slice(1))],
  ["a project listed twice", "list has too much", (e) => withList(e, (ids) => [...ids, ...ids])],
  ["a list in another order", "inconsistent", (e) => withList(e, (ids) => ids.toReversed())],
  ["a stage that never ran", "stage not run", (e) => withStages(e, (one) => withRun(one, () => []))],
  [
    "an attempt that ran twice",
    "stage run twice",
    (e) => withStages(e, (one) => withRun(one, (runs) => [...runs, ...runs])),
  ],
  ["another answer than was told", "answer lost", (e) => withAnswers(e, (by) => [`${by} not`])],
  ["two who were told that theirs counts", "answer doubled", (e) => withAnswers(e, (by) => [by, "another"])],
  ["lost bytes", "artifact", (e) => withStages(e, (one) => ({ ...one, artifacts: new Map() }))],
  [
    "bytes of another attempt",
    "artifact",
    (e) =>
      withStages(e, (one) => ({
        ...one,
        artifacts: new Map([...one.artifacts].map(([path, text]) => [path, `${text}.`])),
      })),
  ],
  [
    "lost lines",
    "log",
    (e) =>
      withStages(e, (one) => ({
        ...one,
        logs: new Map([...one.logs].map(([key, l]) => [key, l.slice(1)])),
      })),
  ],
  [
    "lines twice",
    "log",
    (e) =>
      withStages(e, (one) => ({
        ...one,
        logs: new Map([...one.logs].map(([key, l]) => [key, [...l, ...l]])),
      })),
  ],
  ["a lower token", "token fell", (e) => withWrite(e, -2, (item) => ({ ...item, lease_token: 1 }))],
  ["a number used twice", "sequence broken", (e) => withWrite(e, -2, (item) => ({ ...item, lease_seq: 1 }))],
  ["a revision made twice", "doubled write", (e) => withWrite(e, -1, (item) => ({ ...item, revision: 2 }))],
  [
    "a build that ended and continues",
    "transition not allowed",
    (e) => withWrite(e, 2, (item) => ({ ...item, status: "completed" })),
  ],
  [
    "progress that falls",
    "progress fell",
    (e) => withWrite(e, -2, (i) => ({ ...i, progress_percentage: 1 })),
  ],
  [
    "a finished stage that changes",
    "outcome changed",
    (e) => withWrite(e, -2, (item) => ({ ...item, stages_snapshot: reopened(item.stages_snapshot) })),
  ],
  [
    "a stage that began before what it needs",
    "out of order",
    (e) => withWrite(e, -2, (item) => withStage(item, "prepare", { status: "pending" })),
  ],
  [
    "a stage that did not begin beside another",
    "out of order",
    (e) => withWrite(e, -2, (item) => withStage(item, "flaky", { status: "pending", attempt: 0 })),
  ],
  ["a last write that is not stored", "lost write", (e) => withWrite(e, -1, (i) => ({ ...i, tags: ["x"] }))],
];

function withStage(item: Item, key: string, change: Partial<Stage>): Item {
  const { stages_snapshot } = normalise(item);
  const stages = stages_snapshot.stages.map((one) => (one.stage === key ? { ...one, ...change } : one));
  return { ...item, stages_snapshot: { ...stages_snapshot, stages } };
}

function reopened(snapshot: unknown): unknown {
  const text = JSON.stringify(snapshot).replace('"status":"completed"', '"status":"skipped"');
  return JSON.parse(text);
}

/** A stage that ran again and again, of whose outcomes these are kept. */
function withOutcomesOf(item: Item, attempts: readonly number[]): Item {
  const history = attempts.map((attempt) => ({ attempt, status: "failed", code: "WORKER_LOST" }) as const);
  return withStage(item, "flaky", { status: "running", attempt: 30, history });
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("the comparison", () => {
  test("finds nothing where nothing went wrong", () => {
    expect(report(compare(clean))).toEqual([]);
    expect(clean.stages.size).toBe(3);
    expect(clean.histories.map(({ writes }) => writes.length).every((count) => count >= 6)).toBe(true);
  });

  test.each(CHANGES)("finds %s: %s", (_, kind, change) => {
    expect(compare(change(clean)).map(({ what }) => what)).toContain(kind);
  });

  test.each([
    ["the oldest of a full history", numbers(1, 20), numbers(3, 22), 0],
    ["the oldest of one that is not full", numbers(1, 5), numbers(2, 5), 1],
    ["another than the oldest", numbers(1, 20), [...numbers(1, 9), ...numbers(11, 21)], 1],
  ])("of outcomes that are gone (%s) finds what was lost", (_, before, after, found) => {
    const item = clean.histories[0]?.stored ?? expect.fail("no build");
    const steps = [before, after].map((attempts) => ({
      item: withOutcomesOf(item, attempts),
      seq: undefined,
    }));
    const lost = checkSteps("a build", steps).filter(({ what }) => what === "outcome changed");
    expect(lost).toHaveLength(found);
  });
});
