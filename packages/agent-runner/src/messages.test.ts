import { turnSchema } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { toMessages } from "./messages.ts";
import type { LaidFile, TurnFolder } from "./turn-folder.ts";

const AT = "2026-01-01T00:00:00.000Z";
const MAX_FILE_TEXT = 60_000;

const file = (name: string, content: string | Uint8Array, media_type = "text/plain"): LaidFile => {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return { name, media_type, sha256: "", bytes };
};

/** A conversation by its questions, the last of which is the one that is asked now. */
async function messagesOf(...questions: (readonly LaidFile[])[]) {
  const history = questions.slice(0, -1).map((files, i) => {
    const of = {
      session_id: `sess_${"0a".repeat(16)}`,
      turn: i + 1,
      agent_id: "agent_000000000001",
      version: 1,
    };
    const user = { text: `question ${i + 1}`, files: [] };
    const turn = turnSchema.parse({ ...of, key: "k", user, started_at: AT, status: "completed", blocks: [] });
    return { turn, files };
  });
  const folder = { path: "/", laid: [], files: questions.at(-1) ?? [], history } as Partial<TurnFolder>;
  let read = 0;
  const messages = await toMessages(folder as TurnFolder, "now", async ({ bytes }) => {
    read += 1;
    return "d".repeat(bytes.byteLength);
  });
  const asked = messages.flatMap((message) => (message.role === "user" ? [message] : []));
  return {
    asked,
    length: asked.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    read: () => read,
  };
}

describe("files of earlier questions", () => {
  it("fill no request: the newest are whole, the others named, however many a question had", async () => {
    const many = Array.from({ length: 8 }, (_, i) => file(`${i}.txt`, "x".repeat(MAX_FILE_TEXT)));
    const { asked, length } = await messagesOf(many, [file("new.txt", "y".repeat(30_000))], []);
    expect(length).toBeLessThan(3 * MAX_FILE_TEXT + 2000);
    const [first, second] = asked.map(({ text }) => text);
    expect(second).toContain("y".repeat(30_000));
    expect(first?.match(/\[End of/g)).toHaveLength(2);
    expect(first).toMatch(/\[File 7\.txt, text\/plain, 60000 bytes\]$/);
  });

  it("are whole in the question that has them, and one of full length in the next one too, in any script", async () => {
    const long = file("长.txt", "长".repeat(MAX_FILE_TEXT));
    const { asked } = await messagesOf([long], [long, long]);
    for (const [i, times] of [1, 2].entries()) expect(asked[i]?.text.match(/\[End of/g)).toHaveLength(times);
  });

  it("that are pictures count too, by number and bytes", async () => {
    const picture = (bytes: number) => file("a.png", new Uint8Array(bytes), "image/png");
    const large = Array.from({ length: 3 }, () => picture(4_000_000));
    const small = Array.from({ length: 30 }, () => Array.from({ length: 8 }, () => picture(100)));
    const shown = async (...questions: LaidFile[][]) =>
      (await messagesOf(...questions, [])).asked.reduce((sum, { pictures = [] }) => sum + pictures.length, 0);
    expect(await shown(large)).toBe(2);
    expect(await shown(...small)).toBe(40);
  });

  it("that are documents are not read where there is no room for their text", async () => {
    const document = (bytes: number) => file("a.pdf", new Uint8Array(bytes), "application/pdf");
    const full = Array.from({ length: 3 }, () => document(MAX_FILE_TEXT));
    const { read } = await messagesOf([document(9)], full, []);
    expect(read()).toBe(3);
  });
});
