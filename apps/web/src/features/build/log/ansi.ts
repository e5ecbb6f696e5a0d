import { createAnsiSequenceParser, type ParseToken } from "ansi-sequence-parser";
import { colourOf, legible, PAPER } from "./colours.ts";

/** A piece of a line with one look. Colours are `#rrggbb`. */
export interface LogSpan {
  readonly text: string;
  readonly colour?: string;
  readonly background?: string;
  readonly bold?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
}

const ESC = "\u001b";
// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
/** Titles, hyperlinks and the like: ESC ] … up to BEL or ESC \, also when it never ends. */
const OSC = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)/g;
/** ESC [ … : its parameters and what it is; only `m` with plain numbers is a style. */
const CSI = /\u001b\[([0-?]*)([ -/]*)([@-~]|$)/g;
const OTHER_ESCAPE = /\u001b(?!\[)(?:[ -/]*[0-~])?/g;
const STYLE = /\u001b\[([\d;]*)m/g;
const CONTROL = /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above

/** A line as a terminal would leave it: rewritten parts gone, and of the escapes only styles left. */
function styledLine(raw: string): string {
  const line = raw.includes("\r") ? lastRewrite(raw) : raw;
  const escaped = line.includes(ESC) ? onlyStyles(line) : line;
  return escaped.replace(CONTROL, (char) => pictureOf(char.charCodeAt(0)));
}

function onlyStyles(line: string): string {
  return line.replace(OSC, "").replace(OTHER_ESCAPE, "").replace(CSI, keptStyle);
}

function keptStyle(_all: string, codes: string, between: string, final: string): string {
  if (final !== "m" || between !== "" || !/^[\d;:]*$/.test(codes)) return "";
  // No number at all means 0, and colons mean semicolons to those who write them.
  return `${ESC}[${codes === "" ? "0" : codes.replaceAll(":", ";")}m`;
}

/** A progress bar rewrites its line after each carriage return: what was written last is what one saw. */
function lastRewrite(raw: string): string {
  return raw.split("\r").findLast((part) => part !== "") ?? "";
}

/** A control character as the picture of itself. */
function pictureOf(code: number): string {
  return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code);
}

/** The text alone, as it is searched. */
export function plainText(raw: string): string {
  const line = styledLine(raw);
  return line.includes(ESC) ? line.replace(STYLE, "") : line;
}

/** The styles that a line leaves switched on, as escapes to put before the next one. */
export function carriedAfter(carried: string, raw: string): string {
  if (!raw.includes(`${ESC}[`)) return carried;
  let open = carried;
  for (const [sequence, codes = ""] of styledLine(raw).matchAll(STYLE)) {
    if (/^[0;]*$/.test(codes)) open = "";
    else open = /^0*;/.test(codes) ? sequence : open + sequence;
  }
  // A colour that is never switched off stays until the next one.
  return open.length > 200 ? open.slice(open.indexOf(ESC, open.length - 200)) : open;
}

/** The pieces of a line, with the styles that earlier lines left switched on. */
export function spansOf(raw: string, carried = ""): LogSpan[] {
  const line = carried + styledLine(raw);
  if (!line.includes(ESC)) return line === "" ? [] : [{ text: line }];
  return createAnsiSequenceParser().parse(line).map(spanOf);
}

function spanOf({ value, foreground, background, decorations }: ParseToken): LogSpan {
  const swapped = decorations.has("reverse");
  const fg = colourOf(swapped ? background : foreground) ?? (swapped ? PAPER : undefined);
  const bg = colourOf(swapped ? foreground : background) ?? (swapped ? "#e6edf3" : undefined);
  const colour = fg === undefined && bg === undefined ? undefined : legible(fg ?? "#e6edf3", bg ?? PAPER);
  return {
    text: value,
    ...(colour !== undefined && { colour }),
    ...(bg !== undefined && { background: bg }),
    ...(decorations.has("bold") && { bold: true }),
    ...(decorations.has("italic") && { italic: true }),
    ...(decorations.has("underline") && { underline: true }),
    ...(decorations.has("strikethrough") && { strike: true }),
  };
}
