/** Reads a text file below the working folder. */

import { open, realpath } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";

export const key = "file_reader";

/** Files whose text this tool gives where an agent is asked for `@file`. */
export const reads = /./u;

const MAX_BYTES = 1_000_000;
const MAX_BINARY_BYTES = 20_000_000;
const PATH = /^[^\s:*?"<>|]+\.[A-Za-z0-9]{1,8}$/u;

/** @param {unknown} cause */
const reasonOf = (cause) => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "it may not be read";
  return cause instanceof Error ? cause.message : String(cause);
};

/** The real path, links followed; one that leaves the folder is refused. @param {string} path @param {string} cwd */
async function below(path, cwd) {
  if (path.includes("\0")) throw new Error("cannot read: the path has a NUL");
  const root = await realpath(cwd);
  const file = await realpath(resolve(root, path)).catch((cause) => {
    throw new Error(`cannot read ${path}: ${reasonOf(cause)}`, { cause });
  });
  const inside = relative(root, file);
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new Error(`cannot read ${path}: it is not below the working folder`);
  }
  return file;
}

/** @param {string} file @param {string} path @param {number} limit */
async function readLimited(file, path, limit) {
  const handle = await open(file, "r").catch((cause) => {
    throw new Error(`cannot read ${path}: ${reasonOf(cause)}`, { cause });
  });
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new Error(`cannot read ${path}: it is not a file`);
    if (info.size > limit)
      throw new Error(`cannot read ${path}: ${info.size} bytes, at most ${limit} are read`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** @param {Uint8Array} bytes @param {string} path */
function decode(bytes, path) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`cannot read ${path}: it is not UTF-8 text`, { cause });
  }
}

/**
 * The text of a file below a folder. Throws an Error for a file that is missing, elsewhere, too large or not UTF-8.
 * @param {string} path @param {string} cwd
 */
export async function readText(path, cwd) {
  const bytes = await readLimited(await below(path, cwd), path, MAX_BYTES);
  return { text: decode(bytes, path), bytes: bytes.byteLength };
}

/**
 * The bytes of a file below a folder, at most 20 MB. Throws as `readText` does.
 * @param {string} path @param {string} cwd
 */
export async function readBytes(path, cwd) {
  return await readLimited(await below(path, cwd), path, MAX_BINARY_BYTES);
}

/** @param {string} input */
const pathOf = (input) => input.trim().replace(/^(?:read|open|cat|读取|打开)\s+/iu, "");

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const text = input.trim();
  if (/^(?:read|open|cat|读取|打开)\s+\S+$/iu.test(text)) return 0.8;
  return /[A-Za-z]/.test(text) && PATH.test(text) ? 0.6 : 0;
}

/** @param {string} input A path, relative to the working folder. @param {{ cwd: string }} context */
export async function run(input, { cwd }) {
  const path = pathOf(input);
  if (path === "") throw new Error("cannot read: expected a path");
  const { text, bytes } = await readText(path, cwd);
  const lines = text === "" ? 0 : text.replace(/\n$/, "").split("\n").length;
  return { text, data: { path, bytes, lines } };
}
