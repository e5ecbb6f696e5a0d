import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Buckets } from "./buckets.ts";

it.each([
  ["few", 50, 20],
  ["more than one file is read at once of", 600, 100_000],
])("groups %s rows by project, each once and in order", async (_name, count, length) => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-buckets-"));
  try {
    const buckets = await Buckets.open(join(folder, "rows"));
    // Ids of an old table may be anything; one has very many rows.
    const idOf = (n: number) => (n % 2 === 0 ? "the one\twith tabs\n" : `p${n % 7}`);
    for (let n = 0; n < count; n++)
      await buckets.add(idOf(n), {
        origin: { source: `s${n % 3}`, line: n },
        text: `${n}\t${"x".repeat(length)}`,
      });
    const seen = new Map<string, number[]>();
    for await (const groups of buckets.groups())
      for (const [id, rows] of groups) {
        expect(seen.has(id)).toBe(false);
        seen.set(
          id,
          rows.map(({ origin, text }) => {
            expect(origin.source).toBe(`s${origin.line % 3}`);
            expect(text).toBe(`${origin.line}\t${"x".repeat(length)}`);
            return origin.line;
          }),
        );
      }
    const expected = new Map<string, number[]>();
    for (let n = 0; n < count; n++) expected.set(idOf(n), [...(expected.get(idOf(n)) ?? []), n]);
    expect(seen).toEqual(expected);
    await buckets.remove();
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
