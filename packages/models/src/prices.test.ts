import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { costOf, DEFAULT_PRICES, PricesError, priceOf, readPrices } from "./prices.ts";

/** Its path. */
async function priceFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "prices-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "prices.json");
  await writeFile(path, text);
  return path;
}

const usage = (input_tokens: number, output_tokens: number, cached_tokens = 0, cache_write_tokens = 0) => ({
  input_tokens,
  output_tokens,
  cached_tokens,
  cache_write_tokens,
});

test.each([
  ["claude-sonnet-4-5", 3],
  ["claude-sonnet-4-5-20250929", 3],
  ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3],
  ["anthropic/claude-opus-4-1", 15],
  ["openai/gpt-4.1-mini", 0.4],
  ["gpt-4o-2024-08-06", 2.5],
  ["amazon.nova-pro-v1:0", 0.8],
  ["claude-3-5-haiku-latest", 0.8],
])("%s has the price of its family", (model, input) => {
  expect(priceOf(DEFAULT_PRICES, model)?.input).toBe(input);
});

test.each(["gpt-5.9", "claude-opus-4-99", "llama3", "constructor", "my-gpt-4o-mini-clone"])(
  "%s has no price, and so no cost rather than none",
  (model) => {
    expect(costOf(priceOf(DEFAULT_PRICES, model), usage(1000, 1000))).toBeNull();
  },
);

test("what was cached costs less, what was written to the cache more", () => {
  const price = DEFAULT_PRICES.models["claude-sonnet-4-5"];
  expect(costOf(price, usage(1_000_000, 100_000))).toBe(4.5);
  expect(costOf(price, usage(1_000_000, 0, 1_000_000))).toBe(0.3);
  expect(costOf(price, usage(1_000_000, 0, 0, 1_000_000))).toBe(3.75);
});

test("a file adds to the shipped prices and replaces them", async () => {
  const models = { "gpt-4o": { input: 1, output: 2 }, "my-model": { input: 0, output: 0 } };
  const path = await priceFile(JSON.stringify({ date: "2026-11-01", models }));
  const prices = await readPrices(path);
  expect(prices.date).toBe("2026-11-01");
  expect(priceOf(prices, "gpt-4o")?.input).toBe(1);
  expect(costOf(priceOf(prices, "my-model"), usage(1000, 1000))).toBe(0);
  expect(priceOf(prices, "claude-haiku-4-5")?.input).toBe(1);
});

test.each([
  ["{", "cannot be read"],
  ["{}", "date"],
  ['{"date": "2026-11-01", "models": {"a": {"input": -1, "output": 1}}}', "models.a.input"],
  ['{"date": "2026-11-01", "models": {"a": {"input": 1, "output": 1, "per": 1}}}', "models.a"],
])("a wrong file %s is refused with the place", async (text, place) => {
  const path = await priceFile(text);
  await expect(readPrices(path)).rejects.toThrow(PricesError);
  await expect(readPrices(path)).rejects.toThrow(place);
});
