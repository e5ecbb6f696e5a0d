/** Word documents, presentations and workbooks as text and rows. */

import { strFromU8, unzipSync } from "fflate";
import readWorkbook from "read-excel-file/universal";
import { parseXml, textOf } from "./xml.mjs";

/** @typedef {import("./xml.mjs").XmlNode} XmlNode */

/** What the parts of one file may come to when unpacked: a small file can claim to hold gigabytes. */
const MAX_UNPACKED_BYTES = 100_000_000;

/** The parts of a file by name. @param {Uint8Array} bytes @param {(name: string) => boolean} wanted */
function unpack(bytes, wanted) {
  let sum = 0;
  return unzipSync(bytes, {
    filter: ({ name, originalSize }) => {
      if (!wanted(name)) return false;
      sum += originalSize;
      if (sum > MAX_UNPACKED_BYTES) throw new Error(`more than ${MAX_UNPACKED_BYTES} bytes when unpacked`);
      return true;
    },
  });
}

/** @param {XmlNode[]} nodes @param {string} name @returns {XmlNode[]} */
const all = (nodes, name) =>
  nodes.flatMap((node) => (node.name === name ? [node] : all(node.children, name)));

/** @param {XmlNode} paragraph @returns {string} */
function runText({ name, children, ...node }) {
  if (name === "w:t" || name === "a:t") return textOf({ name, children, ...node });
  if (name === "w:tab") return "\t";
  if (name === "w:br" || name === "w:cr" || name === "a:br") return "\n";
  if (name === "w:pPr" || name === "w:instrText" || name === "w:delText") return "";
  return children.map(runText).join("");
}

/** @param {XmlNode} paragraph */
function paragraphText(paragraph) {
  const style = all(paragraph.children, "w:pStyle")[0]?.attributes["w:val"] ?? "";
  const level =
    /^(?:heading|标题)\s*([1-6])$/i.exec(style)?.[1] ?? (/^title$/i.test(style) ? "1" : undefined);
  const listed = all(paragraph.children, "w:numPr").length > 0;
  const text = runText(paragraph);
  if (text.trim() === "") return "";
  return level !== undefined ? `${"#".repeat(Number(level))} ${text}` : listed ? `- ${text}` : text;
}

/** @param {XmlNode} table */
function tableText(table) {
  const rows = all(table.children, "w:tr").map((row) =>
    all(row.children, "w:tc").map((cell) => all(cell.children, "w:p").map(runText).join(" ").trim()),
  );
  const width = Math.max(0, ...rows.map((row) => row.length));
  const lines = rows.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  return [lines[0] ?? "", `|${" --- |".repeat(width)}`, ...lines.slice(1)].join("\n");
}

/** @param {XmlNode} node @returns {string[]} */
function blocksOf(node) {
  if (node.name === "w:p") return [paragraphText(node)];
  if (node.name === "w:tbl") return [tableText(node)];
  return node.children.flatMap(blocksOf);
}

/** The text of a .docx file as Markdown: headings, lists and tables. @param {Uint8Array} bytes */
export function docxToText(bytes) {
  const part = unpack(bytes, (name) => name === "word/document.xml")["word/document.xml"];
  if (part === undefined) throw new Error("it has no word/document.xml");
  const blocks = parseXml(strFromU8(part)).flatMap(blocksOf);
  return blocks.filter((block) => block !== "").join("\n\n");
}

/** The text of each slide of a .pptx file, in order. @param {Uint8Array} bytes */
export function pptxSlides(bytes) {
  const parts = unpack(bytes, (name) => /^ppt\/slides\/slide\d+\.xml$/.test(name));
  const number = (/** @type {string} */ name) => Number(/\d+/.exec(name.slice("ppt/slides/".length))?.[0]);
  const names = Object.keys(parts).sort((a, b) => number(a) - number(b));
  if (names.length === 0) throw new Error("it has no slides");
  return names.map((name) => {
    const tree = parseXml(strFromU8(parts[name] ?? new Uint8Array()));
    const texts = all(tree, "a:p").map((paragraph) => runText(paragraph).trim());
    return texts.filter((text) => text !== "").join("\n");
  });
}

/** @param {unknown} value A day where the time is midnight. */
function cellText(value) {
  if (value === null || value === undefined) return "";
  if (!(value instanceof Date)) return String(value);
  return value
    .toISOString()
    .replace(/T00:00:00\.000Z$/, "")
    .replace(/\.000Z$/, "Z");
}

/** The sheets of a .xlsx file, their cells as texts. @param {Uint8Array} bytes */
export async function xlsxSheets(bytes) {
  // Refuses what is too large before the reader unpacks it.
  unpack(bytes, (name) => name.endsWith(".xml"));
  const sheets = await readWorkbook(new Blob([Uint8Array.from(bytes)]));
  return sheets.map(({ sheet, data }) => ({ name: sheet, rows: data.map((row) => row.map(cellText)) }));
}
