/** Rows as a workbook. */

import writeWorkbook from "write-excel-file/universal";

/** @param {string} text Numbers become numbers, unless digits would be lost; all else stays text. */
const cellOf = (text) => (text.trim() !== "" && String(Number(text)) === text.trim() ? Number(text) : text);

/** The bytes of a .xlsx file with one sheet. @param {string[]} columns @param {string[][]} rows */
export async function xlsxBytes(columns, rows) {
  const head = columns.map((value) => ({ value, fontWeight: /** @type {const} */ ("bold") }));
  const body = rows.map((row) => row.map((cell) => (cell === "" ? null : cellOf(cell))));
  const blob = await writeWorkbook([head, ...body]).toBlob();
  return new Uint8Array(await blob.arrayBuffer());
}
