import { definePipeline } from "@stagefold/pipeline";
import { z } from "zod";
import { hooksFor, useBuild, useStage } from "./index.ts";

const pipeline = definePipeline({
  name: "p",
  stages: [
    { stage: "count", output: z.object({ words: z.number() }), run: async () => ({ words: 1 }) },
    { stage: "report", run: async () => ({}) },
  ],
});
const hooks = hooksFor<typeof pipeline>();

export function Typed() {
  const { value } = useBuild<typeof pipeline>("proj_1");
  const key: "count" | "report" | undefined = value?.stages_snapshot.stages[0]?.stage;
  const words: number | undefined = hooks.useStage("proj_1", "count").value?.output?.words;
  const status: string | undefined = hooks.useStage("proj_1", "report").value?.stage.status;
  // @ts-expect-error: there is no such stage
  hooks.useStage("proj_1", "other");
  // @ts-expect-error: the output has no such field
  const none = useStage<typeof pipeline, "count">("proj_1", "count").value?.output?.other;
  const any: unknown = useStage("proj_1", "any").value?.output?.other;
  return [key, words, status, none, any];
}
