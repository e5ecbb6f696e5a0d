/** Writes text files below the working folder. */

import { mkdir, realpath, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";

export const key = "file_writer";

const ORDER =
  /^(?:(?<over>overwrite|覆盖)|write|save|create|写入|保存|创建)\s*(?<path>[^\s:：]+\.[A-Za-z0-9]{1,8})\s*[:：]\s?(?<text>[\s\S]*)$/iu;

/** The deepest folder of a path that exists, links followed. @param {string} folder @returns {Promise<string>} */
async function existing(folder) {
  try {
    return await realpath(folder);
  } catch {
    return await existing(dirname(folder));
  }
}

/** @param {string} root @param {string} path */
function isBelow(root, path) {
  const inside = relative(root, path);
  return inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

/**
 * Writes a file below a folder. Throws an Error for a place elsewhere, and for a file that is there already unless it
 * is to be overwritten.
 * @param {string} path @param {string} cwd @param {string | Uint8Array} content @param {boolean} overwrite
 */
export async function writeBelow(path, cwd, content, overwrite) {
  if (path.includes("\0")) throw new Error("cannot write: the path has a NUL");
  const root = await realpath(cwd);
  const file = resolve(root, path);
  if (!isBelow(root, file) || !isBelow(root, await existing(file)))
    throw new Error(`cannot write ${path}: it is not below the working folder`);
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { flag: overwrite ? "w" : "wx" });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const why =
      code === "EEXIST"
        ? 'there is such a file; begin with "overwrite" to replace it'
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw new Error(`cannot write ${path}: ${why}`, { cause });
  }
  return { path, bytes: Buffer.byteLength(content) };
}

/** The parts of an order such as `write notes.txt: text`; undefined for another text. @param {string} input */
export function writeOrder(input) {
  const found = ORDER.exec(input.trim())?.groups;
  if (found?.path === undefined) return undefined;
  return { path: found.path, text: found.text ?? "", overwrite: found.over !== undefined };
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return writeOrder(input) === undefined ? 0 : 0.7;
}

/** @param {string} input Such as `write notes.txt: the text`. @param {{ cwd: string }} context */
export async function run(input, { cwd }) {
  const order = writeOrder(input);
  if (order === undefined) throw new Error("cannot write: expected write <path>: <text>");
  const written = await writeBelow(order.path, cwd, `${order.text.replace(/\n$/, "")}\n`, order.overwrite);
  return { text: `${written.path}: ${written.bytes} bytes written`, data: written };
}
