import { readFile } from "node:fs/promises";
import { z } from "zod";

/** USD for a million tokens. `cached` and `cache_write` are the input price unless given. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly cached?: number | undefined;
  readonly cache_write?: number | undefined;
}

/** `date` is when the prices were looked up; `models` is by the model's name without region, vendor and date. */
export interface PriceTable {
  readonly date: string;
  readonly models: Readonly<Record<string, ModelPrice>>;
}

/** What is billed at the input price is `input_tokens - cached_tokens - cache_write_tokens`. */
export interface TokenUsage {
  /** All of the input, cached or not. */
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
}

export const NO_TOKENS: TokenUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cached_tokens: 0,
  cache_write_tokens: 0,
};

export function addTokens(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cached_tokens: a.cached_tokens + b.cached_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
  };
}

const claude = (input: number): ModelPrice => ({
  input,
  output: input * 5,
  cached: input / 10,
  cache_write: input * 1.25,
});
const openai = (input: number, cached: number, output: number): ModelPrice => ({ input, cached, output });

/** List prices of the providers. A file named by STAGEFOLD_MODEL_PRICES adds to them and replaces them. */
export const DEFAULT_PRICES: PriceTable = {
  date: "2026-06-30",
  models: {
    "claude-opus-4-8": claude(5),
    "claude-opus-4-7": claude(5),
    "claude-opus-4-6": claude(5),
    "claude-opus-4-5": claude(5),
    "claude-opus-4-1": claude(15),
    "claude-opus-4": claude(15),
    "claude-sonnet-4-6": claude(3),
    "claude-sonnet-4-5": claude(3),
    "claude-sonnet-4": claude(3),
    "claude-3-7-sonnet": claude(3),
    "claude-haiku-4-5": claude(1),
    "claude-3-5-haiku": claude(0.8),
    "gpt-5.2": openai(1.75, 0.175, 14),
    "gpt-5.1": openai(1.25, 0.125, 10),
    "gpt-5": openai(1.25, 0.125, 10),
    "gpt-5-mini": openai(0.25, 0.025, 2),
    "gpt-5-nano": openai(0.05, 0.005, 0.4),
    "gpt-4.1": openai(2, 0.5, 8),
    "gpt-4.1-mini": openai(0.4, 0.1, 1.6),
    "gpt-4.1-nano": openai(0.1, 0.025, 0.4),
    "gpt-4o": openai(2.5, 1.25, 10),
    "gpt-4o-mini": openai(0.15, 0.075, 0.6),
    "nova-2-lite": openai(0.3, 0.075, 2.5),
    "nova-pro": openai(0.8, 0.2, 3.2),
    "nova-lite": openai(0.06, 0.015, 0.24),
    "nova-micro": openai(0.035, 0.00875, 0.14),
  },
};

const usd = z.number().min(0).max(1_000_000);
const fileSchema = z.strictObject({
  date: z.iso.date(),
  models: z.record(
    z.string().min(1),
    z.strictObject({ input: usd, output: usd, cached: usd.optional(), cache_write: usd.optional() }),
  ),
});

/** Why a file of prices cannot be used, as a sentence that names the file. */
export class PricesError extends Error {
  override readonly name = "PricesError";
}

/**
 * The shipped prices with those of a JSON file over them: `{ "date": "2026-06-30", "models": { "gpt-5": { "input": 1.25,
 * "output": 10, "cached": 0.125, "cache_write": 1.25 } } }`, in USD for a million tokens. Errors: PricesError.
 */
export async function readPrices(path: string | undefined): Promise<PriceTable> {
  if (path === undefined) return DEFAULT_PRICES;
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PricesError(`The prices in ${path} cannot be read: ${reason}`, { cause });
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PricesError(`The prices in ${path} are not right: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { date, models } = parsed.data;
  return { date, models: { ...DEFAULT_PRICES.models, ...models } };
}

/**
 * The price of a model, by its exact name or without what providers add to one: a region and vendor before it, a date or
 * version after it. `us.anthropic.claude-sonnet-4-5-20250929-v1:0` has the price of `claude-sonnet-4-5`, and `gpt-5.9`
 * has not that of `gpt-5`.
 */
export function priceOf(prices: PriceTable, model: string): ModelPrice | undefined {
  if (Object.hasOwn(prices.models, model)) return prices.models[model];
  const [bare] = model.split(/[/.](?=[a-z]+-)/).slice(-1);
  const name = bare?.replace(/(?:-\d{8}|-\d{4}-\d{2}-\d{2})?(?:-v\d+(?::\d+k?)?)?(?:-latest)?$/, "");
  return name !== undefined && Object.hasOwn(prices.models, name) ? prices.models[name] : undefined;
}

/**
 * Why a limit of money cannot be kept with a model; undefined where its price is known. What its calls cost would count
 * as nothing, so they are refused.
 */
export function unpriced(
  { name, prices }: { readonly name: string; readonly prices: { readonly known: boolean } },
  limit: string,
): string | undefined {
  if (prices.known) return undefined;
  return `${limit} cannot be kept: the price of ${name} is not known. Set STAGEFOLD_MODEL_PRICES to a file with its price.`;
}

/** USD, or null for a model without a price: an unknown cost is not nothing. */
export function costOf(price: ModelPrice | undefined, usage: TokenUsage): number | null {
  if (price === undefined) return null;
  const fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens;
  const micro =
    Math.max(0, fresh) * price.input +
    usage.cached_tokens * (price.cached ?? price.input) +
    usage.cache_write_tokens * (price.cache_write ?? price.input) +
    usage.output_tokens * price.output;
  // A millionth of a cent is below every price list; more digits are noise of binary fractions.
  return Math.round(micro * 100) / 1e8;
}
