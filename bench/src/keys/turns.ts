import { countTurns } from "../counts/turns.ts";
import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { figureOf } from "../measure/figure.ts";
import { startApp } from "../measure/worker-process.ts";
import { publishAgent } from "../workload/agent.ts";
import { startModelServer } from "../workload/model-server.ts";
import type { Measurement } from "./measurement.ts";

/** What talking costs on DynamoDB, and how soon a reader sees what the model says. */
export const turns: Measurement = {
  keys: ["turn_units", "first_text_ms"],
  async run({ short }) {
    return { turn_units: await countTurns(), first_text_ms: figureOf(await firstTexts(short ? 5 : 30)) };
  },
};

/** From the model's first piece of text until a reader of the turn has it, over HTTP. */
async function firstTexts(rounds: number): Promise<number[]> {
  await using cleanup = new Cleanup();
  const dataDir = await newDataDir(cleanup);
  const model = await startModelServer(() => ({ pieces: Array(10).fill("Some words. "), pauseMs: 60 }));
  cleanup.add(() => model[Symbol.asyncDispose]());
  const api = await startApp("api", {
    dataDir,
    env: { STAGEFOLD_MODEL: "openai-compatible:measured", STAGEFOLD_MODEL_URL: model.url },
  });
  cleanup.add(() => api[Symbol.asyncDispose]());
  const { client, agent_id } = await publishAgent(api.url ?? "");
  const { session_id } = await client.sessions.create({ agent_id });
  const times: number[] = [];
  // The first one warms up.
  for (let round = 0; round <= rounds; round++) {
    const { turn } = await client.turns.send({ session_id, text: "Say something." });
    let seenAt: number | undefined;
    for await (const event of client.turns.watch({ session_id, turn })) {
      const isText = event.event === "text" || (event.event === "turn" && event.turn.blocks.length > 0);
      if (isText) seenAt ??= performance.now();
    }
    if (seenAt === undefined) throw new Error("expected a text");
    if (round > 0) times.push(seenAt - model.firstChunkAt);
  }
  return times;
}
