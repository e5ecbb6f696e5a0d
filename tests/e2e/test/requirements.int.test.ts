import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stageOutput } from "@stagefold/client";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { root, start, tempFolder } from "./harness.ts";

const OWN = [
  "做一个计算器：支持加减乘除和括号",
  "Convert units and draw a diagram of the result as a PNG image.",
  "读取 CSV 表格，计算每列的平均值，并生成PPTX演示文稿",
  "🙂",
];
const file = join(root, "../shared/data/requirements.txt");

async function buildAll(texts: readonly string[]) {
  await using folder = await tempFolder();
  await using system = await start({ dataDir: folder.path });
  const { client } = system;
  const made = await Promise.all(texts.map((requirement) => client.projects.create({ requirement })));
  const ended = await Promise.all(made.map(({ project_id }) => client.projects.waitForEnd({ project_id })));
  return ended.map((project) => ({
    requirement: project.requirement,
    status: project.status,
    unmet: stageOutput(project, "requirements_analysis")?.unmet,
  }));
}

describe("requirements in Chinese and English", () => {
  it("build to the end, each with its unmet parts named", async () => {
    const built = await buildAll(OWN);
    expect(built.map((one) => one.status)).toEqual(OWN.map(() => "completed"));
    expect(built[0]?.unmet).toEqual([]);
    for (const one of built.slice(1, 3)) expect(one.unmet?.length, one.requirement).toBeGreaterThan(0);
  });

  it("of real records build to the end as well", async ({ skip }) => {
    skip(!SOAK, "a dozen builds: the long form has them");
    skip(!existsSync(file), "the real requirement texts are not beside the project");
    const texts = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
    const built = await buildAll(texts);
    expect(built.map((one) => one.status)).toEqual(texts.map(() => "completed"));
    for (const one of built) expect(Array.isArray(one.unmet), one.requirement).toBe(true);
  });
});
