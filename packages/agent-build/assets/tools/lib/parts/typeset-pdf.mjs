/**
 * Paragraphs as a PDF file, for which no font has to be embedded: Latin text in Helvetica, Chinese in STSong-Light, one
 * of the fonts that PDF names for readers to have or to replace. Libraries embed fonts, and one for Chinese is 10 MB.
 */

/** @typedef {{ text: string, size: number, bold: boolean, indent: number, tight?: boolean }} Block */
/** @typedef {{ text: string, font: "F1" | "F2" | "F3" }} Run */

const PAGE = { width: 595, height: 842, margin: 56 };
const LINE = 1.4;

/** Thousandths of the size, from the space to the tilde. */
const widthsOf = (/** @type {string} */ text) => text.split(" ").map(Number);
const REGULAR = widthsOf(
  "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584",
);
const BOLD = widthsOf(
  "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 280 389 584",
);

/** @param {string} character */
const isLatin = (character) => /^[ -~\u00a0-\u00ff]$/.test(character);

/** What no font here has becomes a box. @param {string} text */
const printable = (text) =>
  text
    .replaceAll("\t", "    ")
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u{10000}-\u{10ffff}\ud800-\udfff]/gu, "\u25a1")
    .replace(/\p{Cc}/gu, "");

/** @param {string} character @param {boolean} bold */
function widthOf(character, bold) {
  if (!isLatin(character)) return 1000;
  const base = character.normalize("NFD").charCodeAt(0);
  return (bold ? BOLD : REGULAR)[base - 32] ?? 556;
}

/** @param {string} text @param {boolean} bold */
const measure = (text, bold) =>
  Array.from(text).reduce((sum, character) => sum + widthOf(character, bold), 0);

/** Words with the blanks behind them; each Chinese character is one. @param {string} line */
const piecesOf = (line) =>
  line.match(/[ -~\u00a0-\u00ff]*?[ ]+|[!-~\u00a1-\u00ff]+|[^ -~\u00a0-\u00ff]/gu) ?? [];

/** @param {string} text @param {boolean} bold @param {number} room in thousandths of the size */
function wrap(text, bold, room) {
  /** @type {string[]} */
  const lines = [];
  let line = "";
  const place = (/** @type {string} */ piece) => {
    if (measure(line + piece.trimEnd(), bold) <= room) {
      line += piece;
      return;
    }
    if (line !== "") lines.push(line);
    line = piece;
    if (measure(piece.trimEnd(), bold) <= room) return;
    line = "";
    for (const character of piece) {
      if (measure(line + character, bold) > room) {
        lines.push(line);
        line = "";
      }
      line += character;
    }
  };
  for (const piece of piecesOf(text)) place(piece);
  return [...lines, line];
}

/** @param {string} line @param {boolean} bold @returns {Run[]} */
function runsOf(line, bold) {
  /** @type {Run[]} */
  const runs = [];
  for (const character of line) {
    const font = isLatin(character) ? (bold ? "F2" : "F1") : "F3";
    const last = runs.at(-1);
    if (last?.font === font) last.text += character;
    else runs.push({ text: character, font });
  }
  return runs;
}

/** @param {string} text @param {number} digits */
const hex = (text, digits) =>
  Array.from(text, (character) => character.charCodeAt(0).toString(16).padStart(digits, "0")).join("");

/** @param {string} line @param {Block} block @param {number} y */
function lineOperators(line, block, y) {
  const shown = runsOf(line, block.bold).map(
    ({ text, font }) => `/${font} ${block.size} Tf <${hex(text, font === "F3" ? 4 : 2)}> Tj`,
  );
  return `BT 1 0 0 1 ${PAGE.margin + block.indent} ${y.toFixed(1)} Tm ${shown.join(" ")} ET`;
}

/** The operators of each page. @param {readonly Block[]} blocks */
function pagesOf(blocks) {
  /** @type {string[][]} */
  const pages = [[]];
  let y = PAGE.height - PAGE.margin;
  for (const block of blocks) {
    const room = ((PAGE.width - 2 * PAGE.margin - block.indent) / block.size) * 1000;
    const lines = printableLines(block.text).flatMap((line) => wrap(line, block.bold, room));
    y -= block.tight ? 0 : block.size * 0.5;
    for (const line of lines) {
      y -= block.size * LINE;
      if (y < PAGE.margin) {
        pages.push([]);
        y = PAGE.height - PAGE.margin - block.size * LINE;
      }
      pages.at(-1)?.push(lineOperators(line, block, y));
    }
  }
  return pages.map((operators) => operators.join("\n"));
}

/** @param {string} text */
const printableLines = (text) => text.split("\n").map(printable);

/** What the codes of Chinese text mean, so that it can be searched and copied. */
function toUnicode() {
  const high = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, "0"));
  const groups = [high.slice(0, 100), high.slice(100, 200), high.slice(200)].map((group) => {
    const ranges = group.map((byte) => `<${byte}00> <${byte}FF> <${byte}00>`);
    return `${group.length} beginbfrange\n${ranges.join("\n")}\nendbfrange`;
  });
  return `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Codes def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
${groups.join("\n")}
endcmap CMapName currentdict /CMap defineresource pop end end`;
}

/** @param {string} content */
const stream = (content) => `<</Length ${content.length}>>\nstream\n${content}\nendstream`;

/** The bytes of a PDF file. @param {string} title @param {readonly Block[]} blocks */
export function pdfOf(title, blocks) {
  const pages = pagesOf(blocks);
  const fixed = 9;
  const kids = pages.map((_, index) => `${fixed + index * 2} 0 R`);
  const latin = (/** @type {string} */ name) =>
    `<</Type/Font/Subtype/Type1/BaseFont/${name}/Encoding/WinAnsiEncoding>>`;
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    `<</Type/Pages/Kids[${kids.join(" ")}]/Count ${pages.length}>>`,
    latin("Helvetica"),
    latin("Helvetica-Bold"),
    "<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]/ToUnicode 8 0 R>>",
    "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>/DW 1000/FontDescriptor 7 0 R>>",
    "<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    stream(toUnicode()),
    ...pages.flatMap((operators, index) => [
      `<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${PAGE.width} ${PAGE.height}]/Contents ${fixed + 1 + index * 2} 0 R/Resources<</Font<</F1 3 0 R/F2 4 0 R/F3 5 0 R>>>>>>`,
      stream(operators),
    ]),
    `<</Title<feff${hex(printable(title), 4)}>>>`,
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, index) => {
    const at = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, "0")} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}`;
  const trailer = `trailer<</Size ${objects.length + 1}/Root 1 0 R/Info ${objects.length} 0 R>>`;
  return Buffer.from(`${file}${table}${trailer}\nstartxref\n${file.length}\n%%EOF\n`, "latin1");
}
