import { z } from "zod";

/** The stage documents, as they are written to `docs/<agent>/` and read again by later stages. */

const texts = z.object({ en: z.string(), zh: z.string() });
export type Texts = z.output<typeof texts>;

export const agentName = z.string().regex(/^[a-z0-9_]{1,48}$/);
export const toolKey = z.string().regex(/^[a-z0-9_]{1,48}$/);

/** The capability of what nothing matched. */
export const NOT_UNDERSTOOD = "not_understood";

export const unmetPart = z.object({
  /** Its key, or `NOT_UNDERSTOOD`. */
  capability: z.string(),
  name: texts,
  /** The words of the requirement that ask for it. */
  phrase: z.string(),
  reason: texts,
  /** Words by which the agent recognises, in what it is asked later, that this is wanted. */
  keywords: z.array(z.string()),
});
export type UnmetPart = z.output<typeof unmetPart>;

export const requirementsDocument = z.object({
  /** The name of the author, who writes the rest of the agent too. */
  author: z.string().default("offline catalogue"),
  agent_name: agentName,
  purpose: z.string().max(200),
  language: z.enum(["en", "zh"]),
  requirement: z.string(),
  tools: z
    .array(z.object({ key: toolKey, name: texts, summary: texts, phrases: z.array(z.string()) }))
    .min(1),
  unmet: z.array(unmetPart),
  /** More parts were found than are listed, for a very long requirement. */
  unmet_omitted: z.int().min(0),
});
export type RequirementsDocument = z.output<typeof requirementsDocument>;

export const architectureDocument = z.object({
  agent_name: agentName,
  overview: z.string(),
  components: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(["entry", "runtime", "tool", "data"]),
      path: z.string(),
      responsibility: z.string(),
      depends_on: z.array(z.string()),
    }),
  ),
  data_flow: z.array(z.string()),
  constraints: z.array(z.string()),
  unmet: z.array(z.string()),
});
export type ArchitectureDocument = z.output<typeof architectureDocument>;

/** One run of the finished agent and what must come of it. */
export const selfTest = z.object({
  tool: z.string(),
  /** Arguments of the agent; `{loopback}` stands for the address of the server in `loopback.ts`. */
  args: z.array(z.string()),
  /** Secrets for this test, made up; `{loopback}` as in `args`. */
  env: z.record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), z.string()).optional(),
  /** Files that lie in the folder it runs in. */
  files: z.record(z.string(), z.string()).optional(),
  exit: z.int(),
  /** The whole standard output, without the line break at its end. */
  stdout: z.string().optional(),
  /** Something that standard output (exit 0) or standard error contains. */
  includes: z.string().optional(),
  /** Files that the agent leaves in the folder, and a text that each contains. */
  leaves: z.record(z.string(), z.string()).optional(),
});
export type SelfTest = z.output<typeof selfTest>;

export const designDocument = z.object({
  agent_name: agentName,
  commands: z.array(z.object({ usage: z.string(), does: z.string() })),
  routes: z.array(z.object({ tool: toolKey, rule: z.string() })),
  tools: z.array(
    z.object({
      key: toolKey,
      input: z.array(z.string()),
      output: z.string(),
      errors: z.array(z.string()),
      /** For a language model that calls it. */
      description: z.string().optional(),
      /** JSON Schema of its input, an object; without one the input is a text. */
      input_schema: z.record(z.string(), z.unknown()).optional(),
      /** Its self-tests may reach the network. */
      network: z.boolean().default(false),
      /** Secrets that it reads, by name. */
      secrets: z.array(z.string()).default([]),
    }),
  ),
  self_tests: z.array(selfTest).min(1),
  unmet: z.array(z.string()),
});
export type DesignDocument = z.output<typeof designDocument>;
/** As an author writes it. */
export type DesignDraft = z.input<typeof designDocument>;
export type RequirementsDraft = z.input<typeof requirementsDocument>;
