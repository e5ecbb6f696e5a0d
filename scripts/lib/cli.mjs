import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./workspaces.mjs";

const parentPollMs = 500;

/**
 * Becomes the `stagefold` program with these arguments. It runs inside this process: its streams are these,
 * a signal reaches it once, and its exit code is this one's.
 * @param {readonly string[]} args
 */
export async function becomeCli(args) {
  const main = join(root, "packages", "cli", "dist", "main.js");
  process.chdir(root);
  process.argv = [process.execPath, main, ...args];
  endWithParent();
  await import(pathToFileURL(main).href);
}

/**
 * npm runs scripts through a shell, and a SIGTERM sent to npm ends that shell alone: this process would go on
 * without anyone knowing. So the end of the parent counts as SIGTERM. (On Ctrl-C the shell waits for this process.)
 */
function endWithParent() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, parentPollMs);
  timer.unref();
}
