import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StageError } from "@stagefold/pipeline";
import { type PipelineRun, runPipeline } from "@stagefold/pipeline/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { agentBuild, createAgentBuild, offlineAuthor } from "../src/index.ts";
import { agentOutput, requirementsOutput } from "../src/outputs.ts";
import { artifactsOf, type Builds, builds, CALCULATOR, runAgent } from "./built-agents.ts";

let all: Builds;
let build: Builds["build"];
beforeAll(async () => {
  all = await builds();
  build = all.build;
});
afterAll(async () => await all[Symbol.asyncDispose]());

describe("a design that is reviewed", () => {
  const review = async (answer: object) =>
    await runPipeline(agentBuild, {
      requirement: CALCULATOR,
      folder: await mkdtemp(join(all.root, "review-")),
      input: { review: true },
      answers: { design_review: answer },
    });

  test("is built as it is when it is approved", async () => {
    const run = await review({ approve: true });
    expect(run.records.map(({ stage }) => stage)).toContain("design_review");
    const asked = run.records.find(({ stage }) => stage === "design_review")?.logs.join("\n");
    expect(asked).toContain("Agent math_calculation_agent: ");
    expect(asked).toContain("Tools: calculator");
    expect(run.outputs.get("design_revision")).toEqual({ revised: false, tools: ["calculator"] });
    expect(await runAgent(run, ["12.5*4"])).toMatchObject({ exit: 0, stdout: "50\n" });
  });

  test("takes up what the reviewer wants changed", async () => {
    const run = await review({
      approve: false,
      changes: "It should also convert units such as kilometres to miles.",
    });
    expect(run.outputs.get("design_revision")).toEqual({
      revised: true,
      tools: expect.arrayContaining(["calculator", "unit_converter"]),
    });
    expect(await runAgent(run, ["convert 5 km to m"])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining("5000"),
    });
    expect(agentOutput.parse(run.outputs.get("agent_code_developer")).agent).toContain(
      "math_calculation_agent",
    );
  });

  test("that is refused without a word of what to change ends the build", async () => {
    await expect(review({ approve: false })).rejects.toMatchObject({ code: "GATE_REFUSED", final: true });
    await expect(review({ approve: "yes" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("a calculator", () => {
  let run: PipelineRun;
  beforeAll(async () => {
    run = await build(CALCULATOR);
  });

  test("has six stages, at least eight artifacts and nothing unmet", () => {
    expect(run.records.map((record) => record.stage)).toEqual([
      "requirements_analysis",
      "system_architecture",
      "agent_design",
      "prompt_engineer",
      "tools_developer",
      "agent_code_developer",
    ]);
    expect(artifactsOf(run).length).toBeGreaterThanOrEqual(8);
    expect(run.outputs.get("requirements_analysis")).toMatchObject({
      agent_name: "math_calculation_agent",
      language: "en",
      tools: ["calculator"],
      unmet: [],
    });
    expect([...(run.records[4]?.sub_stages ?? [])]).toEqual([
      [
        "calculator",
        { status: "completed", artifacts: ["tools/generated_tools/math_calculation_agent/calculator.mjs"] },
      ],
    ]);
  });

  test("prints exactly 50 from a folder with its artifacts alone", async () => {
    const printed = await runAgent(run, ["12.5*4"]);
    expect(printed).toEqual({ exit: 0, stdout: "50\n", stderr: "" });
  });

  test("answers in JSON, from standard input, in words, and refuses what is wrong", async () => {
    const json = await runAgent(run, ["--json", "12.5*4"]);
    expect(JSON.parse(json.stdout)).toEqual({
      agent: "math_calculation_agent",
      tool: "calculator",
      result: { expression: "12.5*4", value: 50 },
      text: "50",
    });
    expect(await runAgent(run, ["-"], "6*7\n")).toEqual({ exit: 0, stdout: "42\n", stderr: "" });
    expect((await runAgent(run, ["what is 12 divided by 5?"])).stdout).toBe("2.4\n");
    expect(await runAgent(run, ["1/0"])).toMatchObject({
      exit: 1,
      stdout: "",
      stderr: "cannot calculate: division by zero\n",
    });
    expect((await runAgent(run, ["--wrong"])).exit).toBe(2);
    expect((await runAgent(run, ["sing me a song"])).stderr).toContain("no tool fits");
  });

  test("writes a prompt that YAML reads back, and documents that name the agent", async () => {
    const path = "prompts/generated_agents_prompts/math_calculation_agent/math_calculation_agent.yaml";
    const prompt = parse(await readFile(join(run.artifactsDir, path), "utf8"));
    expect(prompt).toMatchObject({
      agent: { name: "math_calculation_agent" },
      tools: [{ name: "calculator" }],
      unmet: [],
    });
    const documents = await readdir(join(run.artifactsDir, "docs/math_calculation_agent"));
    expect(documents.sort()).toEqual(["architecture.json", "design.json", "requirements.json"]);
  });

  test("leaves no test folder behind and can be run again over the same folder", async () => {
    const left = (await readdir(run.workDir)).filter((name) => name.startsWith("."));
    expect(left).toEqual([]);
    const again = await runPipeline(agentBuild, { requirement: CALCULATOR, folder: join(run.workDir, "..") });
    expect(artifactsOf(again)).toEqual(artifactsOf(run));
    expect([...again.outputs]).toEqual([...run.outputs]);
  });
});

describe("what is unmet", () => {
  test("is said by the agent, in its help, its description and when asked", async () => {
    const run = await build("一个天气助手，能查询天气预报，并能换算摄氏和华氏温度");
    expect(requirementsOutput.parse(run.outputs.get("requirements_analysis"))).toMatchObject({
      language: "zh",
      tools: ["unit_converter"],
      unmet: [{ capability: "weather", phrase: "天气, 天气预报" }],
    });
    expect((await runAgent(run, ["--help"])).stdout).toContain("需要实时数据源");
    expect(JSON.parse((await runAgent(run, ["--describe"])).stdout)).toMatchObject({
      unmet: [{ capability: "weather" }],
    });
    const asked = await runAgent(run, ["北京明天天气如何"]);
    expect(asked).toMatchObject({ exit: 1, stdout: "" });
    expect(asked.stderr).toContain("天气");
    expect((await runAgent(run, ["72°F to °C"])).stdout).toContain("22.22222222 °C");
    const prompt = await readFile(
      join(run.artifactsDir, artifactsOf(run).find((path) => path.endsWith(".yaml")) ?? ""),
      "utf8",
    );
    expect(parse(prompt).unmet).toMatchObject([{ capability: "weather" }]);
  });

  test("does not keep an agent without any matching tool from working", async () => {
    const run = await build("Paint portraits of my cats and compose a symphony");
    const analysed = requirementsOutput.parse(run.outputs.get("requirements_analysis"));
    expect(analysed.tools).toEqual(["text_statistics"]);
    expect(analysed.unmet_total).toBeGreaterThan(0);
    // As the agent's page lists it: what nothing matched has no name of its own.
    const { unmet } = agentOutput.parse(run.outputs.get("agent_code_developer"));
    expect(unmet.length).toBeGreaterThan(0);
    expect(unmet).not.toContain("not_understood");
    expect((await runAgent(run, ["One fish. Two fish."])).stdout).toContain("words: 4");
  });
});

test("an agent that does not work fails the last stage, with what it printed in the log", async () => {
  const broken = createAgentBuild({
    author: {
      ...offlineAuthor,
      name: "broken",
      tool: async (key, design, work) =>
        (await offlineAuthor.tool(key, design, work)).replace(
          "value *= this.signed()",
          "value += this.signed()",
        ),
    },
  });
  const failed = runPipeline(broken, { requirement: CALCULATOR, folder: join(all.root, "broken") });
  await expect(failed).rejects.toMatchObject({
    code: "STAGE_FAILED",
    message: expect.stringContaining('expected "50"'),
  });
  await expect(failed).rejects.toBeInstanceOf(StageError);
});

test("a tool that is no module fails its sub-stage", async () => {
  const author = { ...offlineAuthor, tool: async () => "export const = ;" };
  const failed = runPipeline(createAgentBuild({ author }), {
    requirement: CALCULATOR,
    folder: join(all.root, "no-module"),
  });
  await expect(failed).rejects.toMatchObject({
    code: "STAGE_FAILED",
    message: expect.stringContaining("not a valid module"),
  });
});

test("an abort ends the stage that runs the agent", async () => {
  const stop = new AbortController();
  const author = {
    ...offlineAuthor,
    tool: async () =>
      "export const key = 'calculator'; export const match = () => 1; export const run = () => new Promise(() => setInterval(() => {}, 1000));",
    agent: async (...args: Parameters<typeof offlineAuthor.agent>) => {
      setTimeout(() => stop.abort(new Error("cancelled")), 1500);
      return await offlineAuthor.agent(...args);
    },
  };
  const run = runPipeline(createAgentBuild({ author }), {
    requirement: CALCULATOR,
    folder: join(all.root, "abort"),
    signal: stop.signal,
  });
  await expect(run).rejects.toThrow("cancelled");
});

test("an agent with a file reader takes @file as input, and stops quietly when nobody reads on", async () => {
  const run = await build("Read text files and count words, compute summaries", "text_helper");
  const folder = await mkdtemp(join(all.root, "files-"));
  await cp(run.artifactsDir, folder, { recursive: true });
  await writeFile(join(folder, "report.txt"), "One fish. Two fish.");
  const { agent } = agentOutput.parse(run.outputs.get("agent_code_developer"));
  const printed = await new Promise<string>((resolve, reject) => {
    const args = [agent, "--tool", "text_statistics", "@report.txt"];
    const child = execFile(process.execPath, args, { cwd: folder }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    child.stdin?.end();
  });
  expect(printed).toContain("words: 4");
  await writeFile(join(folder, "long.txt"), "line\n".repeat(150_000));
  const piped = await new Promise<{ exit: number; stderr: string }>((resolve) => {
    execFile(
      "/bin/sh",
      ["-c", `"${process.execPath}" "${agent}" long.txt | head -1`],
      { cwd: folder },
      (error, _out, stderr) => resolve({ exit: error === null ? 0 : Number(error.code), stderr }),
    );
  });
  expect(piped).toEqual({ exit: 0, stderr: "" });
});
