import { expect, it } from "vitest";
import type { Project } from "../../../lib/api.ts";
import { resultOf } from "./result.ts";

const stage = (key: string, output: object, artifacts: string[] = []) => ({
  stage: key,
  output_data: { artifacts, artifact_info: {}, ...output },
  metrics: { cost_usd: 0.25 },
});
const project = (status: string, stages: object[], summary: object = {}) =>
  ({ status, stages_snapshot: { stages }, build_summary: summary }) as unknown as Project;

it("gathers what the stages say of what was made, the later ones first", () => {
  const made = project(
    "completed",
    [
      stage("analyse", {
        purpose: "Counts words",
        tools: ["a", "b"],
        unmet: [{ phrase: "send a fax" }, "brew tea"],
        unmet_total: 2,
      }),
      stage("tools", { tools: [{ tool: "count" }, { name: "split" }, { tool: "count" }] }, [
        "tools/count.mjs",
      ]),
      stage("code", { run: "node agent.mjs", self_tests: { passed: 4, total: 5 }, agent: "agent.mjs" }, [
        "agent.mjs",
        "README.md",
      ]),
    ],
    { unmet_total: 2, stage_seconds: { analyse: 1.5, code: 2 } },
  );
  expect(resultOf(made)).toEqual({
    purpose: "Counts words",
    summary: undefined,
    tools: ["count", "split"],
    selfTests: { passed: 4, total: 5 },
    unmet: { wishes: ["send a fax", "brew tea"], total: 2, stage: "analyse" },
    command: "node agent.mjs",
    main: ["README.md", "agent.mjs"],
    seconds: 3.5,
    costUsd: 0.75,
  });
});

it("takes outputs of other shapes for what they are, and has nothing before the end", () => {
  const odd = project("completed", [
    stage(
      "s",
      { tools: "all", self_tests: { passed: "x" }, unmet: 7, unmet_total: 1, run: "  ", agent: "gone" },
      ["x"],
    ),
  ]);
  expect(resultOf(odd)).toMatchObject({
    tools: [],
    selfTests: undefined,
    command: undefined,
    main: ["x"],
    unmet: { wishes: [], total: 0, stage: "s" },
  });
  expect(resultOf(project("building", []))).toBeUndefined();
});
