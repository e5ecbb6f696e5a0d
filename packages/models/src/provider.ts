import type { LanguageModel } from "ai";
import type { AwsSettings, ModelSettings } from "./settings.ts";

/** The provider's client. Loaded when first needed: the SDK takes a third of a second to load. */
export async function openProvider(settings: ModelSettings): Promise<LanguageModel> {
  const { provider, model, url, apiKey } = settings;
  switch (provider) {
    case "anthropic": {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ apiKey: apiKey ?? "", ...(url !== undefined && { baseURL: url }) })(model);
    }
    case "openai-compatible": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      const options = { name: "openai-compatible", includeUsage: true, supportsStructuredOutputs: true };
      return createOpenAICompatible({
        ...options,
        baseURL: url ?? "",
        ...(apiKey !== undefined && { apiKey }),
      })(model);
    }
    case "bedrock": {
      const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
      const aws = settings.aws;
      return createAmazonBedrock({
        region: aws?.region ?? "us-east-1",
        ...(url !== undefined && { baseURL: url }),
        ...(apiKey !== undefined ? { apiKey } : { credentialProvider: credentialsOf(aws) }),
      })(model);
    }
    default:
      return provider satisfies never;
  }
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The keys that were given, else what the AWS SDK finds: a profile, or the role of the machine or container. */
function credentialsOf(aws: AwsSettings | undefined): () => Promise<Credentials> {
  const { accessKeyId, secretAccessKey, sessionToken } = aws ?? {};
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const given = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    return async () => given;
  }
  return async () => {
    const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
    const found = await defaultProvider()();
    const { sessionToken: token } = found;
    return {
      accessKeyId: found.accessKeyId,
      secretAccessKey: found.secretAccessKey,
      ...(token !== undefined && { sessionToken: token }),
    };
  };
}

/** Marks a message up to which the provider may keep what it read: the next call of the same conversation costs a tenth. */
export function cacheMark(settings: ModelSettings): Record<string, Record<string, unknown>> | undefined {
  if (settings.provider === "anthropic") return { anthropic: { cacheControl: { type: "ephemeral" } } };
  if (settings.provider === "bedrock" && settings.model.includes("claude"))
    return { bedrock: { cachePoint: { type: "default" } } };
  return undefined;
}
