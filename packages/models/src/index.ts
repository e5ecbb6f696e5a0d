export type { ToolCall, ToolSpec } from "./call.ts";
export { ModelError, type ModelErrorCode } from "./errors.ts";
export type { ChatMessage, Picture, ToolResult } from "./messages.ts";
export {
  type ConverseAnswer,
  type ConverseRequest,
  type Model,
  type ModelUsage,
  type ObjectAnswer,
  type ObjectRequest,
  openModel,
  parseJsonAnswer,
} from "./model.ts";
export {
  DEFAULT_PRICES,
  type ModelPrice,
  PricesError,
  type PriceTable,
  readPrices,
  type TokenUsage,
  unpriced,
} from "./prices.ts";
export {
  type AwsSettings,
  type ModelOptions,
  type ModelProvider,
  type ModelSettings,
  parseModelName,
} from "./settings.ts";
