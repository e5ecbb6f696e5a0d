import { expect, test } from "vitest";
import type { StagefoldClient } from "../../lib/api.ts";
import { doMatching } from "./matching.ts";

type Bulk = StagefoldClient["projects"]["bulk"];
type Page = Awaited<ReturnType<Bulk>>;

test("all pages are done under one operation, and what some refuse keeps no other", async () => {
  const pages: Page[] = [
    { matched: 2, done: 2, refused: [], next_cursor: "2" },
    {
      matched: 2,
      done: 1,
      refused: [{ project_id: "proj_000000000001", code: "PROJECT_CONFLICT", message: "moved on" }],
      next_cursor: "3",
    },
    { matched: 0, done: 0, refused: [], next_cursor: null },
  ];
  const asked: Parameters<Bulk>[0][] = [];
  const bulk: Bulk = (input) => {
    asked.push(input);
    return Promise.resolve(
      pages[asked.length - 1] ?? { matched: 0, done: 0, refused: [], next_cursor: null },
    );
  };
  const progress: number[] = [];
  const api = { projects: { bulk } as StagefoldClient["projects"] };
  const result = await doMatching(api, "pause", { status: "queued" }, (done) => progress.push(done));
  expect(result).toEqual({ done: 3, refused: 1, refusals: ["moved on"] });
  expect(progress).toEqual([2, 3, 3]);
  expect(asked.map(({ cursor, filter }) => [cursor, filter])).toEqual([
    [undefined, { status: "queued" }],
    ["2", { status: "queued" }],
    ["3", { status: "queued" }],
  ]);
  expect(new Set(asked.map(({ operation_id }) => operation_id)).size).toBe(1);
});
