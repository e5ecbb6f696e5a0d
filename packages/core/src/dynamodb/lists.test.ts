import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { listRow } from "../legacy/summary.ts";
import type { Item } from "../patch/index.ts";
import type { ListQuery } from "../ports/project-store.ts";
import { PROJECT_STATUSES } from "../snapshot/schema.ts";
import { aProject } from "../testing/builders.ts";
import { readList } from "./lists.ts";
import { recordQuery } from "./record-store.ts";

const DAY = "2026-01-01T";

function build(n: number, given: object = {}): Item {
  const at = `${DAY}00:${String(n).padStart(2, "0")}:00.000Z`;
  const project_id = `proj_${n.toString(16).padStart(12, "0")}`;
  return { ...aProject({ project_id, user_id: "u" }, at), ...given };
}

/** The indexes of some items as DynamoDB answers from them: pages end at their limit, or where `cut` says so. */
function indexes(items: Item[], cut = Number.POSITIVE_INFINITY) {
  const asked: QueryCommandInput[] = [];
  return {
    items,
    asked,
    query: async (input: QueryCommandInput) => {
      asked.push(input);
      const hash = input.ExpressionAttributeNames?.["#hash"] ?? "";
      const rows = items
        .filter((item) => item[hash] === input.ExpressionAttributeValues?.[":hash"])
        .map(listRow)
        .sort((a, b) => (String(a.created_at) < String(b.created_at) ? 1 : -1));
      const after = input.ExclusiveStartKey;
      const rest = after ? rows.filter((row) => String(row.created_at) < after.created_at) : rows;
      const page = rest.slice(0, Math.min(input.Limit ?? 1000, cut));
      return { items: page, more: page.length < rest.length };
    },
  };
}

async function allPages(reads: ReturnType<typeof indexes>, query: Omit<ListQuery, "cursor">) {
  const pages: string[][] = [];
  for (let cursor: string | undefined; ; ) {
    const found = async (ids: readonly string[]) =>
      reads.items.filter(({ project_id }) => ids.includes(String(project_id)));
    const page = await readList("t", { ...query, cursor }, { query: reads.query, items: found });
    pages.push(page.items.map((row) => String(row.project_id)));
    cursor = page.next;
    if (cursor === undefined) return pages;
  }
}

const idsOf = (items: readonly Item[]) => items.map(({ project_id }) => String(project_id));

describe("a list over all states", () => {
  // Builds of one state are newer than those of another, so that a merge which does not wait for rows skips some.
  const items = Array.from({ length: 20 }, (_, n) =>
    build(59 - n, { status: ["queued", "building", "completed"][n < 8 ? 0 : n % 3] }),
  );

  it.each([1, 2, 3, 7])(
    "L1: has all projects, each once and newest first, where pages are cut at %i",
    async (cut) => {
      for (const limit of [1, 3, 5, 20, 50]) {
        const pages = await allPages(indexes(items, cut), { limit });
        expect(pages.flat(), `${limit} at once`).toEqual(idsOf(items));
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      }
    },
  );

  it("asks each state once for a first page that is not cut", async () => {
    const reads = indexes(items);
    await readList("t", { limit: 5 }, { query: reads.query, items: async () => [] });
    expect(reads.asked).toHaveLength(PROJECT_STATUSES.length);
  });

  it("ends a page in time where a filter passes few, and continues behind it", async () => {
    const many = Array.from({ length: 50 }, (_, n) =>
      Array.from({ length: 60 }, (_, m) => {
        const at = `${DAY}${String(n % 24).padStart(2, "0")}:${String(m).padStart(2, "0")}:${String(n).padStart(2, "0")}.000Z`;
        return {
          ...build(0),
          project_id: `proj_${(n * 60 + m).toString(16).padStart(12, "0")}`,
          created_at: at,
        };
      }),
    ).flat();
    const [oldest] = [...many].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
    const tagged = many.map((item) => (item === oldest ? { ...item, tags: ["wanted"] } : item));
    const pages = await allPages(indexes(tagged), { limit: 5, tag: "wanted" });
    expect(pages).toEqual([[], [oldest?.project_id]]);
  });
});

describe("a build that changes its state while the partitions are read", () => {
  it("is listed once, as its item is by then", async () => {
    const [queued, other] = [build(5, { status: "queued" }), build(4, { status: "building" })];
    const reads = indexes([queued, other, { ...queued, status: "cancelled" }]);
    // By now it has been retried: neither row is the latest.
    const now = { ...queued, status: "building", run: 2 };
    const page = await readList("t", { limit: 10 }, { query: reads.query, items: async () => [now] });
    expect(page.items.map(({ project_id, status }) => [project_id, status])).toEqual([
      [queued.project_id, "building"],
      [other.project_id, "building"],
    ]);
    const ofQueue = { limit: 10, tag: undefined, text: "proj", status: "pending" } as const;
    const none = await readList("t", ofQueue, { query: reads.query, items: async () => [now] });
    expect(none.items).toEqual([]);
  });

  it("is not listed if it was deleted meanwhile", async () => {
    const queued = build(5, { status: "queued" });
    const reads = indexes([queued, { ...queued, status: "cancelled" }]);
    const page = await readList("t", { limit: 10 }, { query: reads.query, items: async () => [] });
    expect(page.items).toEqual([]);
  });

  it.each([1, 2, 3])("is on the page it was on, with %i to a page", async (limit) => {
    const items = Array.from({ length: 8 }, (_, n) =>
      build(50 - (n >> 1), { status: "queued", project_id: `proj_00000000000${n}` }),
    );
    const expected = idsOf(items);
    const found: string[] = [];
    let reads = indexes(items);
    for (let cursor: string | undefined; ; ) {
      const page = await readList("t", { limit, cursor }, { query: byTime(reads), items: async () => [] });
      const ids = idsOf(page.items);
      found.push(...ids);
      reads = indexes(
        reads.items.map((item) =>
          ids.includes(String(item.project_id)) ? { ...item, status: "failed" } : item,
        ),
      );
      cursor = page.next;
      if (cursor === undefined) break;
    }
    expect([...found].sort()).toEqual(expected);
  });
});

/** Rows of one millisecond go on behind the one of the given id. */
function byTime(reads: ReturnType<typeof indexes>) {
  return async (input: QueryCommandInput) => {
    const { ExclusiveStartKey: after, ...rest } = input;
    const { items } = await reads.query({ ...rest, Limit: 1000 });
    const sorted = [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1));
    const behind = after ? sorted.filter((row) => keyOf(row) < keyOf(after)) : sorted;
    const page = behind.slice(0, input.Limit);
    return { items: page, more: page.length < behind.length };
  };
}

function keyOf(row: Item): string {
  return `${row.created_at} ${row.project_id}`;
}

it("a made-up place whose keys are empty or longer than a key may be is refused before DynamoDB fails over it", async () => {
  const reads = indexes([build(1)]);
  const at = build(2).created_at;
  const long = "€".repeat(342);
  for (const position of [
    [long, "p"],
    [at, ""],
    [at, long.repeat(2)],
  ]) {
    const cursor = JSON.stringify({ taken: { u: position }, at, seen: [] });
    const page = readList(
      "t",
      { user_id: "u", limit: 1, cursor },
      { query: reads.query, items: async () => [] },
    );
    await expect(page).rejects.toMatchObject({ code: "INVALID_INPUT" });
    const record = () =>
      recordQuery("t", { pk: "p", limit: 1, cursor: JSON.stringify([position[0], position[1], "s"]) });
    expect(record).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  }
  expect(reads.asked).toEqual([]);
});
