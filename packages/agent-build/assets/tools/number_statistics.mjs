/** Describes a list of numbers: count, sum, mean, median, spread. */

export const key = "number_statistics";

const ORDER =
  /^(?:stats|statistics|describe|mean|average|median|统计|平均值?|中位数)\s*(?:of)?\s*[:\uff1a]?\s*/iu;

/** Without the noise of binary fractions. @param {number} value */
const format = (value) => String(Number(value.toPrecision(12)));

/** @param {string} input */
function numbersIn(input) {
  const words = input
    .trim()
    .replace(ORDER, "")
    .split(/[\s,，;；、]+/u)
    .filter((word) => word !== "");
  const wrong = words.find((word) => !Number.isFinite(Number(word)));
  if (wrong !== undefined)
    throw new Error(`cannot describe: expected numbers, found ${JSON.stringify(wrong)}`);
  if (words.length === 0) throw new Error("cannot describe: expected at least one number");
  return words.map(Number);
}

/** The standard deviation is that of a sample (divided by n - 1), and 0 for one number. @param {number[]} values */
export function describe(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const sum = values.reduce((total, value) => total + value, 0);
  const mean = sum / values.length;
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return {
    count: values.length,
    sum,
    mean,
    median: sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    standard_deviation: values.length === 1 ? 0 : Math.sqrt(squares / (values.length - 1)),
  };
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const text = input.trim();
  const list = /^-?[\d.]+(?:[\s,，;；、]+-?[\d.]+)+$/u;
  if (ORDER.test(text)) return list.test(text.replace(ORDER, "")) ? 0.9 : 0;
  return list.test(text) ? 0.6 : 0;
}

/** @param {string} input Numbers, divided by spaces or commas. */
export function run(input) {
  const data = describe(numbersIn(input));
  const lines = Object.entries(data).map(([name, value]) => `${name.replaceAll("_", " ")}: ${format(value)}`);
  return { text: lines.join("\n"), data };
}
