import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, format, match, run } from "../../assets/tools/calculator.mjs";

describe("expressions", () => {
  test.each([
    ["12.5*4", "50"],
    ["0.1+0.2", "0.3"],
    ["1/3", "0.333333333333333"],
    ["-2^2", "-4"],
    ["(-2)^2", "4"],
    ["2^3^2", "512"],
    ["2^-1", "0.5"],
    ["--3", "3"],
    ["7 % 4 * 2", "6"],
    ["10 - 2 - 3", "5"],
    ["1e3 + .5", "1000.5"],
    ["sqrt(16) + abs(-3)", "7"],
    ["round(2.675, 2)", "2.68"],
    ["round(-1.5)", "-2"],
    ["min(3, 1, 2) + max(4, 5)", "6"],
    ["avg(1, 2, 6)", "3"],
    ["PI", "3.14159265358979"],
    ["0 * -1", "0"],
    ["What is 12 divided by 5?", "2.4"],
    ["计算 3 加 4 等于多少？", "7"],
    ["6 × 7 ÷ 2", "21"],
    ["（1+2）*3", "9"],
    ["1e308 / 10", "1e+307"],
  ])("%s is %s", (input, expected) => {
    expect(run(input).text).toBe(expected);
  });

  test.each([
    ["1/0", "division by zero"],
    ["5 % 0", "remainder of a division by zero"],
    ["sqrt(-1)", "negative"],
    ["ln(0)", "logarithm of 0"],
    ["(-8)^(1/3)", "not a real number"],
    ["9^9^9^9", "too large"],
    ["", "empty"],
    ["2+", "expected a number, found the end"],
    ["2 3", 'expected an operator, found "3"'],
    ["(1+2", 'expected ")", found the end'],
    ["2(3)", "expected an operator"],
    ["1 & 2", 'unexpected "&" at position 3'],
    ["1 🦊", 'unexpected "🦊" at position 3'],
    ["constructor(1)", 'unknown name "constructor"'],
    ["__proto__", 'unknown name "__proto__"'],
    ["pow(2)", "pow takes 2 numbers, found 1"],
    ["process.exit(1)", 'unexpected "."'],
    [`${"(".repeat(300)}1${")".repeat(300)}`, "more than 200 parentheses"],
    [`${"2^".repeat(300)}1`, "more than 200 powers"],
    [`1${"+1".repeat(6000)}`, "more than 10000 characters"],
  ])("%s is refused", (input, message) => {
    expect(() => run(input)).toThrow(message);
  });

  test("many signs and operators in a row do not exhaust the stack", () => {
    expect(evaluate(`${"-".repeat(9000)}1`)).toBe(1);
    expect(evaluate(`1${"+1".repeat(4000)}`)).toBe(4001);
  });
});

type Tree =
  | number
  | { readonly sign: string; readonly left: Tree; readonly right: Tree }
  | { readonly minus: Tree };

const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 0, max: 100_000 }).map((cents) => cents / 100),
    ),
    fc.record({ sign: fc.constantFrom("+", "-", "*", "/", "%", "^"), left: tie("tree"), right: tie("tree") }),
    fc.record({ minus: tie("tree") }),
  ),
})).tree;

/** The reference: what the tree means, without any text or precedence. Undefined where there is no such number. */
function meaning(node: Tree): number | undefined {
  if (typeof node === "number") return node;
  if ("minus" in node) {
    const value = meaning(node.minus);
    return value === undefined ? undefined : -value;
  }
  const left = meaning(node.left);
  const right = meaning(node.right);
  if (left === undefined || right === undefined) return undefined;
  switch (node.sign) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? undefined : left / right;
    case "%":
      return right === 0 ? undefined : left % right;
    default:
      return left ** right;
  }
}

const RANK: Readonly<Record<string, number>> = { "+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 4 };
const MINUS_RANK = 3;

/** With no more parentheses than needed, so that precedence and direction are what is tested. */
function written(node: Tree, above = 0, right = false): string {
  if (typeof node === "number") return String(node);
  const rank = "minus" in node ? MINUS_RANK : (RANK[node.sign] ?? 0);
  const text =
    "minus" in node
      ? `-${written(node.minus, MINUS_RANK)}`
      : `${written(node.left, rank, node.sign === "^")} ${node.sign} ${written(node.right, rank, node.sign !== "^")}`;
  return rank < above || (rank === above && right) ? `(${text})` : text;
}

test("what is written is what is meant, for any expression", () => {
  fc.assert(
    fc.property(tree, (node) => {
      const expected = meaning(node);
      const text = written(node);
      if (expected === undefined || !Number.isFinite(expected)) {
        expect(() => evaluate(text)).toThrow("cannot calculate");
      } else {
        expect(evaluate(text)).toBe(expected);
      }
    }),
    { numRuns: 2000 },
  );
});

test("any text gives a finite number or an Error that says why", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[-+*/%^(),.\d e]*$/)), (text) => {
      try {
        expect(Number.isFinite(evaluate(text))).toBe(true);
      } catch (error) {
        expect(String(error)).toContain("cannot calculate: ");
      }
    }),
    { numRuns: 2000 },
  );
});

test("a printed number is the same number to 15 digits", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.abs(Number(format(value)) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-14);
    }),
  );
});

test.each([
  ["12.5*4", true],
  ["-3+2", true],
  ["sqrt(2)", true],
  ["42", true],
  ["12 plus 4", true],
  ["hello world", false],
  ["10 km to miles", false],
  ["https://example.org/1+2", false],
  ["2024-05-01", false],
  ["", false],
])("is %s an expression: %s", (input, sure) => {
  expect(match(input) >= 0.5).toBe(sure);
});
