import { createHash } from "node:crypto";
import type { Hit } from "./find-capabilities.ts";

const MAX_LENGTH = 32;
const MAX_WORDS = 4;

/** Names that say nothing: the requirement says more. */
const MEANINGLESS =
  /^(?:agent|project|untitled|test|demo|new|my|unnamed|build|default)(?:_(?:agent|project|build|\d+))*$/;

const STOP = new Set(
  "a an the simple basic small smart intelligent that which who for with based on of to in by from and or is are be can able will supports support supporting provides provide using uses use agent assistant system please build create make me want need i we it queries query helps help ai tool app bot".split(
    " ",
  ),
);

export function slugOf(text: string): string {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
}

/** Whole words only, as many as fit. */
function joinFitting(words: readonly string[]): string {
  let name = "";
  for (const word of words) {
    const longer = name === "" ? word.slice(0, MAX_LENGTH) : `${name}_${word}`;
    if (longer.length > MAX_LENGTH) break;
    name = longer;
  }
  return name.replace(/_+$/, "");
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 6);

const startsWithLetter = (name: string): string => (/^[a-z]/.test(name) ? name : `agent_${name}`);

/** A name that a person chose, not the beginning of the requirement or a placeholder. */
function givenName(projectName: string, requirement: string): string | undefined {
  const slug = slugOf(projectName);
  const whole = slugOf(requirement);
  const derived = slug.length >= 12 && whole.startsWith(slug) && whole !== slug;
  const asWritten = projectName.trim() !== "" && !/\p{Script=Han}/u.test(projectName);
  const words = slug.split("_");
  if (!asWritten || derived || words.length > 6 || !/[a-z]{2}/.test(slug) || MEANINGLESS.test(slug))
    return undefined;
  const fitted = joinFitting(words);
  return fitted === "" ? undefined : startsWithLetter(fitted);
}

/** A name that the text itself mentions, such as `football_qa_agent`. */
function mentionedName(requirement: string): string | undefined {
  const found = /(?<![A-Za-z0-9_./-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![A-Za-z0-9_./-])/.exec(
    requirement.slice(0, 2000),
  )?.[0];
  return found === undefined || found.length > MAX_LENGTH ? undefined : found;
}

function fromEnglish(requirement: string): string | undefined {
  const sentence =
    requirement
      .slice(0, 500)
      .split(/[.!?\n(:]/)
      .find((part) => part.trim() !== "") ?? "";
  const heads = sentence.split(/\b(?:that|which|for|with|based on|to)\b/i).map((part) =>
    slugOf(part)
      .split("_")
      .filter((word) => word.length > 1 && !STOP.has(word)),
  );
  const words = heads.find((part) => part.length > 0)?.slice(0, MAX_WORDS - 1);
  return words === undefined ? undefined : startsWithLetter(joinFitting([...words, "agent"]));
}

/** The slugs named most often, the first ones among equals; what only describes how has none. */
function frequentSlugs(hits: readonly Hit[]): string[] {
  const counts = new Map<string, number>();
  for (const { capability } of hits) counts.set(capability.slug, (counts.get(capability.slug) ?? 0) + 1);
  counts.delete("");
  return [...counts].sort((a, b) => b[1] - a[1]).map(([slug]) => slug);
}

/** With a hash: texts that ask for the same things are still different agents. */
function fromHits(requirement: string, hits: readonly Hit[]): string {
  const slugs = frequentSlugs(hits).slice(0, 2);
  return `${slugs.length === 0 ? "agent" : joinFitting(slugs)}_${hashOf(requirement)}`;
}

/** A name for files and folders, `[a-z0-9_]`, beginning with a letter, the same for the same input. */
export function agentNameFor(
  projectName: string,
  requirement: string,
  language: "en" | "zh",
  hits: readonly Hit[],
): string {
  const fromText = language === "en" ? fromEnglish(requirement) : undefined;
  return (
    givenName(projectName, requirement) ??
    mentionedName(requirement) ??
    fromText ??
    fromHits(requirement, hits)
  );
}
