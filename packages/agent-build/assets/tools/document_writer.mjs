/** Writes Markdown as a Word document, a PDF file, a page of HTML or as it is; turns documents into these. */

import { documentParts, reads } from "./document_reader.mjs";
import { readText } from "./file_reader.mjs";
import { writeBelow, writeOrder } from "./file_writer.mjs";

export const key = "document_writer";

const TARGET = /\.(?:docx|pdf|html?|md)$/iu;
const CONVERT =
  /^(?:(?<over>overwrite|覆盖)\s+|(?:convert|转换|将|把)\s*)?(?<from>[^\s:*?"<>|]+\.(?:docx|pptx|xlsx|pdf|html?|md|txt))\s*(?:to|into|as|->|转换?[为成]?|导出为?)\s*(?<to>[^\s:*?"<>|]+\.(?:docx|pdf|html?|md))$/iu;

/** The bytes of a file of the target's kind. @param {string} markdown @param {string} path */
async function rendered(markdown, path) {
  if (/\.md$/i.test(path)) return `${markdown.trimEnd()}\n`;
  const { markdownToDocx, markdownToHtml, markdownToPdf } = await import("./lib/markdown.mjs");
  if (/\.docx$/i.test(path)) return await markdownToDocx(markdown);
  return /\.pdf$/i.test(path) ? markdownToPdf(markdown) : markdownToHtml(markdown);
}

/** @param {string} input @param {string} cwd */
async function orderOf(input, cwd) {
  const found = CONVERT.exec(input.trim())?.groups;
  if (found?.from !== undefined && found.to !== undefined) {
    const text = reads.test(found.from)
      ? (await documentParts(found.from, cwd)).join("\n\n")
      : (await readText(found.from, cwd)).text;
    return { path: found.to, text, overwrite: found.over !== undefined };
  }
  return writeOrder(input);
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const order = writeOrder(input);
  if (order !== undefined) return TARGET.test(order.path) ? 0.8 : 0;
  return CONVERT.test(input.trim()) ? 0.95 : 0;
}

/** @param {string} input Such as `write report.docx: # Title` or `notes.md to notes.pdf`. @param {{ cwd: string }} context */
export async function run(input, { cwd }) {
  const order = await orderOf(input, cwd);
  if (order === undefined || !TARGET.test(order.path))
    throw new Error(
      "cannot write: expected write <path>: <Markdown>, or <file> to <file>, with .docx .pdf .html .md",
    );
  if (order.text.trim() === "") throw new Error(`cannot write ${order.path}: expected a text, found none`);
  const content = await rendered(order.text, order.path);
  const written = await writeBelow(order.path, cwd, content, order.overwrite);
  return { text: `${written.path}: ${written.bytes} bytes written`, data: written };
}
