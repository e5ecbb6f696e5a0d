import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";
import { start } from "./run.ts";
import { serve } from "./server.ts";

const TOOL = /`((?:list|get|create|wait_for|read|pause|resume|cancel|retry(?!_after)|answer|ask)_[a-z_]+)`/g;
const listing = z.object({ result: z.object({ tools: z.array(z.object({ name: z.string() })) }) });

const client = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } };

test("one Ctrl-C ends mcp", async () => {
  const child = start(["mcp"], {}, { stdin: "pipe" });
  const ended = once(child, "close");
  child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: client })}\n`);
  await Promise.race([once(child.stdout ?? child, "data"), ended]);
  child.kill("SIGINT");
  expect(await ended).toEqual([null, "SIGINT"]);
});

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
    expect(await ask(1, "initialize", client)).toMatchObject({
      id: 1,
      result: { serverInfo: { name: "stagefold" } },
    });
    const call = { name: "create_build", arguments: { requirement: "from a shell" } };
    const made = await ask(2, "tools/call", call);
    expect(made).toMatchObject({ id: 2, result: { structuredContent: { requirement: "from a shell" } } });
    // What the package tells agents names tools that exist.
    const { tools } = listing.parse(await ask(3, "tools/list", {})).result;
    const known = new Set(tools.map(({ name }) => name));
    for (const file of ["skill/SKILL.md", "llms.txt"]) {
      const text = await readFile(new URL(`../${file}`, import.meta.url), "utf8");
      const named = [...text.matchAll(TOOL)].map(([, name]) => name ?? "");
      expect(named.length).toBeGreaterThan(8);
      expect(named.filter((name) => !known.has(name))).toEqual([]);
    }
    const ended = once(child, "close");
    stdin.end();
    expect((await ended)[0]).toBe(0);
  } finally {
    await server.close();
  }
});
