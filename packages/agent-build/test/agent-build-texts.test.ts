import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { agentOutput, requirementsOutput } from "../src/outputs.ts";
import { artifactsOf, type Builds, builds, CALCULATOR, itemBytes, runAgent } from "./built-agents.ts";

const itInSoak = test.runIf(SOAK);

let all: Builds;
let build: Builds["build"];
beforeAll(async () => {
  all = await builds();
  build = all.build;
});
afterAll(async () => await all[Symbol.asyncDispose]());

const dollar = "$";

const HOSTILE: readonly (readonly [string, string])[] = [
  ["one emoji", "🦊"],
  ["one letter", "a"],
  [
    "quotes, backticks and placeholders",
    `\`${dollar}{process.exit(3)}\` */ '"; \\ \u2028 \u0000 </script> {{x}} %s \n---\n- !!js/function 'x' calculate`,
  ],
  ["code that closes a string", '"]});process.exit(9);//'],
  ["YAML anchors", "&a [*a, *a] <<: *a # yaml calculate"],
  [
    "a mixed text of 30 KB",
    `Calculate numbers and read CSV files. ${"字数统计与单位换算，还要问候 & <b>bold</b>. ".repeat(500)}`,
  ],
  ["a word of 30 KB", "x".repeat(30_000)],
  ["names every object has", "__proto__ constructor toString calculator"],
  ["terminal colours", "\u001b[31mred\u001b[0m calculator"],
  ["half of a surrogate pair", "\ud83d calculator \udc00"],
  ["blanks alone", " \n\t "],
];

// In turns but for the long form: each is a whole build.
const isDue = (_: unknown, index: number) => SOAK || index % 3 === 0;

describe("hostile requirements", () => {
  test.each(HOSTILE.filter(isDue))("%s: the agent works", async (_name, requirement) => {
    const run = await build(requirement, requirement);
    const { self_tests } = agentOutput.parse(run.outputs.get("agent_code_developer"));
    expect(self_tests.passed).toBe(self_tests.total);
    for (const output of run.outputs.values())
      expect(Buffer.byteLength(JSON.stringify(output))).toBeLessThan(1536);
    const described = JSON.parse((await runAgent(run, ["--describe"])).stdout);
    expect(described.agent_name).toMatch(/^[a-z][a-z0-9_]{0,47}$/);
    expect((await runAgent(run, ["--help"])).stdout).not.toContain("\u001b");
    const prompt = artifactsOf(run).find((path) => path.endsWith(".yaml")) ?? "";
    expect(parse(readFileSync(join(run.artifactsDir, prompt), "utf8")).agent.name).toBe(described.agent_name);
  });
});

itInSoak("every tool of the catalogue passes its self-tests in one agent, well within the item", async () => {
  const run = await build(
    "Calculator, unit converter, dates, median, csv tables, json, file reading, fetch urls, word count, summaries, markdown outline and greetings; web search, AWS prices, Word documents, export PDF, data reports, write files",
    "all_tools",
  );
  expect(requirementsOutput.parse(run.outputs.get("requirements_analysis")).tools).toHaveLength(18);
  expect(run.records[4]?.metrics.tool_calls).toBe(36);
  expect(itemBytes(run)).toBeLessThan(20_000);
});

const REAL = new URL("../../../../shared/data/requirements.txt", import.meta.url);

// Skipped where the texts are not beside the project.
describe.skipIf(!existsSync(REAL))(
  "the recorded requirements (skipped where ../shared/data is missing)",
  () => {
    const texts = existsSync(REAL) ? readFileSync(REAL, "utf8").split("\n").filter(Boolean) : [];
    test.each(texts.filter(isDue))("%s", async (requirement) => {
      const run = await build(requirement);
      const { self_tests, unmet } = agentOutput.parse(run.outputs.get("agent_code_developer"));
      expect(self_tests.passed).toBe(self_tests.total);
      const isWhole =
        requirement === CALCULATOR ||
        /^(?:Excel数据分析|一个能够自动对文件|一个能够根据用户关注)/.test(requirement);
      expect(unmet.length > 0).toBe(!isWhole);
      expect(artifactsOf(run).length).toBeGreaterThanOrEqual(8);
      for (const output of run.outputs.values())
        expect(Buffer.byteLength(JSON.stringify(output))).toBeLessThan(1536);
      // Each file of an agent is some 300 bytes: those that read and write documents have about twenty.
      expect(itemBytes(run)).toBeLessThan(11_500);
    });
  },
);
