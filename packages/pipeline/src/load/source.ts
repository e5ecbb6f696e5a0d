import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";

/** Files of one module's own that are looked at. */
const MAX_FILES = 500;
const ENDINGS = ["", ".ts", ".mts", ".js", ".mjs", ".json", "/index.ts", "/index.js"];
/** What a module imports from its own folder. */
const RELATIVE = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["'](\.{1,2}\/[^"'\n]+)["']/g;

/** Names the text of a module and of all that it imports by a relative path, as far as the text says it. */
export async function sourceDigest(file: string): Promise<string> {
  const hash = createHash("sha256");
  const seen = new Set<string>();
  const waiting = [resolve(file)];
  while (waiting.length > 0 && seen.size < MAX_FILES) {
    const next = waiting.shift();
    if (next === undefined || seen.has(next)) continue;
    seen.add(next);
    const text = await readFile(next, "utf8");
    // By their order alone: the same files lie elsewhere on another machine.
    hash.update(`${text.length}\n${text}`);
    if (extname(next) === ".json") continue;
    for (const [, path = ""] of text.matchAll(RELATIVE)) {
      const found = await firstOf(resolve(dirname(next), path));
      if (found !== undefined) waiting.push(found);
    }
  }
  return hash.digest("hex").slice(0, 12);
}

async function firstOf(path: string): Promise<string | undefined> {
  // TypeScript's modules may name what they will be compiled to.
  const names = [
    ...ENDINGS.map((ending) => path + ending),
    path.replace(/\.js$/, ".ts"),
    path.replace(/\.mjs$/, ".mts"),
  ];
  for (const name of names) if (await isFile(name)) return name;
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch {
    return false;
  }
}
