/** Evaluates arithmetic expressions with a parser of its own: nothing of the input is ever run as code. */

export const key = "calculator";

const MAX_LENGTH = 10_000;
/** Deeper nesting would exhaust the call stack before it says anything useful. */
const MAX_DEPTH = 200;

/** @type {Readonly<Record<string, number>>} */
const CONSTANTS = { pi: Math.PI, e: Math.E };

/** @type {Readonly<Record<string, { min: number, max: number, apply: (...values: number[]) => number }>>} */
const FUNCTIONS = {
  sqrt: { min: 1, max: 1, apply: squareRoot },
  abs: { min: 1, max: 1, apply: Math.abs },
  floor: { min: 1, max: 1, apply: Math.floor },
  ceil: { min: 1, max: 1, apply: Math.ceil },
  round: { min: 1, max: 2, apply: round },
  min: { min: 1, max: Infinity, apply: Math.min },
  max: { min: 1, max: Infinity, apply: Math.max },
  sum: { min: 1, max: Infinity, apply: (...values) => values.reduce((a, b) => a + b, 0) },
  avg: { min: 1, max: Infinity, apply: (...values) => values.reduce((a, b) => a + b, 0) / values.length },
  pow: { min: 2, max: 2, apply: (base, exponent) => base ** exponent },
  exp: { min: 1, max: 1, apply: Math.exp },
  ln: { min: 1, max: 1, apply: (value) => logarithm(value, Math.log) },
  log: { min: 1, max: 1, apply: (value) => logarithm(value, Math.log10) },
  sin: { min: 1, max: 1, apply: Math.sin },
  cos: { min: 1, max: 1, apply: Math.cos },
  tan: { min: 1, max: 1, apply: Math.tan },
};

/** Words around and inside an expression, by what they mean; longer ones first. @type {readonly [RegExp, string][]} */
const WORDS = [
  [
    /^\s*(?:what\s+is|what's|how\s+much\s+is|calculate|compute|evaluate|请?帮?我?(?:计算|算)一?下?)\s*[:\uff1a]?\s*/i,
    "",
  ],
  [/\s*(?:=\s*[?\uff1f]?|[?\uff1f]|等于多少[?\uff1f]?|是多少[?\uff1f]?|等于几[?\uff1f]?)\s*$/u, ""],
  [/\bmultiplied\s+by\b|\btimes\b|乘以|乘|×|✕|·/giu, "*"],
  [/\bdivided\s+by\b|\bover\b|除以|÷/giu, "/"],
  [/\bplus\b|加上|加/giu, "+"],
  [/\bminus\b|减去|减|−|–/giu, "-"],
  [/\bmod(?:ulo)?\b/giu, "%"],
  [/\*\*/g, "^"],
  [/（/g, "("],
  [/）/g, ")"],
  [/，/g, ","],
];

/** @param {string} input */
function toExpression(input) {
  return WORDS.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), input).trim();
}

/** @param {string} reason @returns {never} */
function fail(reason) {
  throw new Error(`cannot calculate: ${reason}`);
}

/** @param {number} value */
function squareRoot(value) {
  return value < 0 ? fail(`sqrt of the negative number ${value}`) : Math.sqrt(value);
}

/** @param {number} value @param {(value: number) => number} log */
function logarithm(value, log) {
  return value <= 0 ? fail(`logarithm of ${value}, expected a number above 0`) : log(value);
}

/** Half away from zero, in decimal: round(1.005, 2) is 1.01. @param {number} value @param {number} [digits] */
function round(value, digits = 0) {
  if (!Number.isInteger(digits) || digits < 0 || digits > 15)
    fail(`round to ${digits} digits, expected 0 to 15`);
  const scaled = Number(`${Math.abs(value)}e${digits}`);
  // Numbers that print with an exponent have no such digits to round.
  if (Number.isNaN(scaled)) return value;
  return Math.sign(value) * Number(`${Math.round(scaled)}e-${digits}`);
}

const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|([-+*/%^(),]))/y;

/**
 * @typedef {{ kind: "number", text: string, value: number } | { kind: "name" | "sign", text: string }} Token
 * @param {string} expression
 */
function tokens(expression) {
  /** @type {Token[]} */
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex;
    const part = TOKEN.exec(expression);
    if (part === null) {
      const rest = expression.slice(at).trimStart();
      fail(
        `unexpected ${JSON.stringify(Array.from(rest)[0] ?? "")} at position ${expression.length - rest.length + 1}`,
      );
    }
    const [, number, name, sign] = part;
    if (number !== undefined) found.push({ kind: "number", text: number, value: Number(number) });
    else if (name !== undefined) found.push({ kind: "name", text: name.toLowerCase() });
    else found.push({ kind: "sign", text: sign ?? "" });
  }
  return found;
}

class Parser {
  /** @param {Token[]} list */
  constructor(list) {
    this.list = list;
    this.at = 0;
    this.depth = 0;
  }

  /** @param {string} text */
  take(text) {
    const token = this.list[this.at];
    if (token?.kind !== "sign" || token.text !== text) return false;
    this.at += 1;
    return true;
  }

  /** @param {string} text */
  expect(text) {
    if (!this.take(text)) fail(`expected "${text}", found ${this.found()}`);
  }

  found() {
    const token = this.list[this.at];
    return token === undefined ? "the end" : `"${token.text}"`;
  }

  /** @returns {number} */
  sum() {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) fail(`more than ${MAX_DEPTH} parentheses inside each other`);
    let value = this.product();
    for (;;) {
      if (this.take("+")) value += this.product();
      else if (this.take("-")) value -= this.product();
      else break;
    }
    this.depth -= 1;
    return value;
  }

  /** @returns {number} */
  product() {
    let value = this.signed();
    for (;;) {
      if (this.take("*")) value *= this.signed();
      else if (this.take("/")) value /= this.divisor("division");
      else if (this.take("%")) value %= this.divisor("remainder of a division");
      else return value;
    }
  }

  /** @param {string} what */
  divisor(what) {
    const value = this.signed();
    return value === 0 ? fail(`${what} by zero`) : value;
  }

  /** Binds weaker than a power: -2^2 is -4. @returns {number} */
  signed() {
    let sign = 1;
    for (;;) {
      if (this.take("-")) sign = -sign;
      else if (!this.take("+")) return sign * this.power();
    }
  }

  /** From the right: 2^3^2 is 2^9. @returns {number} */
  power() {
    const base = this.atom();
    if (!this.take("^")) return base;
    this.depth += 1;
    if (this.depth > MAX_DEPTH) fail(`more than ${MAX_DEPTH} powers inside each other`);
    const value = base ** this.signed();
    this.depth -= 1;
    return value;
  }

  /** @returns {number} */
  atom() {
    const token = this.list[this.at];
    if (token?.kind === "number") {
      this.at += 1;
      return token.value;
    }
    if (token?.kind === "name") {
      this.at += 1;
      return this.named(token.text);
    }
    if (!this.take("(")) fail(`expected a number, found ${this.found()}`);
    const value = this.sum();
    this.expect(")");
    return value;
  }

  /** @param {string} name */
  named(name) {
    const constant = Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name] : undefined;
    if (constant !== undefined) return constant;
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (known === undefined)
      fail(`unknown name "${name}", known are ${Object.keys(FUNCTIONS).join(", ")}, pi and e`);
    this.expect("(");
    const values = [this.sum()];
    while (this.take(",")) values.push(this.sum());
    this.expect(")");
    if (values.length < known.min || values.length > known.max) {
      fail(
        `${name} takes ${known.min === known.max ? known.min : `${known.min} to ${known.max}`} numbers, found ${values.length}`,
      );
    }
    return known.apply(...values);
  }
}

/** The value of an expression. Throws an Error that says what is wrong with it. @param {string} expression */
export function evaluate(expression) {
  if (expression.length > MAX_LENGTH) fail(`more than ${MAX_LENGTH} characters`);
  const list = tokens(expression.trim());
  if (list.length === 0) fail("the expression is empty");
  const parser = new Parser(list);
  const value = parser.sum();
  if (parser.at < list.length) fail(`expected an operator, found ${parser.found()}`);
  if (!Number.isFinite(value))
    fail(Number.isNaN(value) ? "the result is not a real number" : "the result is too large");
  return value;
}

/** 15 significant digits: what a double holds, without the noise of binary fractions. @param {number} value */
export function format(value) {
  const rounded = Number(value.toPrecision(15));
  // The largest numbers of all would be rounded to infinity.
  return String(Number.isFinite(rounded) ? rounded + 0 : value);
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  if (input.length > MAX_LENGTH) return 0;
  const expression = toExpression(input);
  if (!/^[\w\s.+\-*/%^(),]+$/.test(expression)) return 0;
  const names = expression.toLowerCase().match(/(?<![\d.])[a-z_]\w*/g) ?? [];
  if (!names.every((name) => Object.hasOwn(FUNCTIONS, name) || Object.hasOwn(CONSTANTS, name))) return 0;
  if (/^\d{4}-\d{1,2}-\d{1,2}$/.test(expression)) return 0.2;
  return /\d\s*[-+*/%^]|[-+]\s*[\d(]|\(/.test(expression) || /^[\d.]+$/.test(expression) ? 0.9 : 0;
}

/** @param {string} input An expression such as `12.5*4` or `sqrt(2)^2`. */
export function run(input) {
  const expression = toExpression(input);
  const value = evaluate(expression);
  return { text: format(value), data: { expression, value } };
}
