import { invalidInput } from "../errors.ts";

const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
/** Texts without any of these have no number that parsing could change. */
const SUSPICIOUS = /\d{16}|\d[eE]/;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Refuses JSON with a number that would become another one: an integer of more digits than a double keeps, such as a
 * 64-bit id, or a number beyond its range. Text that is no JSON is left to the parser. Errors: INVALID_INPUT.
 */
export function requireExactNumbers(json: string): void {
  if (!SUSPICIOUS.test(json)) return;
  for (let at = 0; at < json.length; ) {
    const char = json.charCodeAt(at);
    NUMBER.lastIndex = at;
    const number = char === QUOTE ? undefined : NUMBER.exec(json)?.[0];
    if (char === QUOTE) at = endOfString(json, at);
    else if (number === undefined) at += 1;
    else if (isExact(number)) at += number.length;
    else throw inexact(number);
  }
}

/** Behind the closing quote. */
function endOfString(json: string, quote: number): number {
  for (let at = quote + 1; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (char === QUOTE) return at + 1;
    if (char === BACKSLASH) at += 1;
  }
  return json.length;
}

function isExact(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  // Fractions are rounded wherever they are read. What a client wrote from a double comes back as it wrote it.
  if (!Number.isInteger(value) || Number.isSafeInteger(value) || /[.eE]/.test(text)) return true;
  return String(value) === text || BigInt(text) === BigInt(value);
}

function inexact(number: string): Error {
  const found = number.length > 60 ? `${number.slice(0, 60)}…` : number;
  const issue = `expected numbers that JSON readers keep as they are, found ${found}; send it as text`;
  return invalidInput(`The input is not valid: ${issue}`, [issue]);
}
