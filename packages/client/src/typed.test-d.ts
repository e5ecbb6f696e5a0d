import type { agentBuild } from "@stagefold/agent-build";
import { definePipeline, type StageOutputs } from "@stagefold/pipeline";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { createClient, type OutputsOf, type Project, type ProjectOf, stageOutput } from "./index.ts";

const numbers = definePipeline({
  name: "numbers",
  stages: [
    { stage: "one", output: z.object({ n: z.number(), note: z.string().optional() }), run: () => ({ n: 1 }) },
    { stage: "two", command: "true" },
  ],
});
type Numbers = typeof numbers;

expectTypeOf<OutputsOf<Numbers>>().toEqualTypeOf<StageOutputs<Numbers>>();
expectTypeOf<OutputsOf<typeof agentBuild>>().toEqualTypeOf<StageOutputs<typeof agentBuild>>();

const client = createClient<Numbers>({ url: "http://127.0.0.1:4000" });
const project = await client.projects.get({ project_id: "proj_000000000000" });
expectTypeOf(project).toEqualTypeOf<ProjectOf<Numbers>>();
expectTypeOf(client.projects.watch).returns.toEqualTypeOf<AsyncGenerator<ProjectOf<Numbers>, void>>();
expectTypeOf(client.projects.waitForEnd).returns.resolves.toEqualTypeOf<ProjectOf<Numbers>>();

expectTypeOf(stageOutput(project, "one")).toEqualTypeOf<
  { n: number; note?: string | undefined } | undefined
>();
expectTypeOf(stageOutput(project, "two")).toEqualTypeOf<Record<string, unknown> | undefined>();
// @ts-expect-error the pipeline has no such stage
stageOutput(project, "three");

for (const stage of project.stages_snapshot.stages) {
  expectTypeOf(stage.stage).toEqualTypeOf<"one" | "two">();
  if (stage.stage !== "one") continue;
  expectTypeOf(stage.output_data.n).toEqualTypeOf<number | undefined>();
  expectTypeOf(stage.output_data.artifacts).toEqualTypeOf<string[]>();
  if (stage.status === "failed") expectTypeOf(stage.error_message).toEqualTypeOf<string>();
}

// Without a pipeline any stage may be asked for, and what it returned is not known.
const any = await createClient({ url: "http://127.0.0.1:4000" }).projects.get({
  project_id: "proj_000000000000",
});
expectTypeOf(any).toEqualTypeOf<Project>();
expectTypeOf(stageOutput(any, "whatever")).toEqualTypeOf<Record<string, unknown> | undefined>();
// A pipeline with an input and a gate: neither a wrong input nor a wrong answer compiles.
const site = definePipeline({
  name: "site",
  input: z.object({ pages: z.int(), draft: z.boolean().default(false) }),
  stages: [
    { stage: "make", run: (ctx) => ({ pages: ctx.input.pages }) },
    { stage: "approve", gate: { question: "Publish?", answer: z.object({ ok: z.boolean() }) } },
  ],
});
const { projects } = createClient<typeof site>({ url: "http://127.0.0.1:4000" });
const made = await projects.create({ pipeline: "site", input: { pages: 3 } });
expectTypeOf(made.again).toEqualTypeOf<true | undefined>();
// @ts-expect-error pages is a number
await projects.create({ pipeline: "site", input: { pages: "3" } });
// @ts-expect-error pages is missing
await projects.create({ pipeline: "site", input: {} });
// @ts-expect-error the pipeline needs an input
await projects.create({ pipeline: "site", requirement: "a site" });
const { project_id } = made;
await projects.answer({ project_id, stage: "approve", value: { ok: true } });
// @ts-expect-error ok is a boolean
await projects.answer({ project_id, stage: "approve", value: { ok: "yes" } });
// @ts-expect-error make asks nothing
await projects.answer({ project_id, stage: "make", value: { ok: true } });

// A typed project is a project.
expectTypeOf(project).toExtend<Project>();
