/** Reads a JSON file and shows the value at a path such as `users[0].name`. */

import { readText } from "./file_reader.mjs";

export const key = "json_query";

/** @param {string} path */
export function steps(path) {
  const found = path === "" ? [] : [...path.matchAll(/\.?([^.[\]]+)|\[(\d+)\]|\["([^"]*)"\]/gy)];
  if (found.reduce((length, [part]) => length + part.length, 0) !== path.length) {
    throw new Error(`cannot follow the path ${JSON.stringify(path)}, expected one such as users[0].name`);
  }
  return found.map(([, name, index, quoted]) =>
    index === undefined ? (name ?? quoted ?? "") : Number(index),
  );
}

/** @param {unknown} value @param {string} path */
export function valueAt(value, path) {
  let at = value;
  let walked = "";
  for (const step of steps(path)) {
    const next = child(at, step);
    if (next === undefined)
      throw new Error(
        `nothing at ${JSON.stringify(String(step))} below ${walked || "the top"}, which is ${kind(at)}`,
      );
    at = next.value;
    walked += typeof step === "number" ? `[${step}]` : `${walked === "" ? "" : "."}${step}`;
  }
  return at;
}

/** Only what the file has: nothing that every object inherits. @param {unknown} value @param {string | number} step */
function child(value, step) {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
  if (Array.isArray(value) && !/^\d+$/.test(String(step))) return undefined;
  return { value: Reflect.get(value, step) };
}

/** @param {unknown} value */
function kind(value) {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null)
    return `an object with ${Object.keys(value).slice(0, 10).join(", ")}`;
  return JSON.stringify(value);
}

/** @param {string} text @param {string} path */
function parse(text, path) {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path} is not JSON: ${reason}`, { cause });
  }
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return /^[^\s"]+\.json(?:\s+\S+)?$/i.test(input.trim()) ? 0.9 : 0;
}

/** @param {string} input A file and a path within it. @param {{ cwd: string }} context */
export async function run(input, { cwd }) {
  const [file, path = "", ...rest] = input.trim().split(/\s+/);
  if (file === undefined || file === "" || rest.length > 0)
    throw new Error("expected a file and a path, such as: data.json users[0].name");
  const { text } = await readText(file, cwd);
  const value = valueAt(parse(text, file), path);
  return {
    text: typeof value === "string" ? value : JSON.stringify(value, null, 2),
    data: { file, path, value },
  };
}
