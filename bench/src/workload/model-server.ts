import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the model says in one call: pieces of text, a pause before each, and perhaps a call of a tool at the end. */
export interface Said {
  readonly pieces: readonly string[];
  readonly pauseMs: number;
  readonly tool?: string;
}

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** When the first piece of the last call was written, as `performance.now()` says it. */
  readonly firstChunkAt: number;
}

/** An OpenAI-compatible server in this process that says what it is told to, a call after the other. */
export async function startModelServer(next: () => Said): Promise<ModelServer> {
  let firstChunkAt = 0;
  const answer = async (res: ServerResponse) => {
    const { pieces, pauseMs, tool } = next();
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.flushHeaders();
    const send = (delta: object, finish_reason: string | null = null) =>
      res.write(`data: ${JSON.stringify({ id: "1", choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
    for (const [i, content] of pieces.entries()) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (i === 0) firstChunkAt = performance.now();
      send({ content });
    }
    const call = { index: 0, id: "call_1", type: "function", function: { name: tool, arguments: "{}" } };
    if (tool !== undefined) send({ tool_calls: [call] });
    send({}, tool === undefined ? "stop" : "tool_calls");
    const usage = { prompt_tokens: 900, completion_tokens: 200, total_tokens: 1100 };
    res.end(`data: ${JSON.stringify({ id: "1", choices: [], usage })}\n\ndata: [DONE]\n\n`);
  };
  const server = createServer((req, res) => {
    req.resume();
    req.once("end", () => void answer(res));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    get firstChunkAt() {
      return firstChunkAt;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
