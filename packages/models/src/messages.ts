import type { JSONValue, ModelMessage } from "ai";
import type { ToolCall } from "./call.ts";

/** A picture for models that see. */
export interface Picture {
  readonly media_type: string;
  readonly data: Uint8Array;
}

export interface ToolResult {
  readonly id: string;
  readonly name: string;
  readonly output: string;
  readonly failed?: boolean;
}

/** A conversation, oldest first. Each call of an assistant's message has its result in the message after it. */
export type ChatMessage =
  | { readonly role: "user"; readonly text: string; readonly pictures?: readonly Picture[] }
  | { readonly role: "assistant"; readonly text: string; readonly calls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly results: readonly ToolResult[] };

type Mark = Record<string, Record<string, unknown>> | undefined;

/** The SDK's form, with the places marked up to which a provider may cache. */
export function toModelMessages(
  system: string | undefined,
  messages: readonly ChatMessage[],
  mark: Mark,
): ModelMessage[] {
  const all = messages.flatMap(toModelMessage);
  if (system !== undefined && system !== "") all.unshift(marked({ role: "system", content: system }, mark));
  return all;
}

/** The same messages, the last one marked: what a call read up to it, the next one reads from the cache. */
export function markLast(messages: readonly ModelMessage[], mark: Mark): ModelMessage[] {
  const last = messages.at(-1);
  return last === undefined || last.role === "system"
    ? [...messages]
    : [...messages.slice(0, -1), marked(last, mark)];
}

function marked(message: ModelMessage, mark: Mark): ModelMessage {
  return mark === undefined
    ? message
    : { ...message, providerOptions: mark as Record<string, Record<string, JSONValue>> };
}

function toModelMessage(message: ChatMessage): ModelMessage[] {
  switch (message.role) {
    case "user":
      return [
        {
          role: "user",
          content: [
            ...(message.text === "" ? [] : [{ type: "text" as const, text: message.text }]),
            ...(message.pictures ?? []).map(({ media_type, data }) => ({
              type: "image" as const,
              image: data,
              mediaType: media_type,
            })),
          ],
        },
      ];
    case "assistant": {
      const content = [
        ...(message.text === "" ? [] : [{ type: "text" as const, text: message.text }]),
        ...(message.calls ?? []).map(({ id, name, input }) => ({
          type: "tool-call" as const,
          toolCallId: id,
          toolName: name,
          input,
        })),
      ];
      // Providers refuse a message without content.
      return content.length === 0 ? [] : [{ role: "assistant", content }];
    }
    case "tool":
      return message.results.length === 0 ? [] : [toolMessage(message.results)];
    default:
      return message satisfies never;
  }
}

export function toolMessage(results: readonly ToolResult[]): ModelMessage {
  return {
    role: "tool",
    content: results.map(({ id, name, output, failed }) => ({
      type: "tool-result",
      toolCallId: id,
      toolName: name,
      output: { type: failed ? "error-text" : "text", value: output },
    })),
  };
}
