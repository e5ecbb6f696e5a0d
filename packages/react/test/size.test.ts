import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

const MAX_BYTES = 5 * 1024;

async function gzipped(external: RegExp): Promise<number> {
  const input = join(import.meta.dirname, "../src/index.ts");
  const bundle = await rolldown({
    input,
    external,
    resolve: { conditionNames: ["@stagefold/source", "import"] },
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  return gzipSync(output[0].code).length;
}

test(`the hooks weigh at most ${MAX_BYTES} bytes, compressed, without React and the client`, async () => {
  expect(await gzipped(/^react|^@stagefold\/client$/)).toBeLessThan(MAX_BYTES);
});

test("with the client it is less than twice that", async () => {
  const bytes = await gzipped(/^react/);
  expect(bytes).toBeGreaterThan(MAX_BYTES / 2);
  expect(bytes).toBeLessThan(2 * MAX_BYTES);
});
