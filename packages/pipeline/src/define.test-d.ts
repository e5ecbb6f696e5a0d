import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  definePipeline,
  type GateOutput,
  type InputOf,
  type Pipeline,
  type StageContext,
  type StageDefinition,
  type StageOutputs,
} from "./index.ts";

const counted = z.object({ count: z.number(), note: z.string().default("none") });

const pipeline = definePipeline({
  name: "typed",
  stages: [
    {
      stage: "one",
      output: counted,
      run: async (ctx) => {
        expectTypeOf(ctx).toEqualTypeOf<StageContext>();
        return { count: ctx.attempt };
      },
    },
    {
      stage: "two",
      run: (ctx) => {
        const one = ctx.output("one", counted);
        expectTypeOf(one).toEqualTypeOf<{ count: number; note: string }>();
        expectTypeOf(ctx.output("one")).toBeUnknown();
        return one.count;
      },
    },
    { stage: "three", command: "true", env: { A: "b" } },
  ],
});

// Name, keys and outputs stay literal.
expectTypeOf(pipeline.name).toEqualTypeOf<"typed">();
expectTypeOf<StageOutputs<typeof pipeline>>().toEqualTypeOf<{
  one: { count: number; note: string };
  two: unknown;
  three: unknown;
}>();
expectTypeOf(pipeline.stages[0]).toEqualTypeOf<StageDefinition<"one", { count: number; note: string }>>();

// The output of a gate is its answer, with who gave it and when.
const asking = definePipeline({
  name: "asking",
  stages: [
    { stage: "ask", gate: { question: (ctx) => ctx.stage, answer: z.object({ ok: z.boolean() }) } },
    { stage: "any", gate: { question: "Go on?", on_timeout: "skip", timeout_seconds: 5 } },
  ],
});
expectTypeOf<StageOutputs<typeof asking>>().toEqualTypeOf<{
  ask: GateOutput<{ ok: boolean }>;
  any: GateOutput;
}>();
// @ts-expect-error there is no such end
definePipeline({ name: "wrong", stages: [{ stage: "one", gate: { question: "?", on_timeout: "never" } }] });

// The input is typed where stages read it, and where it is given: there a default need not be.
const given = definePipeline({
  name: "given",
  input: z.object({ site: z.url(), pages: z.int().default(3) }),
  stages: [
    {
      stage: "one",
      when: { pages: 3 },
      run: (ctx) => {
        expectTypeOf(ctx.input).toEqualTypeOf<{ site: string; pages: number }>();
        return {};
      },
    },
    {
      stage: "two",
      gate: {
        question: (ctx) => {
          expectTypeOf(ctx.input.site).toEqualTypeOf<string>();
          return "Go on?";
        },
      },
    },
  ],
});
expectTypeOf<InputOf<typeof given>>().toEqualTypeOf<{ site: string; pages: number }>();
expectTypeOf(given).toExtend<Pipeline>();
expectTypeOf(pipeline.stages[0]).not.toBeAny();

// Any pipeline is a Pipeline; of an unknown one nothing is known.
expectTypeOf(pipeline).toExtend<Pipeline>();
expectTypeOf<StageOutputs<Pipeline>>().toEqualTypeOf<{ [stage: string]: unknown }>();

// A stage written apart from its pipeline may say which outputs it reads.
declare const ctx: StageContext<{ one: { count: number } }>;
expectTypeOf(ctx.output("one")).toEqualTypeOf<{ count: number }>();
// @ts-expect-error there is no stage "none"
ctx.output("none");

const apart = async (typed: StageContext<{ one: { count: number } }>) => typed.output("one").count * 2;
const reading = definePipeline({
  name: "reading",
  stages: [{ stage: "two", output: z.number(), run: apart }],
});
expectTypeOf<StageOutputs<typeof reading>>().toEqualTypeOf<{ two: number }>();

definePipeline({
  name: "wrong",
  stages: [
    {
      stage: "one",
      output: counted,
      // @ts-expect-error the result does not fit the output schema
      run: async () => ({ count: "1" }),
    },
  ],
});

definePipeline({
  name: "wrong",
  // @ts-expect-error a stage has one of run, command and gate
  stages: [{ stage: "one", command: "true", run: () => 1 }],
});
