import { startCountingProxy } from "../counting-proxy.ts";
import { Cleanup } from "../measure/cleanup.ts";
import { startEngine } from "../measure/engine.ts";
import { startApp } from "../measure/worker-process.ts";
import { publishAgent } from "../workload/agent.ts";
import { type Said, startModelServer } from "../workload/model-server.ts";

const SENTENCE = "A sentence of an answer, as a language model says it in one piece after another. ";

/**
 * A short turn says a few sentences in a second; a usual one takes eight seconds, calls a tool that gives a kilobyte, and
 * says two hundred tokens.
 */
const TURNS: Readonly<Record<"short" | "usual", readonly Said[]>> = {
  short: [{ pieces: Array(4).fill(SENTENCE), pauseMs: 250 }],
  usual: [
    { pieces: [SENTENCE], pauseMs: 1000, tool: "look" },
    { pieces: Array(9).fill(SENTENCE), pauseMs: 750 },
  ],
};

/** Write units of a turn in a session that has had one before, on DynamoDB, counted on the wire. */
export async function countTurns(): Promise<{ readonly short: number; readonly usual: number }> {
  await using cleanup = new Cleanup();
  const engine = await startEngine();
  cleanup.add(() => engine[Symbol.asyncDispose]());
  const proxy = await startCountingProxy(engine.endpoint);
  cleanup.add(() => proxy[Symbol.asyncDispose]());
  const script: Said[] = [];
  const model = await startModelServer(() => script.shift() ?? { pieces: ["?"], pauseMs: 0 });
  cleanup.add(() => model[Symbol.asyncDispose]());
  const api = await startApp("api", {
    endpoint: proxy.endpoint,
    dataDir: engine.dataDir,
    env: { STAGEFOLD_MODEL: "openai-compatible:measured", STAGEFOLD_MODEL_URL: model.url },
  });
  cleanup.add(() => api[Symbol.asyncDispose]());
  const { client, agent_id } = await publishAgent(api.url ?? "");
  const { session_id } = await client.sessions.create({ agent_id, user_id: "ada" });
  const ask = async (said: readonly Said[]) => {
    script.push(...said);
    const from = proxy.requests.length;
    const text = "What is the mean of each column of the table that I gave you?";
    const { turn } = await client.turns.send({ session_id, text });
    for await (const _event of client.turns.watch({ session_id, turn }));
    const { status, error } = await client.turns.get({ session_id, turn });
    if (status !== "completed") throw new Error(`expected an answer, found ${status}: ${error?.message}`);
    const own = proxy.requests.slice(from).filter(({ record }) => record === `session#${session_id}`);
    return own.reduce((sum, { units }) => sum + units, 0);
  };
  await ask(TURNS.short);
  return { short: await ask(TURNS.short), usual: await ask(TURNS.usual) };
}
