import { z } from "zod";
import { abortReason, type CallAnswer, callModel, type ToolCall, type ToolSpec } from "./call.ts";
import { ModelError } from "./errors.ts";
import { type ChatMessage, markLast, toModelMessages, toolMessage } from "./messages.ts";
import { addTokens, costOf, NO_TOKENS, priceOf, type TokenUsage } from "./prices.ts";
import { cacheMark, openProvider } from "./provider.ts";
import type { ModelOptions, ModelSettings } from "./settings.ts";

/** Tokens and cost so far. `cost_usd` is null for a model without a price. */
export interface ModelUsage extends TokenUsage {
  readonly cost_usd: number | null;
}

interface Common {
  readonly system?: string | undefined;
  readonly messages: readonly ChatMessage[];
  readonly maxOutputTokens?: number | undefined;
  /** Ends the call with the signal's reason; a reason of `AbortSignal.timeout` becomes AGENT_TIMEOUT. */
  readonly signal?: AbortSignal | undefined;
  /** Asked before every call, with what is used so far: throws to stop it, such as a ModelError BUDGET_EXCEEDED. */
  readonly beforeCall?: ((soFar: ModelUsage) => void | Promise<void>) | undefined;
  /** Runs each call of the model and answers as it does, such as within a span of a trace. */
  readonly around?: AroundCall | undefined;
}

type AroundCall = <Answer extends { readonly usage: TokenUsage }>(
  call: () => Promise<Answer>,
) => Promise<Answer>;

export interface ObjectRequest<S extends z.ZodType> extends Common {
  /**
   * Of the answer. Providers with strict schemas want every property required and take no defaults, formats or recursion:
   * use `.nullable()` for what may be missing, and check finer rules in the schema (they are checked here as well).
   */
  readonly schema: S;
}

export interface ObjectAnswer<T> {
  readonly answer: T;
  readonly text: string;
  readonly finish: string;
  readonly model: string;
  readonly usage: ModelUsage;
  readonly duration_ms: number;
}

export interface ConverseRequest extends Common {
  readonly tools: readonly ToolSpec[];
  /** Runs one call of a tool. What goes wrong in it is an answer with `failed`; what it throws ends the conversation. */
  readonly runTool: (call: ToolCall) => Promise<{ readonly output: string; readonly failed?: boolean }>;
  /** Calls of the model at most. */
  readonly maxSteps: number;
  readonly onText?: ((text: string) => void) | undefined;
  /** After each call of the model. */
  readonly onUsage?: ((soFar: ModelUsage, steps: number) => void) | undefined;
}

export interface ConverseAnswer {
  readonly finish: string;
  readonly model: string;
  readonly steps: number;
  readonly tool_calls: number;
  readonly usage: ModelUsage;
}

/** The language model that is set. Errors of both calls: ModelError, with the usage up to it. */
export interface Model {
  /** `<provider>:<model>`, as in STAGEFOLD_MODEL. */
  readonly name: string;
  /** When the prices were looked up, and whether this model has one. */
  readonly prices: { readonly date: string; readonly known: boolean };
  /** One question whose answer fits a schema. An answer that does not is OUTPUT_INVALID, with `text` and `issues`. */
  object<S extends z.ZodType>(request: ObjectRequest<S>): Promise<ObjectAnswer<z.output<S>>>;
  /**
   * A conversation with tools up to the model's last word. Tools run after the call that asked for them has ended, one
   * after the other. The same call (name and input) failing three times is AGENT_FAILED.
   */
  converse(request: ConverseRequest): Promise<ConverseAnswer>;
}

const MAX_SAME_FAILURES = 3;

export function openModel(settings: ModelSettings, options: ModelOptions): Model {
  const name = `${settings.provider}:${settings.model}`;
  const price = priceOf(options.prices, settings.model);
  const maxRetries = options.maxRetries ?? 2;
  const mark = cacheMark(settings);
  let provider: ReturnType<typeof openProvider> | undefined;
  const withCost = (tokens: TokenUsage): ModelUsage => ({ ...tokens, cost_usd: costOf(price, tokens) });

  type Call = Omit<Parameters<typeof callModel>[1], "maxRetries">;
  /** Calls the model and adds to what is used; a failed call's usage counts too. */
  const call = async (
    request: Call,
    before: TokenUsage,
    around: AroundCall = (run) => run(),
  ): Promise<CallAnswer & { total: TokenUsage }> => {
    provider ??= openProvider(settings);
    const opening = provider;
    try {
      const answer = await around(async () => await callModel(await opening, { ...request, maxRetries }));
      return { ...answer, total: addTokens(before, answer.usage) };
    } catch (error) {
      if (error instanceof ModelError) noteUsage(error, addTokens(before, error.usage ?? NO_TOKENS));
      throw error;
    }
  };
  const noteUsage = (error: ModelError, tokens: TokenUsage): ModelError => {
    error.usage = tokens;
    error.cost_usd = costOf(price, tokens);
    return error;
  };
  const stopped = (signal: AbortSignal, used: TokenUsage): unknown => {
    const reason = abortReason(signal);
    return reason instanceof ModelError ? noteUsage(reason, used) : reason;
  };
  const ask = async (request: Common, used: TokenUsage): Promise<void> => {
    try {
      await request.beforeCall?.(withCost(used));
    } catch (error) {
      throw error instanceof ModelError ? noteUsage(error, used) : error;
    }
  };

  return {
    name,
    prices: { date: options.prices.date, known: price !== undefined },

    async object(request) {
      const started = performance.now();
      await ask(request, NO_TOKENS);
      const { text, finish, total } = await call(
        {
          messages: markLast(toModelMessages(request.system, request.messages, mark), mark),
          schema: z.toJSONSchema(request.schema, { target: "draft-7", io: "input" }) as Call["schema"],
          maxOutputTokens: request.maxOutputTokens,
          signal: request.signal,
        },
        NO_TOKENS,
        request.around,
      );
      if (finish === "length") throw noteUsage(outOfTokens(request.maxOutputTokens, text), total);
      const parsed = parseAnswer(request.schema, text);
      if ("issues" in parsed) {
        const { issues } = parsed;
        const message = "The model's answer does not fit the schema.";
        throw noteUsage(new ModelError("OUTPUT_INVALID", message, { text, issues }), total);
      }
      const duration_ms = Math.round(performance.now() - started);
      return { answer: parsed.answer, text, finish, model: name, usage: withCost(total), duration_ms };
    },

    async converse(request) {
      let messages = toModelMessages(request.system, request.messages, mark);
      let used = NO_TOKENS;
      let toolCalls = 0;
      const failures = new Map<string, number>();
      for (let step = 1; step <= request.maxSteps; step++) {
        await ask(request, used);
        const answer = await call(
          {
            messages: markLast(messages, mark),
            tools: request.tools,
            maxOutputTokens: request.maxOutputTokens,
            signal: request.signal,
            onText: request.onText,
          },
          used,
          request.around,
        );
        used = answer.total;
        request.onUsage?.(withCost(used), step);
        if (answer.finish === "length") throw noteUsage(outOfTokens(request.maxOutputTokens), used);
        const { calls, finish } = answer;
        if (calls.length === 0)
          return { finish, model: name, steps: step, tool_calls: toolCalls, usage: withCost(used) };
        const results = [];
        for (const one of calls) {
          if (request.signal?.aborted) throw stopped(request.signal, used);
          toolCalls++;
          const { output, failed = false } =
            one.invalid === undefined ? await request.runTool(one) : { output: one.invalid, failed: true };
          const key = JSON.stringify([one.name, one.input]);
          const times = failed ? (failures.get(key) ?? 0) + 1 : 0;
          failures.set(key, times);
          if (times >= MAX_SAME_FAILURES) {
            const message = `The tool ${one.name} failed ${times} times on the same input.`;
            throw noteUsage(new ModelError("AGENT_FAILED", message), used);
          }
          results.push({ id: one.id, name: one.name, output, failed });
        }
        messages = [...messages, ...answer.messages, toolMessage(results)];
      }
      const message = `The agent did not come to an end within ${request.maxSteps} steps.`;
      throw noteUsage(new ModelError("STEP_LIMIT", message), used);
    },
  };
}

function outOfTokens(limit: number | undefined, text?: string): ModelError {
  const message = `The answer reached the limit of ${limit === undefined ? "" : `${limit} `}output tokens.`;
  return new ModelError("MODEL_LIMIT", message, text === undefined ? {} : { text });
}

/** What a model's answer says as JSON: some put a fence around it whatever they are told. Errors: SyntaxError. */
export function parseJsonAnswer(text: string): unknown {
  const whole = text.trim();
  const begin = whole.indexOf("\n");
  // No pattern for the whole of it: many line ends would cost their cube in time.
  const isFenced = whole.endsWith("```") && /^```(?:json)?\s*$/.test(whole.slice(0, Math.max(0, begin)));
  return JSON.parse(isFenced ? whole.slice(begin, -3) : text);
}

function parseAnswer<S extends z.ZodType>(
  schema: S,
  text: string,
): { answer: z.output<S> } | { issues: string[] } {
  let json: unknown;
  try {
    json = parseJsonAnswer(text);
  } catch (error) {
    return { issues: [`not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  const parsed = schema.safeParse(json);
  return parsed.success
    ? { answer: parsed.data }
    : {
        issues: parsed.error.issues.map(
          ({ path, message }) => `${path.map(String).join(".") || "(root)"}: ${message}`,
        ),
      };
}
