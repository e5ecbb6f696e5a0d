import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkPipeline } from "./check.ts";
import { definePipeline, stagesFor } from "./index.ts";
import { pipelineFromYaml } from "./load/yaml.ts";
import { runPipeline } from "./testing.ts";

const SITE = `name: site
stages:
  - { stage: fetch, command: "true" }
  - stage: test
    command: "true"
    needs: [fetch]
    allow_failure: true
  - stage: pages
    command: "true"
    needs: [fetch]
    if: outputs.fetch.pages > 0
  - stage: publish
    command: "true"
    needs: [test, pages]
    if: status.test == "completed"
  - { stage: tidy, command: "true", finally: true }
`;

test("a YAML file says what stages need", () => {
  expect(pipelineFromYaml(SITE, "site.yaml").stages).toMatchObject([
    { stage: "fetch" },
    { stage: "test", needs: ["fetch"], allow_failure: true },
    { stage: "pages", needs: ["fetch"], if: "outputs.fetch.pages > 0" },
    { stage: "publish", needs: ["test", "pages"] },
    { stage: "tidy", finally: true },
  ]);
});

describe("is refused with file, line and field:", () => {
  test.each<[string, [string, string], string]>([
    [
      "an unknown key",
      ["[test, pages]", "[tets, pages]"],
      'site.yaml:14, pipeline "site", stage "publish", field needs.0: expected one of the stages fetch, test, pages, publish, tidy; did you mean test?, found "tets"',
    ],
    [
      "itself",
      ["[test, pages]", "[publish]"],
      'site.yaml:14, pipeline "site", stage "publish", field needs.0: expected other stages than itself',
    ],
    ["a key twice", ["[test, pages]", "[test, test]"], "field needs.1: expected each stage once"],
    [
      "a circle",
      ["needs: [fetch]", "needs: [publish]"],
      'site.yaml:6, pipeline "site", stage "test", field needs: expected stages that do not need each other in a circle, found test -> publish -> test',
    ],
    [
      "a text",
      ["[test, pages]", "test"],
      'site.yaml:14, pipeline "site", stage "publish", field needs: expected array',
    ],
    [
      "finally too early",
      ["{ stage: fetch,", "{ stage: fetch, finally: true,"],
      'site.yaml:3, pipeline "site", stage "fetch", field finally',
    ],
    [
      "a slip in a condition",
      ["outputs.fetch.pages", "outputs.fecth.pages"],
      'site.yaml:11, pipeline "site", stage "pages", field if: expected a stage that this one needs (fetch); did you mean fetch?, found outputs.fecth',
    ],
    [
      "a condition over a stage that it does not need",
      ["outputs.fetch.pages", "status.test"],
      "field if: expected a stage that this one needs (fetch)",
    ],
    [
      "no condition",
      ["outputs.fetch.pages > 0", "pages >"],
      'site.yaml:11, pipeline "site", stage "pages", field if: expected a condition such as',
    ],
    ["a slip in a name", ["allow_failure", "allow_faliure"], "no such field; did you mean allow_failure?"],
  ])("%s", (_name, [from, to], expected) => {
    expect(SITE).toContain(from);
    expect(() => pipelineFromYaml(SITE.replace(from, to), "site.yaml")).toThrow(expected);
  });

  const run = () => ({});
  test.each<[string, object[], string]>([
    [
      "a branch that the end does not need",
      [
        { stage: "a", run },
        { stage: "b", run, needs: ["a"] },
        { stage: "c", run, needs: ["a"] },
      ],
      "needs",
    ],
    [
      "an end that may fail",
      [
        { stage: "a", run },
        { stage: "b", run, allow_failure: true },
      ],
      "allow_failure",
    ],
    [
      "an end that may be skipped",
      [
        { stage: "a", run },
        { stage: "b", run, if: "false" },
      ],
      "if",
    ],
    [
      "a stage behind the end",
      [
        { stage: "a", run },
        { stage: "b", run, finally: true },
      ],
      "finally",
    ],
  ])("a pipeline that publishes, with %s", (_name, stages, field) => {
    const checked = checkPipeline({ name: "p", publishes: "agent", stages });
    expect(checked).toMatchObject({ finding: { path: ["stages", stages.length - 1, field] } });
  });
});

test("what needs a stage that a build has not, needs what that one needs", () => {
  const pipeline = definePipeline({
    name: "p",
    input: { type: "object", properties: { review: { type: "boolean" } } },
    stages: [
      { stage: "a", command: "true" },
      { stage: "b", command: "true", needs: [] },
      { stage: "review", command: "true", needs: ["a", "b"], when: { review: true } },
      { stage: "ask", command: "true", when: { review: true } },
      { stage: "c", command: "true", needs: ["ask"] },
    ],
  });
  const order = (input: Record<string, unknown>) =>
    stagesFor(pipeline, input).map(({ stage, needs }) => `${stage} ${needs?.join("+") ?? "all"}`);
  expect(order({ review: true })).toEqual(["a all", "b ", "review a+b", "ask all", "c ask"]);
  expect(order({})).toEqual(["a all", "b ", "c a+b"]);
});

test("a test runs stages in the order of what they need, and those that run finally whatever happens", async () => {
  const ran: string[] = [];
  const stage = (key: string, more: object = {}, work = () => ({ by: key })) => ({
    stage: key,
    ...more,
    run: () => {
      ran.push(key);
      return work();
    },
  });
  const fail = () => {
    throw new Error("broken");
  };
  const of = (...stages: ReturnType<typeof stage>[]) => definePipeline({ name: "p", stages });
  const folder = await mkdtemp(join(tmpdir(), "stagefold-order-"));
  try {
    const options = { requirement: "r", folder };
    const good = of(
      stage("late", { needs: ["plan"], if: "outputs.plan.by == 'plan'" }),
      stage("plan", { needs: [] }),
      stage("lint", { needs: ["plan"], allow_failure: true }, fail),
      stage("never", { needs: ["lint"], if: "status.lint == 'completed'" }),
      stage("tidy", { finally: true }),
    );
    const { statuses } = await runPipeline(good, options);
    expect(ran.splice(0)).toEqual(["plan", "lint", "late", "tidy"]);
    expect(Object.fromEntries(statuses)).toEqual({
      plan: "completed",
      lint: "failed",
      never: "skipped",
      late: "completed",
      tidy: "completed",
    });
    const bad = of(stage("plan", {}, fail), stage("next"), stage("tidy", { finally: true, if: "failed" }));
    await expect(runPipeline(bad, options)).rejects.toThrow("broken");
    expect(ran).toEqual(["plan", "tidy"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
