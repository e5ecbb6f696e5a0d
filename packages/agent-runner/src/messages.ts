import { type Block, utf8Bytes } from "@stagefold/core";
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

/**
 * What the files of earlier questions may take of a request, the newest first: bytes of UTF-8, of which three are a token
 * or so. One file of full length fits in any script. Beyond that a file is named alone, so that a question with many files
 * does not fill the requests of all that follow it.
 */
const MAX_HISTORY_TEXT = 3 * MAX_FILE_TEXT;
/** Bytes of earlier pictures, and what each of them counts as text. */
const MAX_HISTORY_PICTURES = 2 * MAX_PICTURE;
const PICTURE_AS_TEXT = 4500;

/** What files may still take. */
interface Room {
  text: number;
  pictures: number;
}

/** The conversation up to the question, oldest first: what was asked with its files, what was answered with its tools. */
export async function toMessages(
  folder: TurnFolder,
  text: string,
  documentText: DocumentText,
): Promise<ChatMessage[]> {
  const room: Room = { text: MAX_HISTORY_TEXT, pictures: MAX_HISTORY_PICTURES };
  const earlier: ChatMessage[][] = [];
  for (const { turn, files } of folder.history.toReversed()) {
    const asked = await userMessage(turn.user.text, files, documentText, room);
    earlier.unshift([asked, ...answerMessages(turn.blocks)]);
  }
  const whole: Room = { text: Number.POSITIVE_INFINITY, pictures: Number.POSITIVE_INFINITY };
  return [...earlier.flat(), await userMessage(text, folder.files, documentText, whole)];
}

/** The same for a question now and later, while there is room: what a provider has cached of it stays right. */
async function userMessage(
  text: string,
  files: readonly LaidFile[],
  documentText: DocumentText,
  room: Room,
): Promise<ChatMessage> {
  const pictures: Picture[] = [];
  const parts = [text];
  for (const file of files) {
    const { name, media_type, bytes } = file;
    const size = bytes.byteLength;
    const title = `[File ${name}, ${media_type}, ${size} bytes]`;
    if (!PICTURES.test(media_type)) parts.push(title + (await contentOf(file, documentText, room)));
    else {
      parts.push(title);
      if (size > MAX_PICTURE || pictures.length >= MAX_PICTURES) continue;
      if (take(room, { text: PICTURE_AS_TEXT, pictures: size })) pictures.push({ media_type, data: bytes });
    }
  }
  return { role: "user", text: parts.join("\n\n"), pictures };
}

/** Empty where there is no room for it. */
async function contentOf(file: LaidFile, documentText: DocumentText, room: Room): Promise<string> {
  // A document is read in a process of its own.
  if (room.text <= 0) return "";
  const text = decode(file.bytes) ?? (await documentText(file));
  const shown = text.slice(0, MAX_FILE_TEXT).toWellFormed();
  if (!take(room, { text: utf8Bytes(shown), pictures: 0 })) return "";
  const rest = text.length - MAX_FILE_TEXT;
  const end = rest > 0 ? `\n(${rest} more characters are in the file)` : "";
  return `\n${shown}${end}\n[End of ${file.name}]`;
}

/** Whether there is so much room, which is then taken. */
function take(room: Room, wanted: Readonly<Room>): boolean {
  if (wanted.text > room.text || wanted.pictures > room.pictures) return false;
  room.text -= wanted.text;
  room.pictures -= wanted.pictures;
  return true;
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
