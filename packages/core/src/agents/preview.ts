import { AGENT_LIMITS } from "./limits.ts";

/** How a text begins, on one line, as lists show it. */
export function previewText(text: string): string {
  const line = text
    .slice(0, 4 * AGENT_LIMITS.preview)
    .replace(/\s+/g, " ")
    .trim();
  // A character that is cut in two would be no text.
  return line.slice(0, AGENT_LIMITS.preview).replace(/[\uD800-\uDBFF]$/, "");
}
