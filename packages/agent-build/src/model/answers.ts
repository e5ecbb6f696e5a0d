import { z } from "zod";
import { agentName, toolKey } from "../documents.ts";
import { LIBRARIES } from "../libraries.ts";
import { catalogue } from "../offline/catalogue.ts";

/** What the language model is asked for: flat, every property required, as providers with strict schemas want it. */

const MAX_NEW_TOOLS = 10;
const MAX_TESTS = 8;

const fits = (schema: z.ZodType, text: string) => schema.safeParse(text).success;
const key = z
  .string()
  .refine((text) => fits(toolKey, text), "expected 1 to 48 of a-z, 0-9 and _")
  .refine((text) => !RESERVED.has(text), "expected another name: this one is a word of JavaScript");
/** Names that a module of an agent cannot import under. */
const RESERVED = new Set(
  "agent arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let main manifest new null package private protected public return static super switch this throw true try typeof var void while with yield".split(
    " ",
  ),
);
const text = z.string().refine((value) => value.trim() !== "", "expected a text");
const secretName = z
  .string()
  .refine(
    (value) => /^[A-Z][A-Z0-9_]{1,63}$/.test(value),
    "expected A-Z, 0-9 and _, such as SERVICE_API_KEY",
  );

export const analysisAnswer = z
  .object({
    agent_name: z.string().refine((value) => fits(agentName, value), "expected 1 to 48 of a-z, 0-9 and _"),
    purpose: text.refine((value) => value.length <= 200, "expected at most 200 characters"),
    language: z.enum(["en", "zh"]),
    catalogue_tools: z.array(
      z.object({
        key: z
          .string()
          .refine(
            (value) => catalogue.some((entry) => entry.key === value),
            `expected a tool of the catalogue: ${catalogue.map((entry) => entry.key).join(", ")}`,
          ),
        asked_for: z.string(),
      }),
    ),
    new_tools: z
      .array(
        z.object({
          key,
          name_en: text,
          name_zh: text,
          summary_en: text,
          summary_zh: text,
          asked_for: z.string(),
        }),
      )
      .refine((tools) => tools.length <= MAX_NEW_TOOLS, `expected at most ${MAX_NEW_TOOLS} new tools`),
    unmet: z.array(
      z.object({
        capability: key,
        name_en: text,
        name_zh: text,
        asked_for: z.string(),
        reason_en: text,
        reason_zh: text,
        keywords: z.array(z.string()),
      }),
    ),
  })
  .superRefine(({ catalogue_tools, new_tools }, context) => {
    const keys = [...catalogue_tools, ...new_tools].map((tool) => tool.key);
    if (keys.length === 0)
      context.addIssue({ code: "custom", path: ["new_tools"], message: "expected at least one tool in all" });
    for (const { key: own } of new_tools)
      if (catalogue.some((entry) => entry.key === own) || keys.filter((one) => one === own).length > 1)
        context.addIssue({
          code: "custom",
          path: ["new_tools"],
          message: `expected a key of its own, ${own} is that of another tool`,
        });
  });

export const architectureAnswer = z.object({
  overview: text,
  data_flow: z.array(text),
  constraints: z.array(text),
});

const TYPES = ["string", "number", "integer", "boolean", "list_of_strings", "list_of_numbers"] as const;

const parameter = z.object({
  name: z.string().refine((value) => /^[a-z][a-z0-9_]{0,47}$/.test(value), "expected a-z, 0-9 and _"),
  type: z.enum(TYPES),
  description: text,
  required: z.boolean(),
});
export type Parameter = z.output<typeof parameter>;

const test = z.object({
  /** The input as a text of JSON. */
  input_json: z.string(),
  files: z.array(z.object({ name: text, content: z.string() })),
  secrets: z.array(z.object({ name: secretName, value: z.string() })),
  succeeds: z.boolean(),
  /** The whole text, or null. */
  text_is: z.string().nullable(),
  /** A part of the text, or of the error's message; or null. */
  text_includes: z.string().nullable(),
  leaves: z.array(z.object({ file: text, contains: z.string() })),
});

const isSafe = (name: string) => !/^[\\/]|\0|\\|(?:^|\/)\.\.(?:\/|$)/.test(name);

const designedTool = z
  .object({
    key: z.string(),
    description: text,
    parameters: z.array(parameter),
    output: text,
    errors: z.array(text),
    libraries: z.array(
      z
        .string()
        .refine(
          (name) => Object.hasOwn(LIBRARIES, name),
          `expected one of ${Object.keys(LIBRARIES).join(", ")}`,
        ),
    ),
    network: z.boolean(),
    secrets: z.array(secretName),
    tests: z
      .array(test)
      .refine((tests) => tests.length > 0 && tests.length <= MAX_TESTS, `expected 1 to ${MAX_TESTS} tests`),
  })
  .superRefine(({ parameters, tests }, context) => {
    for (const [index, { input_json, files, leaves, text_is, text_includes }] of tests.entries()) {
      const issue = (path: string, message: string) =>
        context.addIssue({ code: "custom", path: ["tests", index, path], message });
      const wrong = inputIssue(parameters, input_json);
      if (wrong !== undefined) issue("input_json", wrong);
      for (const name of [...files.map((file) => file.name), ...leaves.map((left) => left.file)])
        if (!isSafe(name)) issue("files", `expected a relative path, found ${name}`);
      if (text_is === null && text_includes === null && leaves.length === 0)
        issue("text_includes", "expected something to compare");
    }
  });

function inputIssue(parameters: readonly Parameter[], json: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
      return "expected a JSON object";
    const unknown = Object.keys(parsed).find((name) => !parameters.some((one) => one.name === name));
    return unknown === undefined ? undefined : `expected the tool's parameters, found ${unknown}`;
  } catch {
    return "expected a text of JSON";
  }
}

/** The design of exactly these tools. */
export const designAnswerFor = (keys: readonly string[]) =>
  z.object({ tools: z.array(designedTool) }).superRefine(({ tools }, context) => {
    const found = tools.map((tool) => tool.key);
    if (found.toSorted().join() === keys.toSorted().join()) return;
    const message = `expected one design for each of ${keys.join(", ")}, found ${found.join(", ")}`;
    context.addIssue({ code: "custom", path: ["tools"], message });
  });
export type DesignedTool = z.output<typeof designedTool>;

/** A prompt that names no tool that does not exist: names of tools stand in backquotes. */
export const promptAnswerFor = (known: readonly string[]) =>
  z.object({
    system_prompt: text.superRefine((prompt, context) => {
      const named = Array.from(prompt.matchAll(/`([a-z0-9]+(?:_[a-z0-9]+)+)`/g), (found) => found[1] ?? "");
      for (const name of new Set(named))
        if (!known.includes(name))
          context.addIssue({
            code: "custom",
            message: `there is no tool ${name}; tools are ${known.join(", ")}`,
          });
    }),
    examples: z.array(text),
  });

export const sourceAnswer = z.object({
  source: z
    .string()
    .refine(
      (source) => /export\s+(?:async\s+)?(?:function\s+run\b|const\s+run\b)/.test(source),
      "expected a module that exports run",
    )
    .refine(
      (source) => !/export\s+(?:const|let|var|function)\s+(?:key|match|input_schema|secrets)\b/.test(source),
      "expected run to be the only export: key, match, input_schema and secrets are added",
    ),
});
