/** Shortens a text to its most telling sentences. It selects, it does not write: every sentence is one of the text. */

export const key = "text_summary";

const SENTENCES = 3;
const MAX_LENGTH = 1_000_000;

const COMMON = new Set(
  "a an and are as at be been but by can for from had has have he her his i if in into is it its not of on or our she so that the their them they this to was we were which will with you your".split(
    " ",
  ),
);

/** @param {string} text */
export function sentencesOf(text) {
  const parts =
    text.match(/[^。！？!?.\n]+(?:[。！？!?]+|\.+(?!\s|$)[^。！？!?.\n]*)*(?:\.+|[。！？!?]+)?/gu) ?? [];
  return parts.map((part) => part.trim()).filter((part) => /[\p{L}\p{N}]/u.test(part));
}

/** Latin words and pairs of neighbouring Chinese characters. @param {string} sentence */
function terms(sentence) {
  const words = (sentence.toLowerCase().match(/[\p{Script=Latin}\p{N}]+/gu) ?? []).filter(
    (word) => word.length > 1 && !COMMON.has(word),
  );
  const pairs = (sentence.match(/\p{Script=Han}{2,}/gu) ?? []).flatMap((run) => {
    const characters = Array.from(run);
    return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
  });
  return [...words, ...pairs];
}

/** The sentences whose terms are most frequent in the text, in their own order. @param {string} text @param {number} count */
export function summarise(text, count) {
  const sentences = sentencesOf(text);
  const split = sentences.map(terms);
  /** @type {Map<string, number>} */
  const frequency = new Map();
  for (const term of split.flat()) frequency.set(term, (frequency.get(term) ?? 0) + 1);
  const scored = split.map((list, index) => {
    const sum = [...new Set(list)].reduce((total, term) => total + (frequency.get(term) ?? 0), 0);
    // Divided by the root of the length: neither the longest nor the shortest sentence wins by that alone.
    return { index, score: list.length === 0 ? 0 : sum / Math.sqrt(list.length) };
  });
  const best = scored.sort((a, b) => b.score - a.score || a.index - b.index).slice(0, count);
  const chosen = best.map(({ index }) => index).sort((a, b) => a - b);
  return { total: sentences.length, chosen: chosen.map((index) => sentences[index] ?? "") };
}

const ORDER = /^(?:summari[sz]e|summary of|摘要|总结|概括)\s*[:\uff1a]?\s*/iu;

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  if (ORDER.test(input.trim())) return 0.8;
  return sentencesOf(input.slice(0, 10_000)).length > SENTENCES ? 0.3 : 0;
}

/** @param {string} input The text; `summarize:` before it is left out. */
export function run(input) {
  if (input.length > MAX_LENGTH) throw new Error(`cannot summarise: more than ${MAX_LENGTH} characters`);
  const text = input.trim().replace(ORDER, "");
  const { total, chosen } = summarise(text, SENTENCES);
  if (total === 0) throw new Error("cannot summarise: the text has no sentence");
  return { text: chosen.join("\n"), data: { sentences: total, chosen } };
}
