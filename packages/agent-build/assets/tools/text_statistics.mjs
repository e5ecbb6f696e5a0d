/** Counts characters, words, sentences and the most frequent words of a text, Chinese or Latin or mixed. */

export const key = "text_statistics";

const WORDS_PER_MINUTE = 200;
const CJK_PER_MINUTE = 400;
const TOP = 5;

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const HAS_CJK = new RegExp(CJK.source, "u");
const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;

/** So frequent that they say nothing about a text. */
const COMMON = new Set(
  "a an and are as at be but by for from has have in is it its of on or that the this to was were will with you".split(
    " ",
  ),
);

/** Text with its CJK characters taken out, so that they do not count as one long word. @param {string} text */
const withoutCjk = (text) => text.replace(CJK, " ");

/** Pairs of neighbouring CJK characters: the shortest unit that says something. @param {string} text */
function cjkPairs(text) {
  const runs = text.match(/\p{Script=Han}{2,}/gu) ?? [];
  return runs.flatMap((run) => {
    const characters = Array.from(run);
    return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
  });
}

/** @param {string[]} words */
function mostFrequent(words) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return sorted.slice(0, TOP).map(([word, count]) => ({ word, count }));
}

/** @param {string} text */
function sentencesIn(text) {
  const parts = text.split(/[。！？!?…]+|\.+(?=\s|$)|\n+/u);
  return parts.filter((part) => /[\p{L}\p{N}]/u.test(part)).length;
}

/** @param {string} text */
export function measure(text) {
  const cjk = text.match(CJK)?.length ?? 0;
  const words = (withoutCjk(text).match(WORD) ?? []).map((word) => word.toLowerCase());
  const frequent = words.filter((word) => word.length > 1 && !COMMON.has(word) && !/^\p{N}+$/u.test(word));
  return {
    characters: Array.from(text).length,
    characters_without_spaces: Array.from(text.replace(/\s/gu, "")).length,
    words: words.length,
    cjk_characters: cjk,
    sentences: sentencesIn(text),
    lines: text === "" ? 0 : text.replace(/\n$/, "").split("\n").length,
    reading_seconds: Math.round((words.length / WORDS_PER_MINUTE + cjk / CJK_PER_MINUTE) * 60),
    top_words: mostFrequent([...frequent, ...cjkPairs(text)]),
  };
}

/** How surely the input is for this tool: any text will do, so it gives way to every other. @param {string} input */
export function match(input) {
  if (/^(?:count|statistics? of|stats of|统计|字数)\s*[:\uff1a\s]/iu.test(input)) return 0.7;
  return /[\p{L}\p{N}]/u.test(input) && (/\s/u.test(input.trim()) || input.length > 20 || HAS_CJK.test(input))
    ? 0.1
    : 0;
}

/** @param {string} input The text to measure. */
export function run(input) {
  const data = measure(input);
  const top = data.top_words.map(({ word, count }) => `${word} (${count})`).join(", ");
  const lines = [
    `characters: ${data.characters} (${data.characters_without_spaces} without spaces)`,
    `words: ${data.words}`,
    `CJK characters: ${data.cjk_characters}`,
    `sentences: ${data.sentences}`,
    `lines: ${data.lines}`,
    `reading time: ${data.reading_seconds} s`,
    `top words: ${top || "none"}`,
  ];
  return { text: lines.join("\n"), data };
}
