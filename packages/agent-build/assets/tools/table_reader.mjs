/** Reads CSV and TSV files (RFC 4180) and Excel workbooks: columns, sums, averages, filters. */
// Long because: tables are parsed, described, filtered and asked about in one module, which agents carry as one file.

import { readBytes, readText } from "./file_reader.mjs";

export const key = "table_reader";

const SHOWN_ROWS = 20;

/** @typedef {{ columns: string[], rows: string[][] }} Table */

/**
 * The records of a text; quoted fields may hold separators, line breaks and doubled quotes.
 * @param {string} text @param {string} separator
 */
export function parseRecords(text, separator) {
  /** @type {string[][]} */
  const records = [];
  /** @type {string[]} */
  let record = [];
  let field = "";
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let quoted = false;
  const endField = () => {
    record.push(field);
    field = "";
    quoted = false;
  };
  const endRecord = () => {
    endField();
    if (record.length > 1 || record[0] !== "") records.push(record);
    record = [];
  };
  while (at < text.length) {
    const character = text[at] ?? "";
    if (character === '"' && field === "" && !quoted) {
      const end = endOfQuoted(text, at + 1, records.length + 1);
      field = text.slice(at + 1, end).replaceAll('""', '"');
      quoted = true;
      at = end + 1;
    } else if (character === separator) {
      endField();
      at += 1;
    } else if (character === "\n" || character === "\r") {
      endRecord();
      at += character === "\r" && text[at + 1] === "\n" ? 2 : 1;
    } else if (quoted) {
      throw new Error(`cannot read the table: text after a closing quote in record ${records.length + 1}`);
    } else {
      field += character;
      at += 1;
    }
  }
  if (field !== "" || quoted || record.length > 0) endRecord();
  return records;
}

/** @param {string} text @param {number} from @param {number} record */
function endOfQuoted(text, from, record) {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  throw new Error(`cannot read the table: a quote in record ${record} is never closed`);
}

/** Comma, semicolon or tab: whichever the first line has most of. @param {string} text */
function separatorOf(text) {
  const line = text.slice(0, text.search(/[\r\n]|$/));
  const count = (/** @type {string} */ mark) => line.split(mark).length;
  return [",", ";", "\t"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** The first record names the columns. @param {string} text @returns {Table} */
export function parseTable(text) {
  const [columns, ...rows] = parseRecords(text, separatorOf(text));
  if (columns === undefined) throw new Error("cannot read the table: the file is empty");
  const uneven = rows.findIndex((row) => row.length !== columns.length);
  if (uneven !== -1) {
    throw new Error(
      `cannot read the table: record ${uneven + 2} has ${rows[uneven]?.length} fields, expected ${columns.length}`,
    );
  }
  return { columns, rows };
}

/** @param {{ name: string, rows: string[][] }[]} sheets @param {string | undefined} wanted @returns {Table} */
function sheetTable(sheets, wanted) {
  const sheet =
    wanted === undefined
      ? sheets[0]
      : (sheets.find(({ name }) => name === wanted) ??
        sheets.find(({ name }) => name.toLowerCase() === wanted.toLowerCase()));
  if (sheet === undefined)
    throw new Error(
      `no sheet ${JSON.stringify(wanted ?? "")}, found ${sheets.map(({ name }) => name).join(", ")}`,
    );
  const [columns, ...rows] = sheet.rows.filter((row) => row.some((cell) => cell !== ""));
  if (columns === undefined) throw new Error(`cannot read the table: the sheet ${sheet.name} is empty`);
  const width = Math.max(columns.length, ...rows.map((row) => row.length));
  const filled = (/** @type {string[]} */ row) => Array.from({ length: width }, (_, at) => row[at] ?? "");
  return { columns: filled(columns), rows: rows.map(filled) };
}

/**
 * The table in a file below a folder; of a workbook the named sheet, or the first.
 * @param {string} path @param {string} cwd @param {string} [sheet]
 */
export async function loadTable(path, cwd, sheet) {
  if (!/\.xlsx$/i.test(path)) {
    if (sheet !== undefined) throw new Error(`cannot read the table: ${path} has no sheets`);
    return parseTable((await readText(path, cwd)).text);
  }
  const bytes = await readBytes(path, cwd);
  const { xlsxSheets } = await import("./lib/office.mjs");
  const sheets = await xlsxSheets(bytes).catch((cause) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot read the table: ${path} is no workbook (${why})`, { cause });
  });
  return sheetTable(sheets, sheet);
}

/** @param {Table} table @param {string} name */
function columnIndex(table, name) {
  const exact = table.columns.indexOf(name);
  const index =
    exact !== -1 ? exact : table.columns.findIndex((column) => column.toLowerCase() === name.toLowerCase());
  if (index === -1) throw new Error(`no column ${JSON.stringify(name)}, found ${table.columns.join(", ")}`);
  return index;
}

/** @param {string} text */
export const isNumber = (text) => text.trim() !== "" && Number.isFinite(Number(text));

/** @param {Table} table @param {string} name */
function numbers(table, name) {
  const index = columnIndex(table, name);
  return table.rows.map((row, at) => {
    const text = row[index] ?? "";
    if (!isNumber(text))
      throw new Error(
        `column ${JSON.stringify(name)} has ${JSON.stringify(text)} in record ${at + 2}, expected a number`,
      );
    return Number(text);
  });
}

/** @type {Readonly<Record<string, (left: string, right: string) => boolean>>} */
const COMPARE = {
  "=": (left, right) => (isNumber(left) && isNumber(right) ? Number(left) === Number(right) : left === right),
  "!=": (left, right) =>
    !(isNumber(left) && isNumber(right) ? Number(left) === Number(right) : left === right),
  ">": (left, right) => isNumber(left) && Number(left) > Number(right),
  "<": (left, right) => isNumber(left) && Number(left) < Number(right),
  ">=": (left, right) => isNumber(left) && Number(left) >= Number(right),
  "<=": (left, right) => isNumber(left) && Number(left) <= Number(right),
  contains: (left, right) => left.includes(right),
};

/** @param {Table} table @param {string[]} words @returns {Table} */
function filtered(table, words) {
  const [name, sign, ...rest] = words;
  const compare = sign === undefined || !Object.hasOwn(COMPARE, sign) ? undefined : COMPARE[sign];
  if (name === undefined || compare === undefined || rest.length === 0) {
    throw new Error(
      `expected a condition such as: where price > 10 (with ${Object.keys(COMPARE).join(" ")})`,
    );
  }
  const index = columnIndex(table, name);
  const wanted = rest.join(" ");
  return { columns: table.columns, rows: table.rows.filter((row) => compare(row[index] ?? "", wanted)) };
}

/** Without the noise of binary fractions. @param {number} value */
export const format = (value) => String(Number(value.toPrecision(15)));

/** @param {number[]} values */
const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}

/** @type {Readonly<Record<string, (values: number[]) => number>>} */
const AGGREGATES = {
  sum: total,
  average: (values) => total(values) / values.length,
  median,
  min: (values) => values.reduce((a, b) => Math.min(a, b)),
  max: (values) => values.reduce((a, b) => Math.max(a, b)),
};

/** @param {string} text */
export const quoteField = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** @param {Table} table @param {number} limit */
function listing(table, limit) {
  const shown = table.rows.slice(0, limit);
  const lines = [table.columns, ...shown].map((row) => row.map(quoteField).join(","));
  if (table.rows.length > shown.length) lines.push(`(${table.rows.length - shown.length} more rows)`);
  return { text: lines.join("\n"), data: { columns: table.columns, rows: shown, total: table.rows.length } };
}

/** @param {Table} table */
function overview(table) {
  const columns = table.columns.map((name, index) => {
    const cells = table.rows.map((row) => row[index] ?? "");
    if (cells.length === 0 || !cells.every(isNumber)) return { name, type: "text" };
    const values = cells.map(Number);
    return { name, type: "number", sum: total(values), average: total(values) / values.length };
  });
  const lines = columns.map(({ name, sum, average }) =>
    sum === undefined ? `${name}: text` : `${name}: number, sum ${format(sum)}, average ${format(average)}`,
  );
  return {
    text: [`rows: ${table.rows.length}`, ...lines].join("\n"),
    data: { rows: table.rows.length, columns },
  };
}

/** @param {Table} table @param {string} name @param {string[]} words @returns {{ text: string, data: Record<string, unknown> }} */
function aggregate(table, name, words) {
  const [column, ...rest] = words;
  const calculate = AGGREGATES[name];
  if (calculate === undefined) throw new Error(`expected one of ${Object.keys(AGGREGATES).join(", ")}`);
  if (column === undefined) return aggregateAll(table, name);
  if (rest.length > 0) throw new Error(`expected "where" or the end after the column, found ${rest[0]}`);
  const values = numbers(table, column);
  if (values.length === 0 && name !== "sum") throw new Error(`no rows to take the ${name} of`);
  const value = calculate(values);
  return { text: format(value), data: { [name]: value, column, rows: values.length } };
}

/** Of each column of numbers. @param {Table} table @param {string} name */
function aggregateAll(table, name) {
  const found = numberColumns(table).map((column) => ({ column, ...aggregate(table, name, [column]) }));
  if (found.length === 0) throw new Error(`no column of numbers to take the ${name} of`);
  return {
    text: found.map(({ column, text }) => `${column}: ${text}`).join("\n"),
    data: { columns: found.map(({ data }) => data) },
  };
}

/** @param {Table} table */
function numberColumns({ columns, rows }) {
  if (rows.length === 0) return [];
  return columns.filter((_, index) => rows.every((row) => isNumber(row[index] ?? "")));
}

const WORD = /"((?:[^"]|"")*)"|(\S+)/g;
/** @type {Readonly<Record<string, string>>} */
const ALIASES = {
  avg: "average",
  mean: "average",
  total: "sum",
  求和: "sum",
  合计: "sum",
  平均: "average",
  平均值: "average",
  中位数: "median",
  最大: "max",
  最小: "min",
  列: "columns",
  筛选: "where",
  filter: "where",
  工作表: "sheet",
};

/** The words of an order; those in quotes are one. @param {string} input */
export const wordsOf = (input) =>
  [...input.trim().matchAll(WORD)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");

/** @param {string} word */
const command = (word) =>
  (Object.hasOwn(ALIASES, word.toLowerCase()) ? ALIASES[word.toLowerCase()] : undefined) ??
  word.toLowerCase();

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return /^"?[^\s"]+\.(?:csv|tsv|xlsx)"?(?:\s|$)/i.test(input.trim()) ? 0.9 : 0;
}

/** Words of a question by the command that answers it; the first that is found counts. @type {readonly [RegExp, string][]} */
const QUESTIONS = [
  [/\bmedians?\b|中位数/iu, "median"],
  [/\b(?:averages?|avg|means?)\b|平均/iu, "average"],
  [/\b(?:sums?|totals?)\b|合计|总和|总计|求和/iu, "sum"],
  [/\b(?:max(?:imum)?|highest|largest|biggest)\b|最大|最高/iu, "max"],
  [/\b(?:min(?:imum)?|lowest|smallest)\b|最小|最低/iu, "min"],
  [/\bhow many (?:rows|records|lines)\b|多少行|行数/iu, "count"],
  [/\bcolumns\b(?=.*\?)|\b(?:which|what|list|show)\b.*\bcolumns\b|哪些列|列名/iu, "columns"],
  [/\b(?:show|list|print)\b.*\brows\b|显示.*行/iu, "rows"],
];

/**
 * The order for a question about a table, in words: what it asks for, of the column that it names, else of all.
 * @param {string} question @param {string} file @param {{ cwd: string }} context
 */
export async function about(question, file, { cwd }) {
  if (!/\.(?:csv|tsv|xlsx)$/i.test(file)) return undefined;
  const path = /\s/.test(file) ? `"${file}"` : file;
  const name = QUESTIONS.find(([words]) => words.test(question))?.[1];
  if (name === undefined) return path;
  if (!Object.hasOwn(AGGREGATES, name)) return `${path} ${name}`;
  const table = await loadTable(file, cwd);
  const text = question.toLowerCase();
  const named = numberColumns(table).filter((column) => text.includes(column.toLowerCase()));
  return named.length === 1 ? `${path} ${name} "${named[0]?.replaceAll('"', '""')}"` : `${path} ${name}`;
}

/**
 * @param {string} input Such as `sales.csv sum amount where city = Berlin`, `sales.csv rows 5` or `book.xlsx sheet Q2`.
 * @param {{ cwd: string }} context
 */
export async function run(input, { cwd }) {
  const [path, ...words] = wordsOf(input);
  if (path === undefined) throw new Error("expected the path of a CSV file or a workbook");
  const named = command(words[0] ?? "") === "sheet";
  const table = await loadTable(path, cwd, named ? words[1] : undefined);
  return answer(table, named ? words.slice(2) : words);
}

/** @param {Table} table @param {string[]} rest */
function answer(table, rest) {
  const at = rest.findIndex((word) => command(word) === "where");
  const selected = at === -1 ? table : filtered(table, rest.slice(at + 1));
  const [first, ...words] = at === -1 ? rest : rest.slice(0, at);
  if (first === undefined) return at === -1 ? overview(table) : listing(selected, SHOWN_ROWS);
  const name = command(first);
  if (name === "columns") return { text: table.columns.join("\n"), data: { columns: table.columns } };
  if (name === "count") return { text: String(selected.rows.length), data: { count: selected.rows.length } };
  if (name === "rows") return listing(selected, rowLimit(words[0]));
  if (Object.hasOwn(AGGREGATES, name)) return aggregate(selected, name, words);
  throw new Error(
    `unknown command ${JSON.stringify(first)}, expected columns, count, rows, sum, average, median, min, max or where`,
  );
}

/** @param {string | undefined} word */
function rowLimit(word) {
  if (word === undefined) return SHOWN_ROWS;
  if (!/^\d{1,6}$/.test(word)) throw new Error(`expected a number of rows, found ${JSON.stringify(word)}`);
  return Number(word);
}
