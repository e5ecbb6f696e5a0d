import type { FinishReason, JSONSchema7, LanguageModel, ModelMessage, ToolSet } from "ai";
import { ModelError, modelErrorOf } from "./errors.ts";
import type { TokenUsage } from "./prices.ts";

/** A tool as a model sees it. `input_schema` is a JSON Schema of an object. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly input_schema: Readonly<Record<string, unknown>>;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  /** The model's input is no JSON, or names a tool that does not exist. */
  readonly invalid?: string;
}

export interface CallRequest {
  readonly messages: ModelMessage[];
  readonly tools?: readonly ToolSpec[] | undefined;
  readonly schema?: JSONSchema7 | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly maxRetries: number;
  readonly signal?: AbortSignal | undefined;
  readonly onText?: ((text: string) => void) | undefined;
}

export interface CallAnswer {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly finish: FinishReason;
  readonly usage: TokenUsage;
  /** What the next call of a tool loop needs of this one, as the provider wants it. */
  readonly messages: readonly ModelMessage[];
}

/**
 * One call of a model, always streamed: a cut is seen as one, and a long answer outlives the time that proxies wait for
 * the first byte. Tools are not run here: a stream that breaks inside a tool call reports the call with half of its input
 * first, so nothing may run before the call has ended. Errors: ModelError, or the signal's reason once it is aborted.
 */
export async function callModel(model: LanguageModel, request: CallRequest): Promise<CallAnswer> {
  const { jsonSchema, Output, streamText, tool } = await import("ai");
  const tools: ToolSet = {};
  for (const { name, description, input_schema } of request.tools ?? [])
    tools[name] = tool({ description, inputSchema: jsonSchema(input_schema) });
  let text = "";
  let refused = false;
  let usage: TokenUsage | undefined;
  const calls: ToolCall[] = [];
  try {
    if (request.signal?.aborted) throw abortReason(request.signal);
    const result = streamText({
      model,
      messages: request.messages,
      // Its first one is ours: only as a message it can be marked for the provider's cache.
      allowSystemInMessages: true,
      tools,
      ...(request.schema && { output: Output.object({ schema: jsonSchema(request.schema) }) }),
      ...(request.maxOutputTokens !== undefined && { maxOutputTokens: request.maxOutputTokens }),
      ...(request.signal && { abortSignal: request.signal }),
      maxRetries: request.maxRetries,
      includeRawChunks: true,
      // The loop below sees every error; the default prints it.
      onError: ignoreHere,
    });
    let finish: FinishReason | undefined;
    for await (const part of result.fullStream) {
      if (part.type === "text-delta" && part.text !== "") {
        text += part.text;
        request.onText?.(part.text);
      } else if (part.type === "tool-call") calls.push(toolCallOf(part));
      else if (part.type === "raw") refused ||= saysRefusal(part.rawValue);
      else if (part.type === "finish-step") {
        finish = part.finishReason;
        usage = usageOf(part.usage);
      } else if (part.type === "error") throw part.error;
      else if (part.type === "abort") throw abortReason(request.signal);
    }
    if (refused || finish === "content-filter")
      throw new ModelError("MODEL_REFUSED", "The model declined to answer.", { text });
    if (finish === undefined || finish === "error" || (finish === "other" && calls.length === 0))
      throw new ModelError("MODEL_UNAVAILABLE", "The model's answer ended unfinished.", { text });
    const { messages } = await result.response;
    return { text, calls, finish, usage: usage ?? NO_USAGE, messages };
  } catch (thrown) {
    if (request.signal?.aborted) throw withUsage(abortReason(request.signal), usage);
    throw withUsage(modelErrorOf(thrown), usage);
  }
}

const NO_USAGE: TokenUsage = { input_tokens: 0, output_tokens: 0, cached_tokens: 0, cache_write_tokens: 0 };

function ignoreHere(): void {
  // See where it is given.
}

/** To the SDK a time-out looks like any abort: what it was is in the signal's reason alone. */
export function abortReason(signal: AbortSignal | undefined): unknown {
  const reason: unknown = signal?.reason;
  if (reason instanceof DOMException && reason.name === "TimeoutError")
    return new ModelError("AGENT_TIMEOUT", "The model did not answer in time.");
  return reason ?? new DOMException("The call was stopped.", "AbortError");
}

function withUsage(error: unknown, usage: TokenUsage | undefined): unknown {
  if (error instanceof ModelError) error.usage ??= usage;
  return error;
}

function toolCallOf(part: {
  toolCallId: string;
  toolName: string;
  input: unknown;
  invalid?: boolean | undefined;
}): ToolCall {
  const call = { id: part.toolCallId, name: part.toolName, input: part.input };
  return part.invalid ? { ...call, invalid: "The input is not valid JSON, or there is no such tool." } : call;
}

/** OpenAI's own sign of a refusal, which the generic provider does not report. */
function saysRefusal(chunk: unknown): boolean {
  const choices = (chunk as { choices?: { delta?: { refusal?: unknown } }[] } | null)?.choices;
  return Array.isArray(choices) && choices.some((choice) => typeof choice?.delta?.refusal === "string");
}

function usageOf(usage: {
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  inputTokenDetails?: { cacheReadTokens?: number | undefined; cacheWriteTokens?: number | undefined };
}): TokenUsage {
  return {
    input_tokens: usage.inputTokens ?? 0,
    output_tokens: usage.outputTokens ?? 0,
    cached_tokens: usage.inputTokenDetails?.cacheReadTokens ?? 0,
    cache_write_tokens: usage.inputTokenDetails?.cacheWriteTokens ?? 0,
  };
}
