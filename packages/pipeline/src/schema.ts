import {
  acceptSchema,
  askSchema,
  LIMITS,
  limitsSchema,
  onTimeoutSchema,
  stageKeySchema,
  utf8Bytes,
} from "@stagefold/core/snapshot";
import { z } from "zod";
import type { StageContext } from "./context.ts";

export const DEFAULT_TIMEOUT_SECONDS = 3600;
export const DEFAULT_RETRY = { attempts: 1, backoff_seconds: 5 } as const;
const DAY_SECONDS = 86_400;

export const pipelineName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    "expected 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit",
  );

const text = z.string().min(1).max(1000);
export const localisedText = z.union([
  text,
  z
    .record(
      z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, "expected a language such as en or zh"),
      text,
    )
    .refine((texts) => Object.keys(texts).length > 0, "expected at least one language"),
]);

export const retry = z.strictObject({
  attempts: z.int().min(1).max(20).default(DEFAULT_RETRY.attempts),
  backoff_seconds: z.number().min(0).max(DAY_SECONDS).default(DEFAULT_RETRY.backoff_seconds),
  final_codes: z.array(z.string().min(1)).optional(),
});

const glob = z
  .string()
  .min(1)
  .refine((pattern) => !pattern.includes("\0"), "expected a pattern without NUL")
  .refine((pattern) => !/^([A-Za-z]:)?[\\/]/.test(pattern), "expected a pattern relative to the workspace")
  .refine(
    (pattern) => !pattern.split(/[\\/]/).includes(".."),
    "expected a pattern that stays below the workspace",
  );

/** Bytes that Linux takes of one argument or environment entry, with its end (`MAX_ARG_STRLEN`), and of all here. */
const MAX_ENTRY = 128 * 1024 - 1;
const MAX_ENV = 1024 * 1024;

const envMap = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of an environment variable"),
    z
      .string("expected a text (in quotes where YAML reads something else)")
      .refine((value) => !value.includes("\0"), "expected a value without NUL"),
  )
  .superRefine((values, context) => {
    let all = 0;
    for (const [name, value] of Object.entries(values)) {
      const bytes = utf8Bytes(name) + utf8Bytes(value) + 1;
      all += bytes;
      if (bytes <= MAX_ENTRY && all <= MAX_ENV) continue;
      const message =
        bytes > MAX_ENTRY
          ? `expected at most ${MAX_ENTRY} bytes for ${name}, which has ${bytes}; put it into a file`
          : `expected at most ${MAX_ENV} bytes for all of env, which ${name} goes beyond`;
      context.addIssue({ code: "custom", path: [name], message });
      return;
    }
  });

/** z.record leaves a name `__proto__` out without a word, and no object keeps one for long. */
const env = z
  .custom<z.input<typeof envMap>>((value) => !Object.hasOwn(Object(value), "__proto__"), {
    path: ["__proto__"],
    message: "no environment can have this name here",
  })
  .pipe(envMap);

const isFunction = (value: unknown): value is (ctx: StageContext) => unknown => typeof value === "function";
const isZodType = (value: unknown): value is z.ZodType => value instanceof z.ZodType;

const secretNames = z
  .array(
    z
      .string()
      .regex(
        /^[A-Z][A-Z0-9_]{0,63}$/,
        "expected the name of a secret: A-Z, 0-9 and _, beginning with a letter",
      )
      .refine(
        (name) => !name.startsWith("STAGEFOLD_"),
        "expected a name that does not begin with STAGEFOLD_",
      ),
  )
  .max(32)
  .refine((names) => new Set(names).size === names.length, "expected each name once");

const stageFields = {
  stage: stageKeySchema,
  stage_name: localisedText.optional(),
  weight: z.number().positive().max(1_000_000).default(1),
  when: acceptSchema
    .refine((values) => Object.keys(values).length > 0, "expected at least one field of the input")
    .optional(),
  needs: z.array(z.string("expected the key of a stage")).max(LIMITS.stages).optional(),
  if: z.string().min(1).optional(),
  finally: z.boolean().optional(),
  allow_failure: z.boolean().optional(),
  agent_name: z.string().min(1).max(128).optional(),
  timeout_seconds: z.number().min(1).max(DAY_SECONDS).default(DEFAULT_TIMEOUT_SECONDS),
  retry: retry.default({ ...DEFAULT_RETRY }),
  secrets: secretNames.optional(),
  memory_mb: z.int().min(64).max(1_048_576).optional(),
};

export const commandStage = z
  .strictObject({
    ...stageFields,
    command: z
      .string()
      .min(1)
      .refine((command) => !command.includes("\0"), "expected a command without NUL")
      .refine(
        (command) => utf8Bytes(command) <= MAX_ENTRY,
        `expected at most ${MAX_ENTRY} bytes; put what is longer into a file`,
      ),
    env: env.default({}),
    artifacts: z.array(glob).default([]),
  })
  .superRefine(({ env: values, secrets = [] }, context) => {
    const twice = secrets.find((name) => Object.hasOwn(values, name));
    if (twice === undefined) return;
    const message = `expected a name of its own, env has ${twice} too`;
    context.addIssue({ code: "custom", path: ["secrets", secrets.indexOf(twice)], message });
  });

export const runStage = z.strictObject({
  ...stageFields,
  output: z.custom<z.ZodType>(isZodType, "expected a zod schema").optional(),
  run: z.custom<(ctx: StageContext) => unknown>(isFunction, "expected a function"),
});

const question = z
  .union([askSchema.shape.question, localisedText])
  .refine(
    (value) => Object.values(typeof value === "string" ? { value } : value).every(isShort),
    `expected at most ${LIMITS.question} bytes`,
  );

function isShort(text: string): boolean {
  return utf8Bytes(text) <= LIMITS.question;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const schemaOfValues = z.custom<z.ZodType | Record<string, unknown>>(
  (value) => isZodType(value) || isMap(value),
  "expected a zod schema or a JSON Schema",
);
const ask = z.custom<(ctx: StageContext) => unknown>(isFunction, "expected a function");

/** What a gate asks, as a stage's own functions may make it. */
export const gateQuestion = z.strictObject({
  question,
  timeout_seconds: askSchema.shape.timeout_seconds,
  on_timeout: onTimeoutSchema.default("fail"),
});

export const gate = z.strictObject({
  question: z.union([question, ask]),
  answer: schemaOfValues.optional(),
  accept: acceptSchema.optional(),
  timeout_seconds: z.union([askSchema.shape.timeout_seconds, ask]),
  on_timeout: z.union([onTimeoutSchema, ask]).default("fail"),
});

export const gateStage = z.strictObject({
  stage: stageFields.stage,
  stage_name: stageFields.stage_name,
  weight: stageFields.weight,
  agent_name: stageFields.agent_name,
  when: stageFields.when,
  needs: stageFields.needs,
  if: stageFields.if,
  finally: stageFields.finally,
  allow_failure: stageFields.allow_failure,
  gate,
});

export const pipelineHead = z.strictObject({
  name: pipelineName,
  version: z.string().min(1).max(64).optional(),
  description: localisedText.optional(),
  max_running: z.int().min(1).optional(),
  publishes: z.literal("agent").optional(),
  input: schemaOfValues.optional(),
  requirement: z.enum(["required", "optional"]).optional(),
  limits: limitsSchema.optional(),
  retention_days: z.number().min(0.01).max(36_500).optional(),
  stages: z.array(z.unknown()).min(1).max(LIMITS.stages),
});

const moduleAction = z.strictObject({ kind: z.literal("module"), file: z.string(), source: z.string() });
const commandAction = z.strictObject({
  kind: z.literal("command"),
  command: z.string(),
  env: z.record(z.string(), z.string()),
  artifacts: z.array(z.string()),
});

const gateAction = z.strictObject({
  kind: z.literal("gate"),
  answer: z.record(z.string(), z.unknown()).optional(),
  accept: acceptSchema.optional(),
  asks: z.union([gateQuestion, z.strictObject({ module: z.string(), source: z.string() })]),
});

/** A checked pipeline as another process describes it: without functions and schemas. */
export const describedPipeline = z.strictObject({
  ...pipelineHead.shape,
  version: z.string().min(1).max(64),
  input: z.record(z.string(), z.unknown()).optional(),
  requirement: z.enum(["required", "optional"]),
  stages: z
    .array(
      z.strictObject({
        ...stageFields,
        stage_name: localisedText,
        action: z.discriminatedUnion("kind", [moduleAction, commandAction, gateAction]),
      }),
    )
    .min(1)
    .max(LIMITS.stages),
});
