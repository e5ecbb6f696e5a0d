import type { AgentBrief } from "../author.ts";
import { NOT_UNDERSTOOD, type RequirementsDraft, type UnmetPart } from "../documents.ts";
import { shorten } from "../shorten.ts";
import { catalogue, catalogueEntry, FALLBACK_TOOL } from "./catalogue.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { findCapabilities, type Hit, partsWithoutHit } from "./find-capabilities.ts";
import { type Gap, gapReasons, gaps } from "./gaps.ts";
import { agentNameFor } from "./name.ts";

const MAX_UNMET = 40;
const MAX_PHRASES = 5;

const gapOf = (hit: Hit): Gap | undefined => gaps.find((gap) => gap.key === hit.capability.key);

/** Chinese where at least a fifth of the letters are Chinese: such texts are full of Latin product names. */
export function languageOf(text: string): "en" | "zh" {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  return han > 0 && han * 4 >= latin ? "zh" : "en";
}

/** The first sentence, on one line. */
function purposeOf(requirement: string): string {
  const line = requirement.replace(/[\s\p{Cc}]+/gu, " ").trim();
  const sentence = /^.+?(?:[。！？!?]|\.(?=\s|$))/u.exec(line)?.[0] ?? line;
  return shorten(sentence, 120);
}

/** The tools that were found, with those they need, in the order of the catalogue. */
function toolsFor(hits: readonly Hit[]): CatalogueEntry[] {
  const wanted = new Set(hits.map((hit) => hit.capability.key));
  const found = catalogue.filter((entry) => wanted.has(entry.key));
  const chosen = found.length > 0 ? found : [catalogueEntry(FALLBACK_TOOL)];
  const keys = new Set(chosen.flatMap((entry) => [entry.key, ...entry.needs]));
  return catalogue.filter((entry) => keys.has(entry.key));
}

const phrasesOf = (hits: readonly Hit[], key: string): string[] => {
  const phrases = hits.filter((hit) => hit.capability.key === key).map((hit) => hit.phrase);
  return [...new Set(phrases)].slice(0, MAX_PHRASES);
};

/** Where a gap is named several times, it is listed once, with all that was found in the text. */
function unmetGaps(hits: readonly Hit[], tools: readonly CatalogueEntry[]): UnmetPart[] {
  const covered = new Set(tools.flatMap((tool) => tool.covers));
  const found = new Set(hits.flatMap((hit) => gapOf(hit) ?? []));
  return [...found]
    .filter((gap) => !covered.has(gap.key))
    .map((gap) => {
      const phrases = phrasesOf(hits, gap.key);
      return {
        capability: gap.key,
        name: gap.name,
        phrase: phrases.join(", "),
        reason: gapReasons[gap.reason],
        keywords: [...new Set([...phrases, ...gap.keywords.en, ...gap.keywords.zh])],
      };
    });
}

function notUnderstood(requirement: string, hits: readonly Hit[]): UnmetPart[] {
  const parts = [...new Set(partsWithoutHit(requirement, hits))];
  return parts.map((part) => ({
    capability: NOT_UNDERSTOOD,
    name: { en: "Not understood", zh: "未能理解" },
    phrase: shorten(part, 120),
    reason: gapReasons.not_understood,
    keywords: [],
  }));
}

/** What a requirement asks for, split into what the catalogue has and what it lacks. */
export function analyse({ requirement, project_name }: AgentBrief): RequirementsDraft {
  const text = requirement.normalize("NFKC");
  const hits = findCapabilities(text);
  const tools = toolsFor(hits);
  const unmet = [...unmetGaps(hits, tools), ...notUnderstood(text, hits)];
  const language = languageOf(text);
  return {
    agent_name: agentNameFor(project_name, text, language, hits),
    purpose: purposeOf(requirement),
    language,
    requirement,
    tools: tools.map((tool) => ({
      key: tool.key,
      name: tool.name,
      summary: tool.summary,
      phrases: phrasesOf(hits, tool.key),
    })),
    unmet: unmet.slice(0, MAX_UNMET),
    unmet_omitted: Math.max(0, unmet.length - MAX_UNMET),
  };
}
