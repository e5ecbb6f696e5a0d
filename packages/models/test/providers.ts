import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeEventStreamMessage } from "@copilotkit/aimock";
import {
  DEFAULT_PRICES,
  type Model,
  type ModelProvider,
  type ModelSettings,
  openModel,
  parseModelName,
} from "../src/index.ts";

export const PROVIDERS: readonly ModelProvider[] = ["anthropic", "bedrock", "openai-compatible"];

const MODELS: Readonly<Record<ModelProvider, string>> = {
  anthropic: "claude-sonnet-4-5",
  bedrock: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "openai-compatible": "gpt-4.1",
};

/** Settings of a provider at a test server. */
export function settingsAt(provider: ModelProvider, url: string): ModelSettings {
  return {
    provider,
    model: MODELS[provider],
    url: provider === "bedrock" ? url : `${url}/v1`,
    ...(provider === "bedrock"
      ? { aws: { region: "us-east-1", accessKeyId: "test", secretAccessKey: "test" } }
      : { apiKey: "test" }),
  };
}

export const modelAt = (provider: ModelProvider, url: string, maxRetries = 0): Model =>
  openModel(settingsAt(provider, url), { prices: DEFAULT_PRICES, maxRetries });

/**
 * A model of a real service, by STAGEFOLD_TEST_MODEL (as STAGEFOLD_MODEL) and the provider's own names of its key; undefined
 * without one. Tests with it spend money.
 */
export function realSettings(): ModelSettings | undefined {
  const { STAGEFOLD_TEST_MODEL: name, STAGEFOLD_MODEL_URL, AWS_REGION } = process.env;
  const { ANTHROPIC_API_KEY, OPENAI_API_KEY, AWS_BEARER_TOKEN_BEDROCK } = process.env;
  if (name === undefined) return undefined;
  const parsed = parseModelName(name);
  if (parsed === undefined)
    throw new Error(`expected <provider>:<model> in STAGEFOLD_TEST_MODEL, found ${name}`);
  const keys = {
    anthropic: ANTHROPIC_API_KEY,
    bedrock: AWS_BEARER_TOKEN_BEDROCK,
    "openai-compatible": OPENAI_API_KEY,
  };
  return {
    ...parsed,
    url: STAGEFOLD_MODEL_URL,
    apiKey: keys[parsed.provider],
    ...(parsed.provider === "bedrock" && { aws: { region: AWS_REGION ?? "us-east-1" } }),
  };
}

/** The first frames of a streamed text, in each provider's own format, without its end. */
const BEGINNINGS: Readonly<Record<ModelProvider, { type: string; frames: readonly (string | Buffer)[] }>> = {
  anthropic: {
    type: "text/event-stream",
    frames: [
      {
        type: "message_start",
        message: {
          id: "m",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 7, output_tokens: 1 },
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Half an " } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "answer" } },
    ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
  },
  "openai-compatible": {
    type: "text/event-stream",
    frames: ["Half an ", "answer"].map(
      (content) =>
        `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }] })}\n\n`,
    ),
  },
  bedrock: {
    type: "application/vnd.amazon.eventstream",
    frames: [
      encodeEventStreamMessage("messageStart", { role: "assistant" }),
      ...["Half an ", "answer"].map((text) =>
        encodeEventStreamMessage("contentBlockDelta", { contentBlockIndex: 0, delta: { text } }),
      ),
    ],
  },
};

/** `end`: the response ends as if all were said; `cut`: the socket dies; `hang`: nothing follows; `silent`: no byte comes. */
export type Ending = "end" | "cut" | "hang" | "silent";

/** A server whose every answer begins and does not end as it should. */
export async function brokenServer(provider: ModelProvider, ending: Ending) {
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      requests++;
      if (ending === "silent") return;
      const { type, frames } = BEGINNINGS[provider];
      response.writeHead(200, { "content-type": type });
      for (const frame of frames) response.write(frame);
      if (ending === "end") response.end();
      // The client reads what was sent before it sees the cut.
      if (ending === "cut") setTimeout(() => response.destroy(), 50);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
