import { ModelError, type TokenUsage } from "@stagefold/models";
import type { Attributes, Telemetry } from "./telemetry.ts";

/** What OpenTelemetry calls a provider where it has another name for it. */
const PROVIDERS: Readonly<Record<string, string>> = { bedrock: "aws.bedrock" };

/** Runs a call of a language model as a span of what asks, under OpenTelemetry's names for such calls. */
export async function tracedModelCall<Answer extends { readonly usage: TokenUsage }>(
  telemetry: Telemetry,
  /** `<provider>:<model>` */
  name: string,
  call: () => Promise<Answer>,
): Promise<Answer> {
  const [provider = "", model = ""] = name.split(/:(.*)/s);
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": PROVIDERS[provider] ?? provider,
    "gen_ai.request.model": model,
  };
  return await telemetry.span(`chat ${model}`, { kind: "client", attributes }, async (span) => {
    try {
      const answer = await call();
      span.set(tokensOf(answer.usage));
      return answer;
    } catch (error) {
      if (error instanceof ModelError && error.usage !== undefined) span.set(tokensOf(error.usage));
      throw error;
    }
  });
}

function tokensOf({ input_tokens, output_tokens }: TokenUsage): Attributes {
  return { "gen_ai.usage.input_tokens": input_tokens, "gen_ai.usage.output_tokens": output_tokens };
}
