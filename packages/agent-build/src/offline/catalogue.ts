import { documentTools } from "./catalogue-documents.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { fileTools } from "./catalogue-files.ts";
import { numberTools } from "./catalogue-numbers.ts";
import { textTools } from "./catalogue-text.ts";
import { webTools } from "./catalogue-web.ts";

/** All tools an offline build can choose from. The order decides between tools that are equally sure of an input. */
export const catalogue: readonly CatalogueEntry[] = [
  ...numberTools,
  ...fileTools,
  ...documentTools,
  ...webTools,
  ...textTools,
];

/** What an agent gets when nothing in its requirement matches: something that works on any text. */
export const FALLBACK_TOOL = "text_statistics";

/** Throws a RangeError for a key that the catalogue does not have. */
export function catalogueEntry(key: string): CatalogueEntry {
  const entry = catalogue.find((candidate) => candidate.key === key);
  if (entry !== undefined) return entry;
  throw new RangeError(
    `expected a tool of the catalogue (${catalogue.map((tool) => tool.key).join(", ")}), found ${key}`,
  );
}
