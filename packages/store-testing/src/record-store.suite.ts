import type { Item, RecordPatch, RecordQuery, RecordStore } from "@stagefold/core";
import { describe, expect, it } from "vitest";

const REFUSED_CURSOR = { code: "INVALID_INPUT", data: { issues: ["cursor"] } };

/** What every record store must do. Each test works on partitions of its own. */
export function recordStoreSuite(name: string, getStore: () => RecordStore): void {
  const partition = () => `test#${crypto.randomUUID()}`;
  const put = (pk: string, sk: string, fields: object = {}): RecordPatch => ({
    kind: "put",
    pk,
    sk,
    guards: [],
    item: { pk, sk, ...fields },
  });
  const sks = (items: readonly Item[]) => items.map(({ sk }) => sk);

  async function allPages(query: Omit<RecordQuery, "cursor">): Promise<Item[]> {
    const found: Item[] = [];
    for (let cursor: string | undefined; ; ) {
      const { items, next } = await getStore().query({ ...query, cursor });
      expect(items.length).toBeLessThanOrEqual(query.limit);
      found.push(...items);
      if (next === undefined) return found;
      cursor = next;
    }
  }

  describe(`record store: ${name}`, () => {
    it("puts what is absent, and nothing in place of what is there", async () => {
      const pk = partition();
      const item = { pk, sk: "a", count: 1, map: { list: [1, "文", null, { deep: true }] } };
      const first = await getStore().write({ kind: "put", pk, sk: "a", guards: [], item });
      expect(first).toEqual({ ok: true, item });
      expect(await getStore().write(put(pk, "a", { count: 2 }))).toEqual({ ok: false, item });
      expect(await getStore().get({ pk, sk: "a" })).toEqual(item);
      expect(await getStore().get({ pk, sk: "b" })).toBeUndefined();
    });

    it("updates under guards, and answers with the item after it or, refused, now", async () => {
      const pk = partition();
      await getStore().write(put(pk, "a", { version: 1, inner: { x: 1 }, gone: "soon" }));
      const update: RecordPatch = {
        kind: "update",
        pk,
        sk: "a",
        guards: [{ path: ["version"], is: "equals", value: 1 }],
        edits: [
          { op: "add", path: ["version"], value: 1 },
          { op: "set", path: ["inner", "y"], value: [2] },
          { op: "default", path: ["inner", "x"], value: 9 },
          { op: "remove", path: ["gone"] },
        ],
      };
      const after = { pk, sk: "a", version: 2, inner: { x: 1, y: [2] } };
      expect(await getStore().write(update)).toEqual({ ok: true, item: after });
      expect(await getStore().write(update)).toEqual({ ok: false, item: after });
      expect(await getStore().get({ pk, sk: "a" })).toEqual(after);
    });

    it("updates and deletes nothing that is not there", async () => {
      const pk = partition();
      const edits = [{ op: "set", path: ["a"], value: 1 }] as const;
      const absent = { ok: false, item: undefined };
      expect(await getStore().write({ kind: "update", pk, sk: "a", guards: [], edits })).toEqual(absent);
      expect(await getStore().write({ kind: "delete", pk, sk: "a", guards: [] })).toEqual(absent);
      expect(await getStore().get({ pk, sk: "a" })).toBeUndefined();
    });

    it("deletes under guards, and answers with what it deleted", async () => {
      const pk = partition();
      await getStore().write(put(pk, "a", { owner: "ann" }));
      const remove = (owner: string): RecordPatch => ({
        kind: "delete",
        pk,
        sk: "a",
        guards: [{ path: ["owner"], is: "equals", value: owner }],
      });
      const item = { pk, sk: "a", owner: "ann" };
      expect(await getStore().write(remove("bob"))).toEqual({ ok: false, item });
      expect(await getStore().write(remove("ann"))).toEqual({ ok: true, item });
      expect(await getStore().get({ pk, sk: "a" })).toBeUndefined();
    });

    it("lets one of many writers win", async () => {
      const pk = partition();
      const puts = Array.from({ length: 8 }, (_, n) => getStore().write(put(pk, "a", { n })));
      const written = await Promise.all(puts);
      expect(written.filter(({ ok }) => ok)).toHaveLength(1);
      const item = await getStore().get({ pk, sk: "a" });
      for (const one of written) expect(one.item).toEqual(item);
    });

    it("answers a partition in the order of its sort keys, from and to included, page by page", async () => {
      const [pk, other] = [partition(), partition()];
      const keys = ["a#1", "a#2", "a#3", "b#1", "b#2", "ü", "文", "\u{1F600}"];
      for (const sk of [...keys].reverse()) await getStore().write(put(pk, sk));
      await getStore().write(put(other, "a#1"));
      for (const limit of [1, 3, 8, 100]) {
        expect(sks(await allPages({ pk, limit }))).toEqual(keys);
        expect(sks(await allPages({ pk, limit, newestFirst: true }))).toEqual([...keys].reverse());
        expect(sks(await allPages({ pk, limit, from: "a#2", to: "b#1" }))).toEqual(["a#2", "a#3", "b#1"]);
        expect(sks(await allPages({ pk, limit, from: "b#2" }))).toEqual(keys.slice(4));
        expect(sks(await allPages({ pk, limit, to: "a#2", newestFirst: true }))).toEqual(["a#2", "a#1"]);
      }
      expect(await getStore().query({ pk, limit: 3, from: "b", to: "a" })).toEqual({
        items: [],
        next: undefined,
      });
      expect(await getStore().query({ pk: partition(), limit: 3 })).toEqual({ items: [], next: undefined });
    });

    it("continues behind an item that was deleted meanwhile", async () => {
      const pk = partition();
      for (const sk of ["a", "b", "c", "d"]) await getStore().write(put(pk, sk));
      const found: unknown[] = [];
      for (let cursor: string | undefined; ; ) {
        const { items, next } = await getStore().query({ pk, limit: 2, cursor });
        found.push(...sks(items));
        // The place that the cursor names is gone.
        if (found.includes("b")) await getStore().write({ kind: "delete", pk, sk: "b", guards: [] });
        if (next === undefined) break;
        cursor = next;
      }
      expect(found).toEqual(["a", "b", "c", "d"]);
    });

    it("finds items by each index, by their keys and what is listed alone, and none without both keys", async () => {
      const pk = partition();
      const [one, two] = [partition(), partition()];
      const fields = { secret: "s", listed: { name: "shown" } };
      await getStore().write(
        put(pk, "a", { gsi1_pk: one, gsi1_sk: "2", gsi2_pk: two, gsi2_sk: "x", ...fields }),
      );
      await getStore().write(put(pk, "b", { gsi1_pk: one, gsi1_sk: "1", ...fields }));
      await getStore().write(put(pk, "c", { gsi1_pk: one, ...fields }));
      await getStore().write(put(pk, "d", fields));
      const listed = { name: "shown" };
      expect(await allPages({ index: "gsi1", pk: one, limit: 1 })).toEqual([
        { pk, sk: "b", gsi1_pk: one, gsi1_sk: "1", listed },
        { pk, sk: "a", gsi1_pk: one, gsi1_sk: "2", listed },
      ]);
      expect(await allPages({ index: "gsi2", pk: two, limit: 5 })).toEqual([
        { pk, sk: "a", gsi2_pk: two, gsi2_sk: "x", listed },
      ]);
      const unlist = [{ op: "remove", path: ["gsi1_sk"] }] as const;
      await getStore().write({ kind: "update", pk, sk: "a", guards: [], edits: unlist });
      expect(sks(await allPages({ index: "gsi1", pk: one, limit: 5 }))).toEqual(["b"]);
    });

    it("pages through items that have the same sort key in an index", async () => {
      const [pk, hash] = [partition(), partition()];
      const keys = Array.from({ length: 7 }, (_, n) => `k${n}`);
      for (const sk of keys) await getStore().write(put(pk, sk, { gsi1_pk: hash, gsi1_sk: "same" }));
      for (const newestFirst of [false, true]) {
        const found = sks(await allPages({ index: "gsi1", pk: hash, limit: 2, newestFirst }));
        expect([...found].sort()).toEqual(keys);
      }
    });

    it("refuses a cursor that it did not give", async () => {
      const pk = partition();
      for (const cursor of ["nonsense", "{}", "[]", '["a"]', "null", '["a","b",3]'])
        await expect(getStore().query({ pk, limit: 1, cursor }), cursor).rejects.toMatchObject(
          REFUSED_CURSOR,
        );
    });
  });
}
