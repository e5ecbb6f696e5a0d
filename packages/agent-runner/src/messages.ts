import type { Block } from "@stagefold/core";
import type { ChatMessage, Picture, ToolCall, ToolResult } from "@stagefold/models";
import type { LaidFile, TurnFolder } from "./turn-folder.ts";

/** Characters of one file that are put before the model; tools can read the rest. */
const MAX_FILE_TEXT = 60_000;
/** Bytes of one picture, and pictures of one question. */
const MAX_PICTURE = 4 * 1024 * 1024;
const MAX_PICTURES = 8;

const PICTURES = /^image\/(?:png|jpeg|gif|webp)$/;

/** The text of a document such as a PDF file, or why it has none. */
type DocumentText = (file: LaidFile) => Promise<string>;

/** The conversation up to the question, oldest first: what was asked with its files, what was answered with its tools. */
export async function toMessages(
  folder: TurnFolder,
  text: string,
  documentText: DocumentText,
): Promise<ChatMessage[]> {
  const messages: ChatMessage[] = [];
  for (const { turn, files } of folder.history)
    messages.push(await userMessage(turn.user.text, files, documentText), ...answerMessages(turn.blocks));
  messages.push(await userMessage(text, folder.files, documentText));
  return messages;
}

/** The same for a question now and later in the history: what a provider has cached of it stays right. */
async function userMessage(
  text: string,
  files: readonly LaidFile[],
  documentText: DocumentText,
): Promise<ChatMessage> {
  const pictures: Picture[] = files
    .filter(({ media_type, bytes }) => PICTURES.test(media_type) && bytes.byteLength <= MAX_PICTURE)
    .slice(0, MAX_PICTURES)
    .map(({ media_type, bytes }) => ({ media_type, data: bytes }));
  const parts = [text];
  for (const file of files) parts.push(await fileText(file, documentText));
  return { role: "user", text: parts.join("\n\n"), pictures };
}

async function fileText(file: LaidFile, documentText: DocumentText): Promise<string> {
  const { name, media_type, bytes } = file;
  const size = `${bytes.byteLength} bytes`;
  if (PICTURES.test(media_type)) return `[File ${name}, ${media_type}, ${size}]`;
  const text = decode(bytes) ?? (await documentText(file));
  const rest = text.length - MAX_FILE_TEXT;
  const end = rest > 0 ? `\n(${rest} more characters are in the file)` : "";
  return `[File ${name}, ${media_type}, ${size}]\n${text.slice(0, MAX_FILE_TEXT).toWellFormed()}${end}\n[End of ${name}]`;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** An answer as the provider wants it: text and the calls after it, then their results, then what followed. */
function answerMessages(blocks: readonly Block[]): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let text = "";
  let calls: ToolCall[] = [];
  let results: ToolResult[] = [];
  const flush = () => {
    if (text !== "" || calls.length > 0) messages.push({ role: "assistant", text, calls });
    if (results.length > 0) messages.push({ role: "tool", results });
    [text, calls, results] = ["", [], []];
  };
  for (const block of blocks) {
    if (block.type === "text") {
      if (calls.length > 0) flush();
      text += block.text;
    } else if (block.status !== "running") {
      const id = block.id.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64);
      calls.push({ id, name: block.name, input: inputOf(block.input) });
      results.push({
        id,
        name: block.name,
        output: withFileNames(block.output ?? "", block.files),
        failed: block.status === "failed",
      });
    }
  }
  flush();
  return messages;
}

/** What a tool gave, with the names of the files that it wrote: later calls can read them. */
export function withFileNames(output: string, files: readonly { readonly name: string }[] = []): string {
  return files.length === 0
    ? output
    : `${output}\n[Files written: ${files.map(({ name }) => name).join(", ")}]`;
}

/** Providers want an object; of a long input only how it begins is kept, as a text. */
function inputOf(input: unknown): unknown {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : { input };
}
