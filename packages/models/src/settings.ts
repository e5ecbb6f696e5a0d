import type { PriceTable } from "./prices.ts";

export const MODEL_PROVIDERS = ["anthropic", "bedrock", "openai-compatible"] as const;
export type ModelProvider = (typeof MODEL_PROVIDERS)[number];

/** Which model is asked, and with which credentials. The apps read it from the environment. */
export interface ModelSettings {
  readonly provider: ModelProvider;
  /** As the provider names it. */
  readonly model: string;
  /** Of the provider's API; needed for openai-compatible, else the provider's own address. */
  readonly url?: string | undefined;
  /** An API key; for Bedrock a bearer token. */
  readonly apiKey?: string | undefined;
  /** For Bedrock. Without keys they come from where the AWS SDK finds them, such as a role. */
  readonly aws?: AwsSettings | undefined;
}

export interface AwsSettings {
  readonly region: string;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

export interface ModelOptions {
  readonly prices: PriceTable;
  /** How often a call that failed before anything of its answer came is made again; 2 unless given. */
  readonly maxRetries?: number | undefined;
}

/** `anthropic:claude-sonnet-4-5` → provider and model. Undefined when it is not of that form. */
export function parseModelName(text: string): { provider: ModelProvider; model: string } | undefined {
  const at = text.indexOf(":");
  const provider = MODEL_PROVIDERS.find((one) => one === text.slice(0, at));
  const model = text.slice(at + 1);
  return provider !== undefined && /^[\x21-\x7e]{1,200}$/.test(model) ? { provider, model } : undefined;
}
