import { definePipeline } from "@stagefold/pipeline";
import { z } from "zod";
import { hooksFor, useAgent, useBuild, useStage, useTurns } from "./index.ts";

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
  const { turns, send, stop, state } = useTurns("sess_1");
  const block: "text" | "tool" | undefined = turns.value?.at(-1)?.blocks[0]?.type;
  const sent: Promise<{ turn: number }> = send("question", [{ name: "a.txt", text: "a" }]);
  // @ts-expect-error: a question is text
  const wrong = () => send({ text: "question" });
  const versions: number | undefined = useAgent("agent_1").value?.versions.length;
  void [block, sent, wrong, stop, state.result?.turn, versions];
  return [key, words, status, none, any];
}
