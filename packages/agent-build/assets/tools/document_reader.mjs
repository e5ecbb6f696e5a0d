/** The text of Word documents, presentations, workbooks, PDF files and pages of HTML, as Markdown. */

import { readBytes, readText } from "./file_reader.mjs";

export const key = "document_reader";

/** Files whose text this tool gives where an agent is asked for `@file`. */
export const reads = /\.(?:docx|pptx|xlsx|pdf|html?)$/iu;

const ORDER =
  /^(?:(?:read|open|parse|读取|打开|解析)\s*)?"?(?<path>[^\s":*?<>|]+)"?(?:\s+(?:page|slide|页|第)\s*(?<page>\d{1,4})\s*页?)?$/iu;

/** @param {string[]} cells */
const row = (cells) =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")).join(" | ")} |`;

/** @param {{ name: string, rows: string[][] }} sheet */
function sheetText({ name, rows }) {
  const [head = [], ...body] = rows;
  return [`## ${name}`, "", row(head), `|${" --- |".repeat(head.length)}`, ...body.map(row)].join("\n");
}

/** The parts of a file: pages, slides, sheets, or the whole. @param {string} path @param {string} cwd @returns {Promise<string[]>} */
async function partsOf(path, cwd) {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  if (ending === "html" || ending === "htm") {
    const { htmlToText } = await import("./lib/html.mjs");
    return [htmlToText((await readText(path, cwd)).text)];
  }
  const bytes = await readBytes(path, cwd);
  if (ending === "pdf") return await (await import("./lib/pdf.mjs")).pdfPages(bytes);
  const office = await import("./lib/office.mjs");
  if (ending === "docx") return [office.docxToText(bytes)];
  if (ending === "pptx")
    return office.pptxSlides(bytes).map((text, index) => `## Slide ${index + 1}\n\n${text}`);
  if (ending === "xlsx") return (await office.xlsxSheets(bytes)).map(sheetText);
  throw new Error(`expected .docx, .pptx, .xlsx, .pdf or .html`);
}

/** The text of a document below a folder. Throws an Error that names the file. @param {string} path @param {string} cwd */
export async function documentParts(path, cwd) {
  try {
    const parts = await partsOf(path, cwd);
    if (parts.every((part) => part.trim() === ""))
      throw new Error("it has no text (a scan is a picture, and pictures are not read)");
    return parts;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (why.startsWith("cannot read")) throw cause;
    throw new Error(`cannot read ${path}: ${why}`, { cause });
  }
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const path = ORDER.exec(input.trim())?.groups?.path;
  return path !== undefined && !path.includes("//") && reads.test(path) ? 0.85 : 0;
}

/** @param {string} input Such as `report.docx` or `deck.pptx slide 3`. @param {{ cwd: string }} context */
export async function run(input, { cwd }) {
  const found = ORDER.exec(input.trim())?.groups;
  if (found?.path === undefined) throw new Error("cannot read: expected the path of a document");
  const parts = await documentParts(found.path, cwd);
  const number = found.page === undefined ? undefined : Number(found.page);
  if (number !== undefined && parts[number - 1] === undefined)
    throw new Error(`cannot read ${found.path}: there is no page ${number} of ${parts.length}`);
  const text = number === undefined ? parts.join("\n\n") : (parts[number - 1] ?? "");
  return { text, data: { path: found.path, parts: parts.length, characters: text.length } };
}
