/** Shows the headings of a Markdown or HTML document, and how many links, images and tables it has. */

export const key = "document_outline";

const MAX_LENGTH = 1_000_000;

/** @typedef {{ level: number, title: string }} Heading */

/** @type {Readonly<Record<string, string>>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** @param {string} text */
function decodeEntities(text) {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi,
    (whole, decimal, hexadecimal, name) => {
      if (name !== undefined)
        return (
          (Object.hasOwn(ENTITIES, name.toLowerCase()) ? ENTITIES[name.toLowerCase()] : undefined) ?? whole
        );
      const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** @param {string} html */
const plain = (html) =>
  decodeEntities(html.replace(/<[^>]*>/g, ""))
    .replace(/\s+/g, " ")
    .trim();

/** @param {string} text @param {RegExp} pattern */
const count = (text, pattern) => text.match(pattern)?.length ?? 0;

/** Neither scripts nor comments are part of what is read. @param {string} source */
function htmlOutline(source) {
  const text = source.replace(/<!--[\s\S]*?-->/g, "").replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, "");
  /** @type {Heading[]} */
  const headings = [...text.matchAll(/<h([1-6])\b[^>]*>([\s\S]*?)<\/h\1\s*>/gi)].map(([, level, title]) => ({
    level: Number(level),
    title: plain(title ?? ""),
  }));
  const title = /<title\b[^>]*>([\s\S]*?)<\/title\s*>/i.exec(text)?.[1];
  return {
    format: "html",
    title: title === undefined ? (headings[0]?.title ?? "") : plain(title),
    headings,
    links: count(text, /<a\b[^>]*\bhref\s*=/gi),
    images: count(text, /<img\b/gi),
    tables: count(text, /<table\b/gi),
  };
}

/** What stands in a code block is no heading. @param {string} source */
function markdownOutline(source) {
  const text = source.replace(/^(```+|~~~+)[\s\S]*?^\1.*$/gm, "");
  /** @type {Heading[]} */
  const headings = [...text.matchAll(/^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$/gm)].map(
    ([, marks, title]) => ({
      level: marks?.length ?? 1,
      title: title ?? "",
    }),
  );
  return {
    format: "markdown",
    title: headings[0]?.title ?? "",
    headings,
    links: count(text, /(?<!!)\[[^\]\n]*\]\([^)\n]*\)/g),
    images: count(text, /!\[[^\]\n]*\]\([^)\n]*\)/g),
    tables: count(text, /^[ \t]*\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+[ \t]*(?::?-{3,}:?)?[ \t]*$/gm),
  };
}

/** @param {string} source */
const isHtml = (source) => /<(?:!doctype html|html|body|head|h[1-6]|div|p)\b/i.test(source);

/** @param {string} source */
export function outline(source) {
  return isHtml(source) ? htmlOutline(source) : markdownOutline(source);
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const start = input.slice(0, 10_000);
  return isHtml(start) || /^ {0,3}#{1,6}[ \t]+\S/m.test(start) ? 0.7 : 0;
}

/** @param {string} input The document itself. */
export function run(input) {
  if (input.length > MAX_LENGTH) throw new Error(`cannot outline: more than ${MAX_LENGTH} characters`);
  const data = outline(input);
  if (data.headings.length === 0) throw new Error("cannot outline: the document has no headings");
  const lines = data.headings.map(({ level, title }) => `${"  ".repeat(level - 1)}- ${title}`);
  return {
    text: [...lines, `links: ${data.links}, images: ${data.images}, tables: ${data.tables}`].join("\n"),
    data,
  };
}
