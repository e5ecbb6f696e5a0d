import { catalogue } from "./catalogue.ts";
import type { Capability } from "./catalogue-entry.ts";
import { gaps } from "./gaps.ts";

/** Words of a text that name a capability. */
export interface Hit {
  readonly capability: Capability;
  readonly phrase: string;
  /** Offsets in UTF-16 units, end exclusive. */
  readonly start: number;
  readonly end: number;
}

interface Clause {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const CJK = /[\u3400-\u9fff]/;

function pattern(word: string): string {
  const escaped = word.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  if (CJK.test(word)) return escaped.replaceAll("*", "[^，。；、,.;:!?\\s]{0,12}?");
  // Letters and digits end a word; "_" and "-" and Chinese characters divide words like spaces do.
  const stem = escaped.replaceAll("*", "[a-z]*").replaceAll(" ", "[\\s_-]+");
  return `(?<![a-z0-9])${stem}(?![a-z0-9])`;
}

/** Phrases that contain a keyword and do not mean it. */
const NEUTRAL: Capability = {
  key: "neutral",
  slug: "",
  name: { en: "", zh: "" },
  keywords: {
    en: ["up to date", "to date", "state of the art", "story points", "no files", "map reduce"],
    zh: ["计算机", "设计算法", "有关系统"],
  },
};

/** One expression per capability, the longest words first, so that the longest phrase is found. */
const patterns: readonly { capability: Capability; expression: RegExp }[] = [
  NEUTRAL,
  ...catalogue,
  ...gaps,
].map((capability) => {
  const words = [...capability.keywords.en, ...capability.keywords.zh];
  const longest = words.toSorted((a, b) => b.length - a.length);
  return { capability, expression: new RegExp(longest.map(pattern).join("|"), "giu") };
});

/** What a text names, each part of it at most once: of overlapping phrases the longest counts. In the order of the text. */
export function findCapabilities(text: string): Hit[] {
  const all = patterns.flatMap(({ capability, expression }) =>
    Array.from(text.matchAll(expression), (found) => ({
      capability,
      phrase: found[0],
      start: found.index,
      end: found.index + found[0].length,
    })),
  );
  const taken = new Uint8Array(text.length);
  const kept = all
    .sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start)
    .filter(({ start, end }) => {
      if (taken.subarray(start, end).includes(1)) return false;
      taken.fill(1, start, end);
      return true;
    });
  return kept.filter(({ capability }) => capability !== NEUTRAL).sort((a, b) => a.start - b.start);
}

/** Parts of a text between marks that end a thought; a dot inside a word or number ends none. */
function clauses(text: string): Clause[] {
  const found = text.matchAll(/(?:[^，。；,;!！?？\n\r:：()（）.]|\.(?!\s|$))+/gu);
  return Array.from(found, (part) => ({
    text: part[0].trim(),
    start: part.index,
    end: part.index + part[0].length,
  }));
}

/** Words that every requirement has and that ask for nothing by themselves. */
const GENERIC =
  /\b(?:a|an|the|ai|i|we|you|it|is|are|be|and|or|of|to|for|with|in|on|by|from|as|at|that|this|which|please|want|wants|need|needs|would|like|should|must|can|could|able|will|agents?|assistants?|bots?|systems?|tools?|apps?|applications?|projects?|build|create|make|develop|design|support|supports|supporting|provide|provides|simple|basic|small|easy|smart|intelligent|powerful|professional|functions?|functionality|features?|operations?|users?|based|using|use|me|my|our|etc|also|own|new)\b|智能体|人工智能|智能|助手|机器人|系统|项目|工具|应用|程序|服务|一个|一款|能够|可以|帮助|帮我|请|需要|用户|根据|支持|提供|包括|具备|进行|实现|构建|创建|开发|设计|制作|简单|基础|基本|专业|功能|等特点|特点|以及|并且|并|和|与|或|的|了|等|及|我|想|要|用于|用来/giu;

/** The parts of a text that nothing was found in and that say more than generic words. */
export function partsWithoutHit(text: string, hits: readonly Hit[]): string[] {
  return clauses(text)
    .filter((clause) => !hits.some((hit) => hit.start < clause.end && hit.end > clause.start))
    .filter((clause) => clause.text.replace(GENERIC, "").replace(/[^\p{L}\p{N}]/gu, "").length >= 2)
    .map((clause) => clause.text);
}
