import { expect, test } from "vitest";
import { differing, shortName, slotsOf } from "./workers.ts";

test("a worker's name says its host and process; a name of another form stays", () => {
  expect(shortName("worker-build-host-2-0a1b2c3d-4711-1795341234567-deadbeef")).toBe("build-host-2 · 4711");
  expect(shortName("my own worker")).toBe("my own worker");
});

test("pipelines that the workers define differently are named; one that only some have is no difference", () => {
  const pipelines = [
    { a: "1", b: "1" },
    { a: "1", b: "2" },
    { a: "1", c: "3" },
  ];
  expect(differing(pipelines.map((each) => ({ pipelines: each })))).toEqual(["b"]);
});

test("the slots of a worker that can run nothing are not counted", () => {
  const running = [{ project_id: "proj_000000000001" }];
  expect(
    slotsOf([
      { slots: 4, running },
      { slots: 4, running: [], not_ready: "no disk" },
    ]),
  ).toEqual({ used: 1, all: 4 });
});
