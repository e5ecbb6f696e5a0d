/**
 * A generated agent as a part of a program: orders come on standard input, answers go to standard output, a line of
 * JSON each. The program keeps the conversation and puts the files of a turn into the working folder.
 *
 * orders:  { type: "turn", text, files: [{ name }], history: [{ text, files: [{ name }], blocks: [...] }] }
 *          { type: "call", id, tool, input }
 * answers: { type: "ready", protocol: 1, agent, tools: [{ name, description, input, input_schema? }] }, once
 *          { type: "text", text } and { type: "tool", id, name, input, status, output }, then { type: "end" }
 *          { type: "result", id, output, failed }
 */

import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { route, runTool, SURE } from "./runtime.mjs";

/**
 * @typedef {import("./runtime.mjs").Manifest} Manifest
 * @typedef {import("./runtime.mjs").Tool} Tool
 * @typedef {import("./runtime.mjs").ToolContext} ToolContext
 * @typedef {{ name: string }} TurnFile
 * @typedef {{ text: string, files: TurnFile[], blocks: unknown[] }} PastTurn
 * @typedef {{ type: "turn", text: string, files: TurnFile[], history: PastTurn[] }} TurnOrder
 * @typedef {{ type: "call", id: string, tool: string, input: unknown }} CallOrder
 * @typedef {(answer: Record<string, unknown>) => void} Say
 */

/** Standard output is for answers alone: what tools print themselves goes to standard error. @returns {Say} */
function takeOutput() {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return (answer) => write(`${JSON.stringify(answer)}\n`);
}

/** Bytes of a file that goes to a tool as its text. */
const MAX_TEXT_BYTES = 1_000_000;

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** A file's name as an order has it. @param {string} name */
const quoted = (name) => (/\s/.test(name) ? `"${name}"` : name);

/** What a text file says, for tools that take text; undefined for other files and large ones. @param {string} path */
async function textOf(path) {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    if ((await file.stat()).size > MAX_TEXT_BYTES) return undefined;
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.readFile());
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/**
 * How a tool would take a question about a file, and how surely: what the tool itself makes of it, else the file's name,
 * else the question with the file's text behind it.
 * @param {Tool} tool @param {string} text @param {string} file @param {ToolContext} context
 */
async function orderFor(tool, text, file, context) {
  const own = await tool.about?.(text, file, context);
  if (own !== undefined) return { input: own, score: 1 };
  const named = tool.match(quoted(file));
  const content = await textOf(resolve(context.cwd, file));
  const input = content === undefined ? undefined : `${text.trim().replace(/[:：]$/u, "")}: ${content}`;
  const told = input === undefined ? 0 : tool.match(input);
  return input !== undefined && told >= named
    ? { input, score: told }
    : { input: quoted(file), score: named };
}

/**
 * The tool and its input for a question: an order that a tool is sure of, else a question about the newest files, else
 * what the command line would do.
 * @param {Manifest} manifest @param {Tool[]} tools @param {TurnOrder} order @param {ToolContext} context
 */
export async function choose(manifest, tools, order, context) {
  const surest = tools.reduce((best, tool) => Math.max(best, tool.match(order.text)), 0);
  const earlier = order.history.toReversed().flatMap((turn) => turn.files);
  const files = [...order.files, ...(surest >= SURE && order.files.length === 0 ? [] : earlier)];
  for (const { name } of files) {
    let best = { score: 0, input: "", tool: /** @type {Tool | undefined} */ (undefined) };
    for (const tool of tools) {
      const found = await orderFor(tool, order.text, name, context);
      if (found.score > best.score) best = { ...found, tool };
    }
    if (best.tool !== undefined && best.score >= SURE) return { tool: best.tool, input: best.input };
  }
  return { tool: route(manifest, tools, order.text), input: order.text };
}

/** @param {Manifest} manifest @param {Tool[]} tools @param {TurnOrder} order @param {Say} say */
async function turn(manifest, tools, order, say) {
  const context = contextOf();
  try {
    const { tool, input } = await choose(manifest, tools, order, context);
    const call = { type: "tool", id: "1", name: tool.key, input: { input } };
    say({ ...call, status: "running", output: null });
    try {
      const { text } = await runTool(tool, input, context);
      say({ ...call, status: "completed", output: text });
      say({ type: "text", text });
    } catch (error) {
      say({ ...call, status: "failed", output: messageOf(error) });
      say({ type: "text", text: messageOf(error) });
    }
  } catch (error) {
    // No tool fits: the agent says so.
    say({ type: "text", text: messageOf(error) });
  }
  say({ type: "end" });
}

/** @param {Tool[]} tools @param {CallOrder} order @param {Say} say */
async function call(tools, { id, tool: key, input }, say) {
  try {
    const tool = tools.find((one) => one.key === key);
    if (tool === undefined) throw new Error(`there is no tool ${key}`);
    const { text } = await runTool(tool, input, contextOf());
    say({ type: "result", id, output: text, failed: false });
  } catch (error) {
    say({ type: "result", id, output: messageOf(error), failed: true });
  }
}

const contextOf = () => ({ cwd: process.cwd(), now: new Date(), secrets: process.env });

/** Until standard input ends, one order after the other. @param {Manifest} manifest @param {Tool[]} tools */
export async function serve(manifest, tools) {
  const say = takeOutput();
  const described = tools.map((tool) => {
    const about = manifest.tools.find(({ key }) => key === tool.key);
    return {
      name: tool.key,
      description: about?.summary[manifest.language] ?? "",
      input: about?.input ?? [],
      ...(tool.input_schema !== undefined && { input_schema: tool.input_schema }),
    };
  });
  say({ type: "ready", protocol: 1, agent: manifest.agent_name, tools: described });
  for await (const line of createInterface({ input: process.stdin })) {
    /** @type {TurnOrder | CallOrder} */
    const order = JSON.parse(line);
    if (order.type === "turn") await turn(manifest, tools, order, say);
    else if (order.type === "call") await call(tools, order, say);
    else say({ type: "end", message: "unknown order" });
  }
}
