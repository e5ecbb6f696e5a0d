import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const ENTRY = new URL("../dist/index.js", import.meta.url).href;

/** Loads a folder with this module in a process of its own. */
async function load(text: string) {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-ending-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "ends.ts"), text);
  const program = `import { loadPipelines } from ${JSON.stringify(ENTRY)}; await loadPipelines(${JSON.stringify(folder)}); process.exit(0);`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  return { code: ended.status, said: ended.stderr };
}

test.each(["process.exit(0);", "process.exit(7);", "await new Promise(() => undefined);"])(
  "a module that does %s is named as the one that ended the process, which does not end well",
  async (text) => {
    const ended = await load(text);
    expect(ended.said).toMatch(/ends\.ts: expected a module that can be loaded; it ended the process/);
    expect(ended.code).not.toBe(0);
  },
);

test("a module that is fine is not blamed for what comes later", async () => {
  const fine = `import { definePipeline } from "@stagefold/pipeline";
export default definePipeline({ name: "fine", stages: [{ stage: "s", run: () => ({}) }] });`;
  expect(await load(fine)).toEqual({ code: 0, said: "" });
});
