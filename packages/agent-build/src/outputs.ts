import { z } from "zod";

/**
 * What each stage of `agent-build` leaves in the project's item. The item is read whole on every page and billed by
 * its size, so these are references and counts; what is long is in the stage's document.
 */
const path = z.string().min(1).max(512);
const count = z.int().min(0);

export const unmetOutput = z.object({
  /** Key of a capability that is known but has no tool; `not_understood` for text that nothing matched. */
  capability: z.string().max(64),
  /** The words of the requirement, shortened. */
  phrase: z.string().max(64),
});

export const requirementsOutput = z.object({
  agent_name: z.string().regex(/^[a-z0-9_]{1,48}$/),
  purpose: z.string().max(200),
  language: z.enum(["en", "zh"]),
  tools: z.array(z.string()).min(1),
  /** As many as fit in about a kilobyte; the document has all of them. */
  unmet: z.array(unmetOutput),
  unmet_total: count,
  document: path,
});

/** What a reviewer said of the design, and what came of it. */
export const revisionOutput = z.object({
  revised: z.boolean(),
  tools: z.array(z.string()),
});

export const architectureOutput = z.object({ components: z.array(z.string()), document: path });

export const designOutput = z.object({ routes: z.array(z.string()), self_tests: count, document: path });

export const promptOutput = z.object({ prompt: path, characters: count });

export const toolsOutput = z.object({
  folder: path,
  tools: z.array(z.object({ tool: z.string(), bytes: count })),
});

export const agentOutput = z.object({
  agent: path,
  run: z.string(),
  kind: z.enum(["rules", "model"]),
  /** What the record of the agent is made of: paths, tools, and the secrets that its tools read, by name. */
  entry: path,
  prompt: path,
  tools: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      input_schema: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  secrets: z.array(z.string()),
  self_tests: z.object({ passed: count, total: count }),
  /** Capabilities that the requirement asks for and the agent says it lacks. */
  unmet: z.array(z.string()),
});
