#!/usr/bin/env node
// stagefold-bundle dist/main.js …: puts a built program and all that it loads into one file, in its own place. Node
// takes half its time to start such a program to find, read and link a thousand modules.
import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import { isAboutOurs } from "./warnings.mjs";

/** They find files of their own, or are large and loaded when first needed. */
const APART = /^(?:jiti|ai|@ai-sdk\/.+)$/;

/** @param {string} from @param {string} to */
function relativeTo(from, to) {
  const path = relative(from, to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** @param {string} folder of the bundle @returns {import("rolldown").Plugin} */
function apart(folder) {
  return {
    name: "apart",
    async resolveId(id, importer, options) {
      if (!APART.test(id)) return null;
      const found = await this.resolve(id, importer, { ...options, skipSelf: true });
      if (!found) throw new Error(`${importer}: expected ${id} to be installed`);
      // By its place: where the bundle lies nobody knows it by name.
      return { id: relativeTo(folder, found.id), external: true };
    },
  };
}

/**
 * What a module of ours finds from its own address is still there. Its map leads on to the sources.
 * @param {string} folder of the bundle @returns {import("rolldown").Plugin}
 */
function ownAddress(folder) {
  return {
    name: "own-address",
    load(id) {
      if (id.includes("node_modules") || !id.endsWith(".js")) return null;
      const here = `new URL(${JSON.stringify(relativeTo(folder, id))}, import.meta.url).href`;
      const code = withAddress(readFileSync(id, "utf8"), here);
      const map = `${id}.map`;
      return existsSync(map) ? { code, map: JSON.parse(readFileSync(map, "utf8")) } : { code };
    },
  };
}

/**
 * The code with another expression in place of `import.meta.url`, but not in a text: pipelines write modules.
 * @param {string} code @param {string} address
 */
function withAddress(code, address) {
  if (!code.includes("import.meta.url")) return code;
  let changed = code;
  for (const { start, end } of addressesIn(parseAst(code)).sort((a, b) => b.start - a.start))
    changed = changed.slice(0, start) + address + changed.slice(end);
  return changed;
}

/** @param {unknown} node of a syntax tree @returns {{ start: number, end: number }[]} */
function addressesIn(node) {
  if (typeof node !== "object" || node === null) return [];
  const { type, object, property, start, end } = /** @type {any} */ (node);
  if (type === "MemberExpression" && object.type === "MetaProperty" && property.name === "url")
    return [{ start, end }];
  return Object.values(node).flatMap(addressesIn);
}

/** @param {string} file */
async function bundle(file) {
  const folder = dirname(file);
  const built = await rolldown({
    input: file,
    platform: "node",
    plugins: [apart(folder), ownAddress(folder)],
    onLog: (level, log) => {
      if (level !== "warn") return;
      if (isAboutOurs(log)) throw new Error(log.message);
      // Remarks about the bundler itself, such as how long its plugins took, and about installed packages.
      process.stderr.write(`${log.message}\n`);
    },
  });
  await built.write({ file, format: "esm", sourcemap: true, codeSplitting: false });
  await built.close();
}

for (const file of process.argv.slice(2)) await bundle(resolve(file));
