import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFileStores, refOf, type Turn, type TurnFile, turnSchema } from "@stagefold/core";
import { expect, test } from "vitest";
import { layOut } from "./turn-folder.ts";

const { artifacts } = createMemoryFileStores();

async function fileOf(name: string): Promise<TurnFile> {
  const bytes = Buffer.from(`the text of ${name}`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const path = `token/${sha256.slice(0, 16)}/${name}`;
  const place = { project_id: `sess_${"0a".repeat(16)}`, stage: "made", attempt: 1, path };
  const { size } = await artifacts.put(place, bytes);
  return { name, media_type: "text/plain", size, sha256, ref: refOf(place) };
}

/** A turn whose tool wrote these files, in this order. */
async function turnOf(...names: string[]): Promise<Turn> {
  const files = await Promise.all(names.map(fileOf));
  return turnSchema.parse({
    session_id: `sess_${"0a".repeat(16)}`,
    turn: 1,
    agent_id: "agent_000000000001",
    version: 1,
    key: "k",
    user: { text: "write", files: [] },
    started_at: "2026-01-01T00:00:00.000Z",
    status: "completed",
    blocks: [{ type: "tool", id: "1", name: "write", input: {}, status: "completed", files }],
  });
}

test.each<[string, string[], string[][], string[]]>([
  ["a question's file and an older folder", ["data"], [["data/x.csv", "kept.txt"]], ["data", "kept.txt"]],
  ["a file of an older turn and a folder", [], [["out"], ["out/deep/a.txt"]], ["out/deep/a.txt"]],
  ["a folder of an older turn and a file", [], [["out/deep/a.txt", "out/b"], ["out"]], ["out"]],
  ["both of one turn", [], [["out", "out/a.txt", "outer"]], ["outer", "out/a.txt"]],
])("a file and a folder of the same name ended every answer: %s", async (_which, asked, turns, expected) => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-turns-"));
  try {
    const question = await Promise.all(asked.map(fileOf));
    const history = await Promise.all(turns.map((names) => turnOf(...names)));
    await using folder = await layOut(root, artifacts, question, history);
    expect(folder.laid.map(({ name }) => name)).toEqual(expected);
    for (const name of expected)
      expect(await readFile(join(folder.path, name), "utf8")).toBe(`the text of ${name}`);
  } finally {
    await rm(root, { recursive: true });
  }
});
