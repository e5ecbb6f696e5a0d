/** The command line of a generated agent: finds the tool for an input, runs it and prints what comes of it. */

/**
 * @typedef {{ cwd: string, now: Date, secrets: Record<string, string | undefined> }} ToolContext
 * @typedef {{ text: string, data: unknown }} ToolResult
 * @typedef {{ key: string, match: (input: string) => number, run: (input: any, context: ToolContext) => ToolResult | Promise<ToolResult>, secrets?: readonly string[], reads?: RegExp, input_schema?: Record<string, unknown>, about?: (text: string, file: string, context: ToolContext) => string | undefined | Promise<string | undefined> }} Tool
 * @typedef {{ en: string, zh: string }} Texts
 * @typedef {{ capability: string, name: Texts, phrase: string, reason: Texts, keywords: string[] }} Unmet
 * @typedef {{ kind?: "rules" | "model", prompt?: string, agent_name: string, purpose: string, language: "en" | "zh", tools: { key: string, name: Texts, summary: Texts, input: string[] }[], unmet: Unmet[] }} Manifest
 * @typedef {{ json: boolean, tool: string | undefined, input: string | undefined, action: "run" | "help" | "describe" | "serve" }} Order
 */

/** From here on a tool is sure enough that nothing else is considered. */
export const SURE = 0.5;

/** @param {string} message */
const usageError = (message) => Object.assign(new Error(message), { code: "USAGE" });

/** @param {string[]} argv @returns {Order} */
export function readOrder(argv) {
  /** @type {Order} */
  const order = { json: false, tool: undefined, input: undefined, action: "run" };
  /** @type {string[]} */
  const words = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "--") {
      words.push(...argv.slice(at + 1));
      break;
    }
    if (word === "--json") order.json = true;
    else if (word === "--help" || word === "-h") order.action = "help";
    else if (word === "--describe") order.action = "describe";
    else if (word === "--serve") order.action = "serve";
    else if (word === "--tool") {
      at += 1;
      order.tool = argv[at];
      if (order.tool === undefined) throw usageError("expected the key of a tool after --tool");
    } else if (word.startsWith("--")) throw usageError(`unknown option ${word}, see --help`);
    else words.push(word);
  }
  if (words.length > 0) order.input = words.join(" ");
  return order;
}

/** @param {Manifest} manifest @param {Texts} texts */
const inLanguage = (manifest, texts) => texts[manifest.language];

/** @param {Manifest} manifest */
function unmetLines(manifest) {
  return manifest.unmet.map(
    (part) =>
      `  ${inLanguage(manifest, part.name)}: ${JSON.stringify(part.phrase)} (${inLanguage(manifest, part.reason)})`,
  );
}

/** @param {Manifest} manifest */
export function helpText(manifest) {
  const zh = manifest.language === "zh";
  const tools = manifest.tools.flatMap((tool) => [
    `  ${tool.key}: ${inLanguage(manifest, tool.summary)}`,
    ...tool.input.map((example) => `      ${example}`),
  ]);
  return [
    `${manifest.agent_name}: ${manifest.purpose}`,
    "",
    zh
      ? "用法: node <agent>.mjs [--json] [--tool <key>] <输入>   （- 表示标准输入，@文件 表示文件内容）"
      : "usage: node <agent>.mjs [--json] [--tool <key>] <input>   (- is standard input, @file the content of a file)",
    "       node <agent>.mjs --help | --describe",
    "",
    zh ? "工具:" : "tools:",
    ...tools,
    ...(manifest.unmet.length === 0
      ? []
      : ["", zh ? "需求中未实现的部分:" : "asked for, but not part of this agent:", ...unmetLines(manifest)]),
  ].join("\n");
}

/** `generat* images` finds "generating images"; Chinese words match anywhere. @param {string} word */
function keywordPattern(word) {
  const escaped = word.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  if (/[\u3400-\u9fff]/.test(word)) return new RegExp(escaped.replaceAll("*", ".{0,12}?"), "iu");
  const stem = escaped.replaceAll("*", "[a-z]*").replaceAll(" ", "[\\s_-]+");
  return new RegExp(`(?<![a-z0-9])${stem}(?![a-z0-9])`, "iu");
}

/** The unmet part that an input asks for, recognised by its words. @param {Manifest} manifest @param {string} input */
export function unmetPart(manifest, input) {
  const text = input.slice(0, 2000);
  return manifest.unmet.find((part) => part.keywords.some((word) => keywordPattern(word).test(text)));
}

/** @param {Tool[]} tools @param {string} input */
function bestTool(tools, input) {
  let best = { score: 0, tool: /** @type {Tool | undefined} */ (undefined) };
  for (const tool of tools) {
    const score = tool.match(input);
    if (score > best.score) best = { score, tool };
  }
  return best;
}

/** A clear tool first, then what the agent is known to lack, then a tool that takes any text. @param {Manifest} manifest @param {Tool[]} tools @param {string} input */
export function route(manifest, tools, input) {
  const best = bestTool(tools, input);
  if (best.tool !== undefined && best.score >= SURE) return best.tool;
  const part = unmetPart(manifest, input);
  if (part !== undefined) {
    const name = inLanguage(manifest, part.name);
    const reason = inLanguage(manifest, part.reason);
    const message =
      manifest.language === "zh"
        ? `本智能体不支持「${name}」: ${reason}`
        : `this agent cannot do this: ${name} (${reason})`;
    throw Object.assign(new Error(message), { code: "UNMET" });
  }
  if (best.tool !== undefined) return best.tool;
  const known = manifest.tools.map((tool) => tool.key).join(", ");
  if (manifest.kind === "model") {
    const message =
      manifest.language === "zh"
        ? `本智能体由语言模型回答: 请设置 STAGEFOLD_MODEL 和密钥, 或用 --tool 运行工具: ${known}`
        : `this agent answers with a language model: set STAGEFOLD_MODEL and its key, or run a tool with --tool: ${known}`;
    throw Object.assign(new Error(message), { code: "NO_MODEL" });
  }
  const message =
    manifest.language === "zh"
      ? `没有适合该输入的工具。可用: ${known}（见 --help）`
      : `no tool fits this input. Tools: ${known} (see --help)`;
  throw Object.assign(new Error(message), { code: "NO_TOOL" });
}

async function readStandardInput() {
  let text = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) text += chunk;
  return text;
}

/** `-` is standard input; `@path` a file, read by the surest of the agent's tools that read files. @param {string} input @param {Tool[]} tools @param {ToolContext} context */
async function contentOf(input, tools, context) {
  if (input === "-") return await readStandardInput();
  const path = /^@(\S+)$/.exec(input)?.[1];
  if (path === undefined) return input;
  const readers = tools.filter((tool) => tool.reads?.test(path));
  const reader = bestTool(readers, path).tool ?? readers[0];
  if (reader === undefined)
    throw usageError(
      "this agent has no tool that reads such files, so @file cannot be read; use - for standard input",
    );
  return (await reader.run(path, context)).text;
}

/** What a tool with an input schema takes, of a text of JSON. @param {Tool} tool @param {string} text @returns {Record<string, unknown>} */
function objectOf(tool, text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${tool.key}: expected its input as JSON, such as {"name": "value"}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${tool.key}: expected a JSON object`);
  for (const name of Array.isArray(tool.input_schema?.required) ? tool.input_schema.required : [])
    if (!Object.hasOwn(value, name)) throw new Error(`${tool.key}: expected ${name} in its input`);
  return value;
}

/** What a language model sees of a tool; one without a schema takes a text, as on the command line. @param {Manifest} manifest @param {Tool} tool */
function specOf(manifest, tool) {
  const about = manifest.tools.find(({ key }) => key === tool.key);
  const examples = about === undefined || tool.input_schema ? "" : ` Such as: ${about.input.join(" | ")}`;
  return {
    name: tool.key,
    description: `${about === undefined ? tool.key : about.summary[manifest.language]}${examples}`,
    input_schema: tool.input_schema ?? {
      type: "object",
      properties: { input: { type: "string" } },
      required: ["input"],
      additionalProperties: false,
    },
  };
}

/** The answer of the language model that the environment names. @param {Manifest} manifest @param {Tool[]} tools @param {string} text @param {ToolContext} context */
async function modelAnswer(manifest, tools, text, context) {
  // Beside this module in an agent of the kind that has one.
  const file = "./model.mjs";
  const { answerWithModel } = await import(file);
  return await answerWithModel({
    prompt: new URL(`../../../${manifest.prompt}`, import.meta.url),
    text,
    tools: tools.map((tool) => specOf(manifest, tool)),
    env: context.secrets,
    runTool: async (/** @type {string} */ name, /** @type {any} */ input) => {
      const tool = tools.find(({ key }) => key === name);
      if (tool === undefined) throw new Error(`there is no tool ${name}`);
      const taken = tool.input_schema === undefined ? String(input?.input ?? "") : input;
      return (await runTool(tool, taken, context)).text;
    },
  });
}

/** @param {Manifest} manifest @param {Tool[]} tools @param {Order} order @param {ToolContext} context */
async function answer(manifest, tools, order, context) {
  const given = order.input ?? (process.stdin.isTTY ? undefined : await readStandardInput());
  if (given === undefined || given.trim() === "") throw usageError("expected an input, see --help");
  const input = await contentOf(given, tools, context);
  if (order.tool === undefined && manifest.kind === "model" && context.secrets.STAGEFOLD_MODEL)
    return { tool: "model", ...(await modelAnswer(manifest, tools, input, context)) };
  const tool =
    order.tool === undefined ? route(manifest, tools, input) : tools.find(({ key }) => key === order.tool);
  if (tool === undefined)
    throw usageError(`unknown tool ${order.tool}, expected one of ${tools.map(({ key }) => key).join(", ")}`);
  const { text, data } = await runTool(tool, input, context);
  return { tool: tool.key, text, data };
}

/** Runs a tool, which gets the secrets that it names and no others. A text becomes an object for a tool that takes one. @param {Tool} tool @param {unknown} input @param {ToolContext} context */
export async function runTool(tool, input, context) {
  const secrets = Object.fromEntries((tool.secrets ?? []).map((name) => [name, context.secrets[name]]));
  const taken = tool.input_schema !== undefined && typeof input === "string" ? objectOf(tool, input) : input;
  return await tool.run(taken, { ...context, secrets });
}

/**
 * Runs one order. Exit codes: 0 done, 1 it could not be done (the reason is on standard error), 2 wrong usage.
 * @param {Manifest} manifest @param {Tool[]} tools @param {string[]} argv
 */
export async function main(manifest, tools, argv) {
  const json = argv.includes("--json");
  process.stdout.on("error", endQuietly);
  try {
    const order = readOrder(argv);
    if (order.action === "help" || order.input?.trim().toLowerCase() === "help")
      return print(helpText(manifest));
    if (order.action === "describe") return print(JSON.stringify(manifest, null, 2));
    if (order.action === "serve") return await (await import("./serve.mjs")).serve(manifest, tools);
    const context = { cwd: process.cwd(), now: new Date(), secrets: process.env };
    const result = await answer(manifest, tools, order, context);
    print(
      json
        ? JSON.stringify({
            agent: manifest.agent_name,
            tool: result.tool,
            result: result.data,
            text: result.text,
          })
        : result.text,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code =
      error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "FAILED";
    process.exitCode = code === "USAGE" ? 2 : 1;
    if (json) print(JSON.stringify({ agent: manifest.agent_name, error: { code, message } }));
    process.stderr.write(`${message}\n`);
  }
}

/** A reader that has seen enough, such as `head`, is no failure. @param {NodeJS.ErrnoException} error */
function endQuietly(error) {
  if (error.code !== "EPIPE") throw error;
  process.exit();
}

/** @param {string} text */
function print(text) {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}
