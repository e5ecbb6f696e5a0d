import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentSettings, AgentTool, AgentVersion } from "@stagefold/core";
import { type Model, ModelError, type ModelUsage, type ToolCall, type ToolSpec } from "@stagefold/models";
import type { SecretMask } from "@stagefold/node-files";
import { parse } from "yaml";
import { z } from "zod";
import type { AgentProcessOptions } from "./agent-process.ts";
import type { Answer } from "./answer.ts";
import type { DocumentReader } from "./document-reader.ts";
import type { Made } from "./made-files.ts";
import { toMessages, withFileNames } from "./messages.ts";
import type { TurnTrace } from "./runner.ts";
import { ToolProcess } from "./tool-process.ts";
import type { TurnFolder } from "./turn-folder.ts";

export interface Spending {
  /** Whether nothing more may be spent now. */
  isOver(): Promise<boolean>;
  /** USD of one call. */
  add(usd: number): Promise<void>;
}

export interface ModelRun {
  readonly process: AgentProcessOptions;
  readonly version: AgentVersion;
  readonly settings: AgentSettings;
  readonly folder: TurnFolder;
  readonly text: string;
  readonly model: Model;
  readonly spending: Spending;
  readonly trace: TurnTrace;
  readonly documents: DocumentReader;
  readonly mask: SecretMask;
  /** What the tools have written since it was asked last. */
  readonly collect: () => Promise<Made>;
  readonly onErrorText: (text: string) => void;
}

/** A tool that does not end by then is stopped, and its result says so. Milliseconds. */
const TOOL_MS = 60_000;
/** Characters of a result that the model is given; the turn keeps all of it. */
const MAX_RESULT = 100_000;

const promptSchema = z.looseObject({
  system_prompt: z.string(),
  tools: z
    .array(z.looseObject({ name: z.string(), input: z.array(z.string()).default(() => []) }))
    .catch(() => []),
});

/**
 * An agent of kind `model`: the loop is in this process, its tools in the agent's. Resolves with the finish reason.
 * Errors: ModelError; the signal's reason once it is aborted.
 */
export async function runModel(run: ModelRun, answer: Answer, signal: AbortSignal): Promise<string> {
  const { version, settings, folder, model } = run;
  const prompt = await readPrompt(run.process.agentFolder, version);
  await using tools = new ToolProcess(run.process, run.onErrorText);
  const textTools = new Set(version.tools.filter((tool) => !tool.input_schema).map(({ name }) => name));
  let calls = 0;
  let spent = 0;
  let adding: Promise<void> = Promise.resolve();
  const spend = (usage: { readonly cost_usd: number | null }) => {
    const usd = (usage.cost_usd ?? 0) - spent;
    spent += usd;
    if (usd > 0) adding = Promise.all([adding, run.spending.add(usd)]).then(() => undefined);
    // What could not be counted fails the next call, and the answer.
    adding.catch(() => undefined);
  };

  const runTool = async (call: ToolCall) => {
    // Providers may give the same id to calls of different steps.
    const id = `${++calls}-${call.id}`;
    if (!answer.toolStarted(id, call.name, call.input)) throw tooLong();
    const input = textTools.has(call.name) ? inputText(call.input) : call.input;
    const result = await run.trace.toolCall({ name: call.name, id }, () =>
      tools.call(id, call.name, input, TOOL_MS, signal),
    );
    // The model is another company's: it sees no secret of a tool.
    const [output, failed] = [run.mask.text(result.output), result.failed];
    const made = await run.collect();
    if (!answer.toolEnded(id, failed ? "failed" : "completed", output, made)) throw tooLong();
    return { output: withFileNames(shorten(output), made.files), failed };
  };

  const converse = model.converse({
    system: prompt.system,
    messages: await toMessages(folder, run.text, (file) => run.documents.textOf(file, folder.path, signal)),
    tools: version.tools.map((tool) => toSpec(tool, prompt.examples.get(tool.name) ?? [])),
    runTool,
    maxSteps: settings.max_steps,
    maxOutputTokens: settings.max_output_tokens,
    signal,
    beforeCall: async () => {
      await adding;
      if (await run.spending.isOver())
        throw new ModelError("BUDGET_EXCEEDED", "The day's budget for language models is used up.");
    },
    around: (ask) => run.trace.modelCall(model.name, ask),
    onText: (text) => {
      if (!answer.text(text)) throw tooLong();
    },
    onUsage: (usage, steps) => {
      answer.used({ ...countsOf(usage), steps, model: model.name });
      spend(usage);
    },
  });
  try {
    return (await converse).finish;
  } catch (error) {
    if (error instanceof ModelError && error.usage) {
      answer.used({ ...countsOf({ ...error.usage, cost_usd: error.cost_usd }), model: model.name });
      spend(error);
    }
    throw error;
  } finally {
    await adding;
  }
}

function tooLong(): ModelError {
  return new ModelError("MODEL_LIMIT", "The model's answer is too long.");
}

function countsOf({ input_tokens, output_tokens, cached_tokens, cost_usd }: ModelUsage) {
  return { input_tokens, output_tokens, cached_tokens, cost_usd: cost_usd ?? 0 };
}

async function readPrompt(agentFolder: string, version: AgentVersion) {
  if (version.prompt === undefined) return { system: "", examples: new Map<string, string[]>() };
  const text = await readFile(join(agentFolder, version.prompt), "utf8");
  // An older prompt is plain text.
  const parsed = promptSchema.safeParse(parseYaml(text));
  if (!parsed.success) return { system: text, examples: new Map<string, string[]>() };
  return {
    system: parsed.data.system_prompt,
    examples: new Map(parsed.data.tools.map(({ name, input }) => [name, input])),
  };
}

function parseYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** A tool without a schema takes a text, as on the command line. */
function toSpec({ name, description, input_schema }: AgentTool, examples: readonly string[]): ToolSpec {
  if (input_schema !== undefined) return { name, description, input_schema };
  const shown = examples.length === 0 ? "" : ` Such as: ${examples.join(" | ")}`;
  return {
    name,
    description,
    input_schema: {
      type: "object",
      properties: { input: { type: "string", description: `What the tool is to do.${shown}` } },
      required: ["input"],
      additionalProperties: false,
    },
  };
}

function inputText(input: unknown): string {
  const given = typeof input === "object" && input !== null && "input" in input ? input.input : input;
  return typeof given === "string" ? given : JSON.stringify(given ?? "");
}

function shorten(output: string): string {
  return output.length <= MAX_RESULT
    ? output
    : `${output.slice(0, MAX_RESULT).toWellFormed()}\n(${output.length - MAX_RESULT} more characters are left out)`;
}
