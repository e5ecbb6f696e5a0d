import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./workspaces.mjs";

/**
 * Becomes the `stagefold` program with these arguments. It runs inside this process: its streams are these,
 * a signal reaches it once, and its exit code is this one's.
 * @param {readonly string[]} args
 */
export async function becomeCli(args) {
  const main = join(root, "packages", "cli", "dist", "main.js");
  process.chdir(root);
  process.argv = [process.execPath, main, ...args];
  await import(pathToFileURL(main).href);
}
