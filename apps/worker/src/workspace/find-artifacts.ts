import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "@stagefold/node-files";
import picomatch from "picomatch";
import { ArtifactPathError, findBelow, orNone, requireSafePath } from "./safe-path.ts";

/** Omitted files that are named one by one. */
const MAX_NAMED = 100;

export interface FoundArtifacts {
  /** Files below the workspace, sorted, each once. */
  readonly paths: readonly string[];
  /** What matches and is no file that can be recorded, and which patterns match nothing: a sentence each. */
  readonly omitted: readonly string[];
}

/**
 * The files that a command's patterns name. What exists is taken literally first: `app/[id]/page.tsx` is that file,
 * `[...slug]/**` all in that folder. A folder's name means all in it. Links are not followed on the way, since one
 * could lead to all of the machine; a link to a file below the workspace counts as that file.
 */
export async function findArtifacts(workspace: string, patterns: readonly string[]): Promise<FoundArtifacts> {
  if (patterns.length === 0) return { paths: [], omitted: [] };
  const root = await realpath(workspace);
  const paths = new Set<string>();
  const omissions = new Map<string, string>();
  const unmatched: string[] = [];
  for (const pattern of patterns) {
    let matches = 0;
    for await (const [path, entry] of matching(root, pattern, omissions)) {
      matches += 1;
      if (paths.has(path) || omissions.has(path)) continue;
      const reason = await reasonToOmit(root, path, entry);
      if (reason === undefined) paths.add(path);
      else omissions.set(path, `The artifact ${path} is not recorded: ${reason}`);
    }
    if (matches === 0) unmatched.push(`No file matches the artifacts ${pattern}.`);
  }
  const omitted = [...omissions.values()].slice(0, MAX_NAMED);
  if (omissions.size > MAX_NAMED) omitted.push(`${omissions.size - MAX_NAMED} more are not recorded.`);
  return { paths: [...paths].sort(), omitted: [...omitted, ...unmatched] };
}

type Entry = Pick<Dirent, "isFile" | "isSymbolicLink" | "isFIFO" | "isSocket">;

/** What a pattern names, with as many of its first parts taken literally as exist. */
async function* matching(
  root: string,
  pattern: string,
  omissions: Map<string, string>,
): AsyncGenerator<readonly [string, Entry]> {
  const parts = pattern
    .replace(/^(\.\/)+/, "")
    .split("/")
    .filter((part) => part !== "");
  let found: Stats | undefined;
  let literal = 0;
  while (literal < parts.length) {
    try {
      found = await lstat(join(root, ...parts.slice(0, literal + 1)));
    } catch (error) {
      // Not there, longer than a name may be, as a pattern is, or in a folder that is closed: reading that says so.
      if (errorCode(error) === undefined) throw error;
      break;
    }
    literal += 1;
    if (!found.isDirectory()) break;
  }
  const base = parts.slice(0, literal).join("/");
  const rest = parts.slice(literal);
  if (found !== undefined && !found.isDirectory()) {
    if (rest.length === 0) yield [base, found];
    return;
  }
  const glob = rest.length === 0 ? "**" : rest.join("/");
  const isMatch = picomatch(glob, { posixSlashes: true });
  // What begins with a dot is only found by a pattern that says so.
  const isWanted = /(^|\/)\\?[.{(]/.test(glob) ? () => true : (name: string) => !name.startsWith(".");
  const from = base === "" ? 0 : base.length + 1;
  for await (const [path, entry] of filesBelow(root, base, isWanted, omissions))
    if (isMatch(path.slice(from))) yield [path, entry];
}

/** All that is no folder, in the order of its folders. */
async function* filesBelow(
  root: string,
  below: string,
  isWanted: (name: string) => boolean,
  omissions: Map<string, string>,
): AsyncGenerator<readonly [string, Dirent]> {
  let entries: Dirent[];
  try {
    entries = await readdir(join(root, below), { withFileTypes: true });
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    omissions.set(below, `The folder ${below} cannot be read (${code}).`);
    return;
  }
  for (const entry of entries) {
    if (!isWanted(entry.name)) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, path, isWanted, omissions);
    else yield [path, entry];
  }
}

async function reasonToOmit(root: string, path: string, entry: Entry): Promise<string | undefined> {
  if (!entry.isFile() && !entry.isSymbolicLink())
    return `it is ${entry.isFIFO() ? "a named pipe" : entry.isSocket() ? "a socket" : "a device"}.`;
  try {
    if (entry.isFile()) {
      requireSafePath(path);
      const isText = !path.includes("\ufffd") || (await orNone(lstat(join(root, path)))) !== undefined;
      return isText ? undefined : "its name is no UTF-8.";
    }
    return (await stat(await findBelow(root, path))).isFile() ? undefined : "it is a link to a folder.";
  } catch (error) {
    if (error instanceof ArtifactPathError) return error.message;
    if (errorCode(error) === undefined) throw error;
    return `it is a link that leads nowhere (${errorCode(error)}).`;
  }
}
