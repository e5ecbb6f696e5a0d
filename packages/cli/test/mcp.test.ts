import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { start } from "./run.ts";
import { serve } from "./server.ts";

test("mcp serves the protocol on stdin and stdout, and ends when its client does", async () => {
  const server = await serve();
  try {
    const child = start(["mcp"], { STAGEFOLD_URL: server.url }, { stdin: "pipe" });
    const { stdin, stdout } = child;
    if (!stdin || !stdout) throw new Error("expected pipes");
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const ask = async (id: number, method: string, params: object): Promise<unknown> => {
      stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
      const { value } = await lines.next();
      return JSON.parse(value ?? "null");
    };
    const client = {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "t", version: "1" },
    };
    expect(await ask(1, "initialize", client)).toMatchObject({
      id: 1,
      result: { serverInfo: { name: "stagefold" } },
    });
    const call = { name: "create_build", arguments: { requirement: "from a shell" } };
    const made = await ask(2, "tools/call", call);
    expect(made).toMatchObject({ id: 2, result: { structuredContent: { requirement: "from a shell" } } });
    const ended = once(child, "close");
    stdin.end();
    expect((await ended)[0]).toBe(0);
  } finally {
    await server.close();
  }
});
