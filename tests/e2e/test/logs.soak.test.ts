import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LogLines } from "@stagefold/client";
import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { run, type System, start, tempFolder } from "./harness.ts";

const LONG = SOAK ? 30 * 1024 * 1024 : 1024 * 1024;
const LINES = SOAK ? 100_000 : 10_000;
const SPINS = SOAK ? 600 : 50;

/** What a command writes in each stage, and the lines that people know it by. */
const CASES: Readonly<Record<string, readonly [command: string, lines: readonly string[]]>> = {
  burst: [`seq 1 ${LINES}`, Array.from({ length: LINES }, (_, i) => String(i + 1))],
  long: [`head -c ${LONG} /dev/zero | tr '\\0' x; echo`, ["x".repeat(LONG)]],
  spinner: [
    `for i in $(seq 1 ${SPINS}); do printf '\\rstep %d' $i; sleep 0.1; done; printf '\\rready\\n'`,
    ["ready"],
  ],
  cut: ["printf '\\344'; sleep 0.4; printf '\\275\\240\\n'", ["你"]],
  nul: ["printf 'a\\000b\\n'; printf '\\377ok\\n'", ["ab", "\uFFFDok"]],
  asks: ["printf 'Password: '; sleep 3; echo typed", ["Password: typed"]],
  streams: [
    "printf 'out '; echo err >&2; sleep 0.5; printf 'more\\r\\n'; printf last",
    ["err", "out more", "last"],
  ],
  daemon: ["(sleep 60; echo late) & echo started", ["started"]],
};

const yaml = `name: writes
stages:
${Object.entries(CASES)
  .map(([stage, [command]]) => `  - stage: ${stage}\n    command: ${JSON.stringify(command)}`)
  .join("\n")}
`;

/** All lines as a reader sees them who follows the log, and what it saw of lines that had not ended, by time. */
async function follow({ client }: System, project_id: string, stage: string) {
  const lines = new LogLines();
  const texts: string[] = [];
  const begun: { text: string; at: number }[] = [];
  const late: number[] = [];
  for await (const change of client.stages.watchLogs({ project_id, stage, attempt: 1 })) {
    const now = Date.now();
    for (const { at } of change.lines) late.push(now - Date.parse(at ?? ""));
    texts.push(...lines.add(change.lines).map(({ text }) => text));
    begun.push(...lines.open.map(({ text }) => ({ text, at: now })));
  }
  texts.push(...lines.end().map(({ text }) => text));
  return { texts, begun, late };
}

async function readAgain({ client }: System, project_id: string, stage: string): Promise<string[]> {
  const lines = new LogLines();
  const texts: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await client.stages.logs({ project_id, stage, limit: 1000, cursor });
    texts.push(...lines.add(page.items).map(({ text }) => text));
    cursor = page.next_cursor;
  }
  return [...texts, ...lines.end().map(({ text }) => text)];
}

/** A difference of megabytes is not to be printed. */
const short = (texts: readonly string[]) =>
  texts.map((text) => (text.length > 200 ? `${text.length} ${text.slice(0, 50)}` : text));

it("shows the same text live, after a reload and in the command line, whatever a command writes", async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, "writes.yaml"), yaml);
  const env = { STAGEFOLD_PIPELINES: folder.path };
  await using system = await start({ dataDir: join(folder.path, "data"), env });
  const { project_id } = await system.client.projects.create({ requirement: "x", pipeline: "writes" });
  const live = Object.fromEntries(
    await Promise.all(
      Object.keys(CASES).map(async (stage) => [stage, await follow(system, project_id, stage)] as const),
    ),
  );
  expect((await system.client.projects.waitForEnd({ project_id })).status).toBe("completed");
  for (const [stage, [, expected]] of Object.entries(CASES)) {
    const printed = await run(["logs", project_id, stage], { STAGEFOLD_URL: system.url });
    const found = {
      live: live[stage]?.texts ?? [],
      reload: await readAgain(system, project_id, stage),
      cli: printed.stdout.split("\n").slice(0, -1),
    };
    for (const [where, texts] of Object.entries(found)) {
      expect(short(texts), `${stage}, ${where}`).toEqual(short(expected));
      expect(texts.every((text, i) => text === expected[i])).toBe(true);
    }
  }
  // Lines that have not ended show soon, a bar moves, and lines are quick.
  const { asks, spinner } = live;
  expect(asks?.begun.map(({ text }) => text)).toContain("Password: ");
  expect(Math.max(...(asks?.late ?? []))).toBeLessThan(2000);
  expect(new Set(spinner?.begun.map(({ text }) => text)).size).toBeGreaterThan(2);
  const late = (spinner?.late ?? []).sort((a, b) => a - b);
  expect(late[late.length >> 1]).toBeLessThan(1500);
});
