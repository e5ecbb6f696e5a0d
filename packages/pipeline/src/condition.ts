import { StageError } from "./errors.ts";
import { meant } from "./finding.ts";

/*
 * The condition of a stage, `if`: an expression over what came of the stages that it needs. It is read into a tree and
 * the tree is evaluated: nothing of it runs as code. It has no loops and no calls, and reads own fields alone.
 *
 *   outputs.test.passed && !(input.draft || status.lint == "failed")
 */

/** What a condition may read. What is not there is null. */
export interface ConditionScope {
  /** By key, what completed stages returned. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** By key, how the stages ended that are needed: `completed`, `skipped`, `failed`, `cancelled`; or `pending`. */
  readonly status: Readonly<Record<string, string>>;
  readonly input?: unknown;
  /** Whether the build is failing: for stages that run finally. */
  readonly failed: boolean;
}

const ROOTS = ["outputs", "status", "input", "failed"] as const;
const MAX_CHARACTERS = 1000;
const MAX_DEPTH = 32;

type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";
type Node =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "path"; readonly root: string; readonly steps: readonly (string | number)[] }
  | { readonly kind: "not"; readonly of: Node }
  | { readonly kind: "and" | "or"; readonly left: Node; readonly right: Node }
  | { readonly kind: "compare"; readonly as: Comparison; readonly left: Node; readonly right: Node };

interface Token {
  readonly kind: "number" | "text" | "sign" | "name" | "end";
  readonly text: string;
  /** Characters before it. */
  readonly at: number;
}

/** What is wrong with a condition, as a clause. */
class ConditionError extends Error {}

const TOKEN =
  /\s*(?:(?<number>-?\d+(?:\.\d+)?)|(?<text>"(?:[^"\\]|\\["\\])*"|'(?:[^'\\]|\\['\\])*')|(?<sign>&&|\|\||[=!<>]=|[<>!().[\]])|(?<name>[A-Za-z_][\w-]*))/y;
const COMPARISONS: readonly string[] = ["==", "!=", "<", "<=", ">", ">="];
const WORDS = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const groups = pattern.exec(text)?.groups;
    const [kind, found] = Object.entries(groups ?? {}).find(([, value]) => value !== undefined) ?? [];
    const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
    if (found === undefined) throw new ConditionError(`${JSON.stringify(text[at])} at character ${at + 1}`);
    if (kind === "number" || kind === "text" || kind === "sign" || kind === "name")
      tokens.push({ kind, text: found, at });
  }
  return [...tokens, { kind: "end", text: "the end", at: end }];
}

/** Reads a condition by recursive descent: `||` binds least, then `&&`, comparisons, `!`. */
class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  whole(): Node {
    const node = this.#or();
    const rest = this.#peek();
    if (rest.kind !== "end") throw unexpected(rest);
    return node;
  }

  #or(): Node {
    let left = this.#and();
    while (this.#take("||")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Node {
    let left = this.#comparison();
    while (this.#take("&&")) left = { kind: "and", left, right: this.#comparison() };
    return left;
  }

  #comparison(): Node {
    const left = this.#single();
    const { kind, text } = this.#peek();
    if (kind !== "sign" || !isComparison(text)) return left;
    this.#next += 1;
    return { kind: "compare", as: text, left, right: this.#single() };
  }

  #single(): Node {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new ConditionError(`more than ${MAX_DEPTH} levels of nesting`);
    const node = this.#innermost();
    this.#depth -= 1;
    return node;
  }

  #innermost(): Node {
    if (this.#take("!")) return { kind: "not", of: this.#single() };
    if (this.#take("(")) {
      const inner = this.#or();
      this.#require(")");
      return inner;
    }
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === "number") return { kind: "value", value: Number(token.text) };
    if (token.kind === "text") return { kind: "value", value: textIn(token) };
    if (token.kind !== "name") throw unexpected(token);
    if (WORDS.has(token.text)) return { kind: "value", value: WORDS.get(token.text) };
    return { kind: "path", root: token.text, steps: this.#steps() };
  }

  #steps(): (string | number)[] {
    const steps: (string | number)[] = [];
    for (;;) {
      if (this.#take(".")) {
        const name = this.#peek();
        if (name.kind !== "name") throw unexpected(name);
        this.#next += 1;
        steps.push(name.text);
      } else if (this.#take("[")) {
        const key = this.#peek();
        if (key.kind !== "text" && key.kind !== "number") throw unexpected(key);
        this.#next += 1;
        steps.push(key.kind === "text" ? textIn(key) : Number(key.text));
        this.#require("]");
      } else return steps;
    }
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "the end", at: 0 };
  }

  #take(sign: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== "sign" || text !== sign) return false;
    this.#next += 1;
    return true;
  }

  #require(sign: string): void {
    if (!this.#take(sign)) throw new ConditionError(`${describe(this.#peek())} in place of ${sign}`);
  }
}

function isComparison(text: string): text is Comparison {
  return COMPARISONS.includes(text);
}

function textIn({ text }: Token): string {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}

function describe({ kind, text, at }: Token): string {
  return kind === "end" ? "its end" : `${text} at character ${at + 1}`;
}

function unexpected(token: Token): ConditionError {
  return new ConditionError(describe(token));
}

/**
 * What is wrong with a condition; undefined when nothing is. `needed`: keys of the stages that have ended before it is
 * evaluated, the only ones that it may read.
 */
export function conditionProblem(
  text: string,
  needed: readonly string[],
): { readonly expected: string; readonly found: string } | undefined {
  if (text.length > MAX_CHARACTERS)
    return { expected: `expected at most ${MAX_CHARACTERS} characters`, found: String(text.length) };
  try {
    for (const { root, steps } of pathsIn(new Parser(text).whole())) {
      if (!ROOTS.some((one) => one === root))
        return { expected: withMeant(`expected one of ${ROOTS.join(", ")}`, root, ROOTS), found: root };
      if (root !== "outputs" && root !== "status") continue;
      const [key] = steps;
      if (typeof key === "string" && needed.includes(key)) continue;
      const found = key === undefined ? root : `${root}.${key}`;
      const stages = needed.join(", ") || "there is none";
      const expected = `expected a stage that this one needs (${stages})`;
      return { expected: withMeant(expected, String(key), needed), found };
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return {
      expected: 'expected a condition such as outputs.test.passed && input.mode != "draft"',
      found: error.message,
    };
  }
}

function withMeant(expected: string, name: string, names: readonly string[]): string {
  const near = meant(name, names);
  return near === undefined ? expected : `${expected}; did you mean ${near}?`;
}

function pathsIn(node: Node): Extract<Node, { kind: "path" }>[] {
  switch (node.kind) {
    case "value":
      return [];
    case "path":
      return [node];
    case "not":
      return pathsIn(node.of);
    case "and":
    case "or":
    case "compare":
      return [...pathsIn(node.left), ...pathsIn(node.right)];
    default:
      return node satisfies never;
  }
}

/** Whether a condition holds. Errors: a StageError for one that is none, which no checked pipeline has. */
export function conditionHolds(text: string, scope: ConditionScope): boolean {
  try {
    return isTrue(valueIn(new Parser(text).whole(), scope));
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw new StageError(`The condition ${JSON.stringify(text)} cannot be read: found ${error.message}.`);
  }
}

function valueIn(node: Node, scope: ConditionScope): unknown {
  switch (node.kind) {
    case "value":
      return node.value;
    case "path":
      return node.steps.reduce(fieldOf, fieldOf(scope, node.root));
    case "not":
      return !isTrue(valueIn(node.of, scope));
    case "and":
      return isTrue(valueIn(node.left, scope)) && isTrue(valueIn(node.right, scope));
    case "or":
      return isTrue(valueIn(node.left, scope)) || isTrue(valueIn(node.right, scope));
    case "compare":
      return compared(node.as, valueIn(node.left, scope), valueIn(node.right, scope));
    default:
      return node satisfies never;
  }
}

/** An own field, an element, or the length of a list or text; else null. */
function fieldOf(value: unknown, step: string | number): unknown {
  if (step === "length" && (typeof value === "string" || Array.isArray(value))) return value.length;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return null;
  const found: unknown = Reflect.get(value, step);
  return found ?? null;
}

function isTrue(value: unknown): boolean {
  return value !== false && value !== null && value !== 0 && value !== "";
}

/** Numbers with numbers and texts with texts are in order; anything else is neither before nor after. */
function compared(as: Comparison, left: unknown, right: unknown): boolean {
  if (as === "==") return left === right;
  if (as === "!=") return left !== right;
  const isOrdered =
    (typeof left === "number" && typeof right === "number") ||
    (typeof left === "string" && typeof right === "string");
  if (!isOrdered) return false;
  switch (as) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      return as satisfies never;
  }
}
