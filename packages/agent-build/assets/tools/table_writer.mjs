/** Turns tables into other files: CSV, Excel workbooks, and reports in HTML or Markdown. */

import { writeBelow, writeOrder } from "./file_writer.mjs";
import { format, isNumber, loadTable, parseTable, quoteField, wordsOf } from "./table_reader.mjs";

export const key = "table_writer";

/** @typedef {import("./table_reader.mjs").Table} Table */

const SHOWN_ROWS = 100;
const SHOWN_VALUES = 5;
const TARGET = /\.(?:csv|tsv|xlsx)$/iu;
const CONVERT =
  /^(?:(?:overwrite|覆盖)\s+)?"?[^\s":*?<>|]+\.(?:csv|tsv|xlsx)"?\s(?:.*\s)?(?:to|into|as|->|转换?[为成]|导出为?|生成报表|报表)\s+"?[^\s":*?<>|]+\.(?:csv|tsv|xlsx|html?|md)"?$/iu;
const SOURCE = /\.(?:csv|tsv|xlsx)$/iu;

/** @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|").replace(/\s+/g, " ");
/** @param {string[]} cells */
const line = (cells) => `| ${cells.map(cell).join(" | ")} |`;
/** @param {string[]} head @param {string[][]} rows */
const markdownTable = (head, rows) => [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)];

/** @param {string[]} cells */
function figures(cells) {
  const filled = cells.filter((text) => text.trim() !== "");
  if (filled.length > 0 && filled.every(isNumber)) {
    const values = filled.map(Number);
    const sum = values.reduce((a, b) => a + b, 0);
    const most = values.reduce((a, b) => Math.max(a, b));
    const least = values.reduce((a, b) => Math.min(a, b));
    return [String(filled.length), ...[sum, sum / values.length, least, most].map(format), ""];
  }
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const text of filled) counts.set(text, (counts.get(text) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, SHOWN_VALUES);
  return [
    String(filled.length),
    "",
    "",
    "",
    "",
    common.map(([text, count]) => `${text} (${count})`).join(", "),
  ];
}

/** @param {Table} table @param {string} title */
export function tableReport({ columns, rows }, title) {
  const head = ["column", "values", "sum", "average", "smallest", "largest", "most common"];
  const described = columns.map((name, at) => [name, ...figures(rows.map((row) => row[at] ?? ""))]);
  const more = rows.length - SHOWN_ROWS;
  return [
    `# ${title}`,
    "",
    `${rows.length} rows, ${columns.length} columns`,
    "",
    "## Columns",
    "",
    ...markdownTable(head, described),
    "",
    "## Rows",
    "",
    ...markdownTable(columns, rows.slice(0, SHOWN_ROWS)),
    ...(more > 0 ? ["", `and ${more} more rows`] : []),
    "",
  ].join("\n");
}

/** @param {Table} table @param {string} path @param {string} title */
async function rendered({ columns, rows }, path, title) {
  if (/\.xlsx$/i.test(path)) return await (await import("./lib/sheet.mjs")).xlsxBytes(columns, rows);
  if (/\.tsv$/i.test(path))
    return `${[columns, ...rows].map((row) => row.map((text) => text.replace(/[\t\r\n]/g, " ")).join("\t")).join("\n")}\n`;
  if (/\.csv$/i.test(path))
    return `${[columns, ...rows].map((row) => row.map(quoteField).join(",")).join("\n")}\n`;
  const report = tableReport({ columns, rows }, title);
  return /\.md$/i.test(path) ? report : (await import("./lib/markdown.mjs")).markdownToHtml(report);
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const order = writeOrder(input);
  if (order !== undefined) return TARGET.test(order.path) ? 0.8 : 0;
  return CONVERT.test(input.trim()) ? 0.96 : 0;
}

/** @param {string} input Such as `sales.csv to sales.xlsx`, `book.xlsx sheet Q2 to report.html` or `write out.csv: a,b`. @param {{ cwd: string }} context */
export async function run(input, { cwd }) {
  const order = writeOrder(input);
  if (order !== undefined && TARGET.test(order.path)) {
    const content = await rendered(parseTable(order.text), order.path, order.path);
    return done(await writeBelow(order.path, cwd, content, order.overwrite));
  }
  if (!CONVERT.test(input.trim()))
    throw new Error(
      "cannot write: expected <table> to <file>, with .csv .tsv .xlsx, or .html .md for a report",
    );
  const words = wordsOf(input);
  const source = words.findIndex((word) => SOURCE.test(word));
  const named = /^(?:sheet|工作表)$/i.test(words[source + 1] ?? "");
  const from = words[source] ?? "";
  const table = await loadTable(from, cwd, named ? words[source + 2] : undefined);
  const target = words.at(-1) ?? "";
  const content = await rendered(table, target, from);
  return done(await writeBelow(target, cwd, content, /^(?:overwrite|覆盖)$/i.test(words[0] ?? "")));
}

/** @param {{ path: string, bytes: number }} written */
const done = (written) => ({ text: `${written.path}: ${written.bytes} bytes written`, data: written });
