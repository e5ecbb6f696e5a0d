import { z } from "zod";
import { agentIdSchema, artifactPathSchema, projectIdSchema, stageKeySchema } from "../snapshot/ids.ts";
import { timeSchema } from "../snapshot/time.ts";

/** Items of the records table, as they are stored and served. What an older writer left out has a default here. */

export const AGENT_STATUSES = ["ready", "disabled"] as const;
export const AGENT_KINDS = ["rules", "model"] as const;

export const agentStatusSchema = z.enum(AGENT_STATUSES);
export type AgentStatus = (typeof AGENT_STATUSES)[number];

const count = z.number().int().min(0);
const positive = z.number().int().min(1);

/** How an agent is run. `model`: `default`, or `<provider>:<model>` as in `STAGEFOLD_MODEL`. */
export const agentSettingsSchema = z.looseObject({
  model: z.string().default("default"),
  max_steps: positive.default(20),
  timeout_seconds: positive.default(300),
  max_output_tokens: positive.default(4000),
});

export const agentToolSchema = z.looseObject({
  name: z.string(),
  description: z.string().default(""),
  /** JSON Schema of the tool's input, where the tool says one. */
  input_schema: z.record(z.string(), z.unknown()).optional(),
});

/** A file that belongs to a version: the artifact of its project under this stage and attempt. */
export const versionFileSchema = z.looseObject({
  path: artifactPathSchema,
  stage: stageKeySchema,
  attempt: count,
});

/** What one build made: immutable. */
export const agentVersionSchema = z.looseObject({
  version: positive,
  project_id: projectIdSchema,
  run: positive,
  /** The stage and attempt that wrote the entry. */
  stage: stageKeySchema,
  attempt: count,
  at: timeSchema,
  kind: z.enum(AGENT_KINDS),
  /** Paths below the build's folder. */
  entry: artifactPathSchema,
  prompt: artifactPathSchema.optional(),
  /** Of the entry's bytes. */
  sha256: z.string().optional(),
  tools: z.array(agentToolSchema).default(() => []),
  /** Capabilities that were asked for and are missing. */
  unmet: z.array(z.string()).default(() => []),
  self_tests: z.looseObject({ passed: count, total: count }).optional(),
  /** Secrets that the agent's child process gets, by name; nothing else is inherited. */
  secrets: z.array(z.string()).default(() => []),
  /** Every file of the agent. Absent: those that the project's stages list now. */
  files: z.array(versionFileSchema).optional(),
  /** Its project was deleted with force: it cannot run any more. */
  files_gone: z.boolean().optional(),
});

/** What the table of an older platform says of the agent: shown, never added to our own figures. */
export const importedFiguresSchema = z.looseObject({
  calls: count,
  failed: count.optional(),
  avg_duration_ms: z.number().min(0).optional(),
  last_called_at: timeSchema.optional(),
  /** As they were written there. */
  status: z.string().optional(),
  version: z.string().optional(),
  project_id: z.string().optional(),
  tools: z.array(z.string()).optional(),
  capabilities: z.array(z.string()).optional(),
});

export const agentSchema = z.looseObject({
  agent_id: agentIdSchema,
  agent_name: z.string(),
  title: z.string(),
  description: z.string().default(""),
  category: z.string().optional(),
  language: z.string().optional(),
  tags: z.array(z.string()).default(() => []),
  user_id: z.string().optional(),
  /** Ids that it has elsewhere; calls accept them. */
  aliases: z.array(z.string()).default(() => []),
  status: agentStatusSchema,
  /** The version that answers. */
  version: positive,
  /** +1 on every write. */
  revision: positive,
  created_at: timeSchema,
  updated_at: timeSchema,
  settings: agentSettingsSchema.prefault({}),
  versions: z.array(agentVersionSchema),
  imported: importedFiguresSchema.optional(),
});

/** One line of the list of agents. */
export const agentRowSchema = z.looseObject({
  agent_id: agentIdSchema,
  agent_name: z.string(),
  title: z.string(),
  description: z.string().default(""),
  category: z.string().optional(),
  language: z.string().optional(),
  tags: z.array(z.string()).default(() => []),
  user_id: z.string().optional(),
  status: agentStatusSchema,
  version: positive,
  kind: z.enum(AGENT_KINDS),
  tools: count,
  unmet: count,
  created_at: timeSchema,
  updated_at: timeSchema,
});

export type ImportedFigures = z.output<typeof importedFiguresSchema>;
export type AgentSettings = z.output<typeof agentSettingsSchema>;
export type AgentTool = z.output<typeof agentToolSchema>;
export type AgentVersion = z.output<typeof agentVersionSchema>;
export type Agent = z.output<typeof agentSchema>;
export type AgentRow = z.output<typeof agentRowSchema>;
