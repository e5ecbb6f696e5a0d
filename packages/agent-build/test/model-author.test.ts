import { cp, mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PROVIDERS, realSettings } from "@stagefold/models/testing";
import { type PipelineRun, runPipeline } from "@stagefold/pipeline/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { sameAuthor } from "../src/choose-author.ts";
import { requirementsDocument } from "../src/documents.ts";
import { agentBuild, offlineAuthor } from "../src/index.ts";
import { modelAuthor } from "../src/model/author.ts";
import { analyse } from "../src/offline/analyse.ts";
import { agentOutput, requirementsOutput } from "../src/outputs.ts";
import { artifactsOf, type Builds, builds, itemBytes, runAgent } from "./built-agents.ts";
import { ANSWERS } from "./model-answers.ts";
import { modelServer, stageModel, stageModelAt } from "./model-server.ts";

let all: Builds;
let server: Awaited<ReturnType<typeof modelServer>>;
beforeAll(async () => {
  all = await builds();
  server = await modelServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await all[Symbol.asyncDispose]();
});
beforeEach(() => server.reset());

async function build(
  requirement: string,
  provider = PROVIDERS[0] ?? "anthropic",
  folder?: string,
): Promise<PipelineRun> {
  return await runPipeline(agentBuild, {
    requirement,
    folder: folder ?? (await mkdtemp(join(all.root, "run-"))),
    model: stageModelAt(provider, server.url),
  });
}

const answersFor = (agent: string) => {
  const found = ANSWERS.find((one) => one.agent_name === agent);
  if (found === undefined) throw new Error(`expected answers for ${agent}`);
  return found;
};
const repairsOf = (run: PipelineRun) =>
  run.records.flatMap((record) => record.logs).filter((line) => line.startsWith("repair ")).length;

// As many as there are providers, each by one of them; the long form has each by all of them.
const CASES = ANSWERS.flatMap((answers, index) =>
  PROVIDERS.filter((_, at) => SOAK || at === index).map(
    (provider) => [answers.agent_name, provider, answers] as const,
  ),
);

describe("agents for recorded requirements", () => {
  test.each(CASES)("%s by %s", async (name, provider, { requirement, ready, made, unmet, language }) => {
    const run = await build(requirement, provider);
    const output = agentOutput.parse(run.outputs.get("agent_code_developer"));
    expect(output).toMatchObject({ kind: "model", unmet });
    expect(output.self_tests.passed).toBe(output.self_tests.total);
    expect(output.self_tests.total).toBeGreaterThan(made.flatMap((tool) => tool.tests).length);
    expect(output.tools.map((tool) => tool.name)).toEqual(
      expect.arrayContaining([...ready, ...made.map((tool) => tool.key)]),
    );
    expect(requirementsOutput.parse(run.outputs.get("requirements_analysis"))).toMatchObject({
      agent_name: name,
      language,
    });
    // Four calls at most, one for each new tool, and one for each repair.
    const repairs = made.reduce((sum, tool) => sum + tool.sources.length - 1, 0);
    expect(repairsOf(run)).toBe(repairs);
    expect(server.mock.getRequests()).toHaveLength(3 + (made.length > 0 ? 1 : 0) + made.length + repairs);
    const prompt = parse(await readFile(join(run.artifactsDir, output.prompt), "utf8"));
    expect(prompt.system_prompt).toContain(`You are ${name}.`);
    expect(prompt.tools.map((tool: { name: string }) => tool.name)).toEqual(
      output.tools.map((tool) => tool.name),
    );
    expect(itemBytes(run)).toBeLessThan(12_000);
  });
});

test("the finished agent runs its tools alone, takes JSON by their schema, and says what it lacks", async () => {
  const run = await build(answersFor("stock_analyst").requirement);
  const order = (json: string) => runAgent(run, ["--tool", "dcf_value", json]);
  expect(await order('{"cash_flows":[100,110],"rate":0.1,"terminal_growth":0.02}')).toMatchObject({
    exit: 0,
    stdout: "1340.91\n",
  });
  expect((await order("100")).stderr).toContain("expected a JSON object");
  expect((await order("x")).stderr).toContain("expected its input as JSON");
  expect((await order("{}")).stderr).toContain("expected cash_flows in its input");
  expect((await runAgent(run, ["12.5*4"])).stdout).toBe("50\n");
  expect((await runAgent(run, ["--help"])).stdout).toContain("real_time_prices");
});

test("alone, the finished agent answers with the model that its environment names, and calls its tools", async () => {
  const run = await build(answersFor("stock_analyst").requirement);
  expect((await runAgent(run, ["What is it worth?"])).stderr).toContain("set STAGEFOLD_MODEL and its key");
  const env = {
    STAGEFOLD_MODEL: "openai-compatible:gpt-4.1",
    STAGEFOLD_MODEL_URL: `${server.url}/v1`,
    OPENAI_API_KEY: "test",
  };
  server.talk("What is it worth?", "dcf_value", { cash_flows: [100, 110], rate: 0.1, terminal_growth: 0.02 });
  const answered = await runAgent(run, ["What is it worth?"], "", env);
  expect(answered).toMatchObject({ exit: 0, stdout: "The tool says 1340.91\n" });
  const [first] = server.mock.getRequests().slice(-2);
  expect(JSON.stringify(first?.body)).toContain("You are stock_analyst.");
  const broken = await runAgent(run, ["What is it worth?"], "", { ...env, STAGEFOLD_MODEL: "gpt" });
  expect(broken.stderr).toContain("STAGEFOLD_MODEL: expected anthropic:<model>");
});

describe("an answer that does not fit", () => {
  test("is asked for once more, with what is wrong", async () => {
    server.first.set("Say what", { ...{ agent_name: "Not A Name" } });
    const run = await build(answersFor("greeting_service").requirement);
    expect(agentOutput.parse(run.outputs.get("agent_code_developer")).kind).toBe("model");
    const [, again] = server.mock.getRequests();
    expect(JSON.stringify(again?.body)).toContain("agent_name: expected 1 to 48 of a-z, 0-9 and _");
  });

  test("twice ends the stage", async () => {
    const known = server.first;
    known.set("Say what", "no JSON");
    const { requirement } = answersFor("greeting_service");
    const model = stageModelAt("anthropic", server.url);
    const never = {
      ...model,
      ask: async (question: Parameters<typeof model.ask>[0]) => {
        known.set("Say what", "no JSON");
        const reply = await model.ask({ ...question, messages: question.messages.slice(0, 1) });
        return reply;
      },
    };
    const folder = await mkdtemp(join(all.root, "run-"));
    await expect(runPipeline(agentBuild, { requirement, folder, model: never })).rejects.toMatchObject({
      code: "OUTPUT_INVALID",
      final: true,
    });
  });

  test("a prompt that names a tool which does not exist is one", async () => {
    server.first.set("Write its system", { system_prompt: "Use `draw_pictures`.", examples: ["x"] });
    await build(answersFor("greeting_service").requirement);
    expect(JSON.stringify(server.mock.getRequests().at(-1)?.body)).toContain(
      "there is no tool draw_pictures",
    );
  });
});

test("a tool that three repairs do not put right ends the stage, and no more is asked", async () => {
  const { requirement } = answersFor("fitness_coach");
  const model = stageModelAt("anthropic", server.url);
  const wrong = 'export async function run() { return { text: "never right", data: 1 }; }';
  const asked: string[] = [];
  const folder = await mkdtemp(join(all.root, "run-"));
  const build = runPipeline(agentBuild, {
    requirement,
    folder,
    model: {
      name: model.name,
      ask: async (question) => {
        asked.push(question.purpose);
        if (!question.purpose.startsWith("tool ")) return await model.ask(question);
        // Nothing but the file and the error.
        if (question.purpose.includes("repair")) {
          const [message] = question.messages;
          expect(message?.text).toContain(wrong);
          expect(message?.text).toContain("never right");
          expect(message?.text).not.toContain(requirement);
        }
        return { text: "", value: { source: wrong } };
      },
    },
  });
  await expect(build).rejects.toThrow("the tool body_mass_index does not work: self-test");
  expect(asked.filter((purpose) => purpose.startsWith("tool "))).toEqual([
    "tool body_mass_index",
    "tool body_mass_index, repair 1",
    "tool body_mass_index, repair 2",
    "tool body_mass_index, repair 3",
  ]);
});

test("generated code reaches no network, no other file and no process in its tests", async () => {
  const { requirement } = answersFor("fitness_coach");
  const model = stageModelAt("anthropic", server.url);
  const problems: string[] = [];
  const sources = [
    'import { readFile } from "node:fs/promises"; export async function run() { return { text: await readFile("/etc/passwd", "utf8"), data: 1 }; }',
    'import { execSync } from "node:child_process"; export async function run() { return { text: String(execSync("id")), data: 1 }; }',
    "export async function run() { return { text: JSON.stringify(Object.keys(process.env)), data: 1 }; }",
    "export async function run() { return {}; }",
  ];
  const folder = await mkdtemp(join(all.root, "run-"));
  const build = runPipeline(agentBuild, {
    requirement,
    folder,
    model: {
      name: model.name,
      ask: async (question) => {
        if (!question.purpose.startsWith("tool ")) return await model.ask(question);
        problems.push(question.messages[0]?.text ?? "");
        return { text: "", value: { source: sources[problems.length - 1] } };
      },
    },
  });
  await expect(build).rejects.toThrow();
  expect(problems[1]).toContain("Access to this API has been restricted");
  expect(problems[2]).toContain("Access to this API has been restricted");
  expect(problems[3]).toContain('found "[]"');
});

test("an update keeps the name, is given what there is, and runs the tests of both versions", async () => {
  const first = await build(answersFor("stock_analyst").requirement);
  const folder = await mkdtemp(join(all.root, "run-"));
  await cp(first.artifactsDir, join(folder, "work", ".current"), { recursive: true });
  server.reset();
  const questions: string[] = [];
  const model = stageModelAt("anthropic", server.url);
  const run = await runPipeline(agentBuild, {
    requirement: answersFor("football_qa_agent").requirement,
    folder,
    model: {
      name: model.name,
      ask: async (question) => {
        questions.push(question.messages[0]?.text ?? "");
        return await model.ask(question);
      },
    },
  });
  expect(questions[0]).toContain("It changes an agent that exists.");
  expect(questions[0]).toContain("dcf_value");
  const output = agentOutput.parse(run.outputs.get("agent_code_developer"));
  expect(output.entry).toBe("agents/generated_agents/stock_analyst/stock_analyst.mjs");
  const before = JSON.parse(
    await readFile(join(first.artifactsDir, "docs/stock_analyst/design.json"), "utf8"),
  );
  const design = JSON.parse(await readFile(join(run.artifactsDir, "docs/stock_analyst/design.json"), "utf8"));
  const search = before.self_tests.filter((one: { tool: string }) => one.tool === "calculator");
  expect(search.length).toBeGreaterThan(0);
  expect(design.self_tests).toEqual(expect.arrayContaining(search));
  expect(artifactsOf(run).some((path) => path.includes(".current"))).toBe(false);
});

test("a build that the catalogue began is finished by it; one that a language model began needs one", () => {
  const model = { name: "anthropic:x", ask: () => Promise.reject(new Error("not asked")) };
  const begunBy = (author: string, here: typeof model | undefined) => {
    const requirements = requirementsDocument.parse({
      ...analyse({ requirement: "x", project_name: "" }),
      author,
    });
    return sameAuthor((found) => (found ? modelAuthor(found) : offlineAuthor), { model: here }, requirements);
  };
  expect(begunBy(offlineAuthor.name, model)).toBe(offlineAuthor);
  expect(begunBy("anthropic:x", model).kind).toBe("model");
  expect(begunBy("bedrock:y", model).name).toBe("anthropic:x");
  expect(() => begunBy("anthropic:x", undefined)).toThrow("Set STAGEFOLD_MODEL and retry the stage");
});

const REAL = realSettings();

// Skipped without a key: it spends money.
describe.skipIf(REAL === undefined)("a real language model (skipped without STAGEFOLD_TEST_MODEL)", () => {
  test.each([answersFor("fitness_coach").requirement, answersFor("football_qa_agent").requirement])(
    "%s",
    async (requirement) => {
      const folder = await mkdtemp(join(all.root, "real-"));
      if (!REAL) throw new Error("expected a model");
      const model = stageModel(REAL, 2);
      const run = await runPipeline(agentBuild, { requirement, folder, model });
      const { kind, self_tests } = agentOutput.parse(run.outputs.get("agent_code_developer"));
      expect(kind).toBe("model");
      expect(self_tests.passed).toBe(self_tests.total);
    },
    15 * 60_000,
  );
});
