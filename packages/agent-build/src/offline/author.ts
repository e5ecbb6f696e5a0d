import type { AgentAuthor } from "../author.ts";
import { analyse } from "./analyse.ts";
import { assetSource } from "./assets.ts";
import { catalogueEntry } from "./catalogue.ts";
import { planAgent, planArchitecture, planPrompt } from "./plan.ts";
import { writeAgent } from "./write-agent.ts";

/**
 * Chooses from a catalogue of tools by the words of the requirement. It understands no text and writes no code of its
 * own: what the catalogue lacks is listed as unmet. The same requirement always gives the same agent.
 */
export const offlineAuthor: AgentAuthor = {
  name: "offline catalogue",
  kind: "rules",
  analyse: async (brief) => analyse(brief),
  architect: async (requirements) => planArchitecture(requirements),
  design: async (requirements) => planAgent(requirements),
  prompt: async (requirements, design) => planPrompt(requirements, design),
  tool: async (key) => await assetSource(`tools/${catalogueEntry(key).key}.mjs`),
  repair: async () => undefined,
  agent: async (requirements, design) => await writeAgent(requirements, design, "rules"),
};
