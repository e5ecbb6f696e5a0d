/** Markdown as a page of HTML, a Word document or a PDF file. */

import {
  Document,
  ExternalHyperlink,
  HeadingLevel,
  Packer,
  Paragraph,
  Table,
  TableCell,
  TableRow,
  TextRun,
  WidthType,
} from "docx";
import { marked } from "marked";
import { pdfOf } from "./parts/typeset-pdf.mjs";

/** @typedef {import("marked").Token} Token */
/** @typedef {import("./parts/typeset-pdf.mjs").Block} Block */

const STYLE =
  "body{font:16px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left}pre,code{background:#f3f3f3}pre{padding:.8rem;overflow:auto}img{max-width:100%}";

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

/** The first heading, or the first words. @param {string} markdown */
export function titleOf(markdown) {
  const heading = marked.lexer(markdown).find((token) => token.type === "heading");
  return plain(heading === undefined ? [] : [heading]).slice(0, 120) || markdown.trim().slice(0, 60);
}

/** A whole page. HTML in the text is shown, not obeyed. @param {string} markdown */
export function markdownToHtml(markdown) {
  const body = marked.parse(markdown, {
    async: false,
    walkTokens: (token) => {
      if (token.type !== "html") return;
      token.type = "text";
      token.text = token.raw;
    },
  });
  const safe = String(body).replace(
    /(<(?:a|img)[^>]*?(?:href|src)=")\s*(?:javascript|data|vbscript):[^"]*/gi,
    "$1#",
  );
  return `<!doctype html>\n<meta charset="utf-8">\n<title>${escaped(titleOf(markdown))}</title>\n<style>${STYLE}</style>\n${safe}`;
}

/** @param {readonly Token[] | undefined} tokens @returns {string} */
function plain(tokens) {
  return (tokens ?? [])
    .map((token) => {
      if (token.type === "br") return "\n";
      if ("tokens" in token && token.tokens !== undefined) return plain(token.tokens);
      return "text" in token ? unescaped(token.text) : "";
    })
    .join("");
}

/** What the reader of Markdown has escaped for HTML. @param {string} text */
const unescaped = (text) =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_all, name) =>
    name === "amp" ? "&" : name === "lt" ? "<" : name === "gt" ? ">" : name === "quot" ? '"' : "'",
  );

/** @param {readonly Token[] | undefined} tokens @param {{ bold?: boolean, italics?: boolean, font?: string }} style @returns {(TextRun | ExternalHyperlink)[]} */
function runs(tokens, style = {}) {
  return (tokens ?? []).flatMap((token) => {
    switch (token.type) {
      case "strong":
        return runs(token.tokens, { ...style, bold: true });
      case "em":
        return runs(token.tokens, { ...style, italics: true });
      case "codespan":
        return [new TextRun({ text: unescaped(token.text), ...style, font: "Courier New" })];
      case "br":
        return [new TextRun({ break: 1 })];
      case "link": {
        const children = [new TextRun({ text: plain(token.tokens), ...style, style: "Hyperlink" })];
        return /^(?:https?:|mailto:)/i.test(token.href)
          ? [new ExternalHyperlink({ children, link: token.href })]
          : children;
      }
      default:
        return "tokens" in token && token.tokens !== undefined
          ? runs(token.tokens, style)
          : [new TextRun({ text: plain([token]), ...style })];
    }
  });
}

const LEVELS = [
  HeadingLevel.HEADING_1,
  HeadingLevel.HEADING_2,
  HeadingLevel.HEADING_3,
  HeadingLevel.HEADING_4,
  HeadingLevel.HEADING_5,
  HeadingLevel.HEADING_6,
];

/** @param {any} item @param {boolean} ordered @param {number} number @param {number} depth @returns {(Paragraph | Table)[]} */
function listItem(item, ordered, number, depth) {
  /** @type {Token[]} */
  const inline = [];
  /** @type {(Paragraph | Table)[]} */
  const below = [];
  for (const token of item.tokens) {
    if (token.type === "list") below.push(...docxBlock(token, depth + 1));
    else if (token.type === "text" || token.type === "paragraph") inline.push(token);
    else below.push(...docxBlock(token, depth));
  }
  const first = ordered
    ? new Paragraph({
        children: [new TextRun(`${number}. `), ...runs(inline)],
        indent: { left: 720 * (depth + 1), hanging: 360 },
      })
    : new Paragraph({ children: runs(inline), bullet: { level: Math.min(depth, 8) } });
  return [first, ...below];
}

/** @param {Token} token @param {number} depth @returns {(Paragraph | Table)[]} */
function docxBlock(token, depth = 0) {
  switch (token.type) {
    case "heading":
      return [
        new Paragraph({
          heading: LEVELS[token.depth - 1] ?? HeadingLevel.HEADING_6,
          children: runs(token.tokens),
        }),
      ];
    case "code":
      return token.text
        .split("\n")
        .map(
          (/** @type {string} */ line) =>
            new Paragraph({ children: [new TextRun({ text: line, font: "Courier New" })] }),
        );
    case "list":
      return token.items.flatMap((/** @type {any} */ item, /** @type {number} */ index) =>
        listItem(item, token.ordered, Number(token.start || 1) + index, depth),
      );
    case "table": {
      const rows = [token.header, ...token.rows].map(
        (cells, index) =>
          new TableRow({
            tableHeader: index === 0,
            children: cells.map(
              (/** @type {any} */ cell) =>
                new TableCell({
                  children: [new Paragraph({ children: runs(cell.tokens, { bold: index === 0 }) })],
                }),
            ),
          }),
      );
      return [new Table({ rows, width: { size: 100, type: WidthType.PERCENTAGE } }), new Paragraph("")];
    }
    case "blockquote":
      return (token.tokens ?? []).flatMap((inner) =>
        inner.type === "paragraph"
          ? [new Paragraph({ children: runs(inner.tokens, { italics: true }), indent: { left: 720 } })]
          : docxBlock(inner, depth),
      );
    case "space":
    case "hr":
    case "def":
      return [];
    default:
      return [new Paragraph({ children: runs([token]) })];
  }
}

/** The bytes of a .docx file. @param {string} markdown */
export async function markdownToDocx(markdown) {
  const children = marked.lexer(markdown).flatMap((token) => docxBlock(token));
  const document = new Document({ title: titleOf(markdown), sections: [{ children }] });
  return new Uint8Array(await Packer.toBuffer(document));
}

/** @param {Token} token @param {number} depth @returns {Block[]} */
function pdfBlock(token, depth = 0) {
  switch (token.type) {
    case "heading":
      return [
        {
          text: plain(token.tokens),
          size: [22, 17, 14, 12, 11, 11][token.depth - 1] ?? 11,
          bold: true,
          indent: 0,
        },
      ];
    case "code":
      return token.text
        .split("\n")
        .map((/** @type {string} */ text) => ({ text, size: 10, bold: false, indent: 18, tight: true }));
    case "list":
      return token.items.flatMap((/** @type {any} */ item, /** @type {number} */ index) => {
        const lists = item.tokens.filter((/** @type {Token} */ inner) => inner.type === "list");
        const others = item.tokens.filter((/** @type {Token} */ inner) => inner.type !== "list");
        const mark = token.ordered ? `${Number(token.start || 1) + index}. ` : "- ";
        const text = mark + plain(others);
        const own = { text, size: 11, bold: false, indent: 14 * (depth + 1), tight: true };
        return [own, ...lists.flatMap((/** @type {Token} */ inner) => pdfBlock(inner, depth + 1))];
      });
    case "table":
      return [token.header, ...token.rows].map((cells, index) => ({
        text: cells.map((/** @type {any} */ cell) => plain(cell.tokens)).join("   |   "),
        size: 10,
        bold: index === 0,
        indent: 0,
        tight: true,
      }));
    case "blockquote":
      return (token.tokens ?? []).flatMap((inner) =>
        pdfBlock(inner, depth).map((block) => ({ ...block, indent: block.indent + 18 })),
      );
    case "space":
    case "hr":
    case "def":
      return [];
    default:
      return [{ text: plain([token]), size: 11, bold: false, indent: 0 }];
  }
}

/** The bytes of a PDF file; see `parts/typeset-pdf.mjs` for what its fonts have. @param {string} markdown */
export function markdownToPdf(markdown) {
  return pdfOf(
    titleOf(markdown),
    marked.lexer(markdown).flatMap((token) => pdfBlock(token)),
  );
}
