import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { acquireLock } from "../../packages/node-files/src/lock.mjs";
import { installFingerprint, modulesPresent, outputFingerprint, sourceFingerprint } from "./fingerprint.mjs";
import { endProcessesOf, markProcesses } from "./marked-processes.mjs";
import { run, runTool } from "./run.mjs";
import { pinnedPnpm, readWorkspaces, root } from "./workspaces.mjs";

const stampPath = join(root, "node_modules", ".stagefold-prepared.json");
const lockPath = join(root, "node_modules", ".stagefold-prepare.lock");

/** @typedef {{ install?: string | undefined, sources?: string | undefined, outputs?: string | undefined }} Stamp */

/** Preparing failed; what failed has been printed. `exitCode` is that of the tool. */
export class PrepareError extends Error {
  /** @param {string} message @param {number} exitCode */
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Installs and builds what has changed since the last time, and nothing else. Safe to run twice at once.
 * Prints only to stderr, and nothing when there is nothing to do.
 * @param {{ build: boolean }} options
 */
export async function prepare({ build }) {
  if (installed(readStamp()) && (!build || built(readStamp()))) return;
  const lock = await acquireLock(lockPath, {
    onWait: ({ pid }) =>
      say(`waiting for process ${pid}, which is installing or building (it has ${lockPath})`),
    onStale: async ({ id }) => {
      const ended = await endProcessesOf(id);
      if (ended > 0) say(`ended ${ended} processes of a start that was killed`);
    },
  });
  markProcesses(lock.id);
  try {
    // Looked at again: the other owner of the lock may have done it all.
    if (!installed(readStamp())) await install();
    if (build && !built(readStamp())) await buildAll();
  } finally {
    lock.release();
  }
}

async function install() {
  say("installing dependencies");
  writeStamp({});
  const fingerprint = installFingerprint();
  const pnpm = `pnpm@${pinnedPnpm()}`;
  const args = ["exec", "--yes", `--package=${pnpm}`, "--", "pnpm", "install", "--frozen-lockfile"];
  // A folder left by another Node or pnpm is replaced without asking.
  const code = await runNpm([...args, "--config.confirmModulesPurge=false"]);
  if (code !== 0) {
    throw new PrepareError(
      `Installing failed (exit code ${code}). If a package.json changed, update the lockfile with: npx ${pnpm} install`,
      code,
    );
  }
  writeStamp({ install: fingerprint });
}

async function buildAll() {
  say("building");
  const { install } = readStamp();
  writeStamp({ install });
  // Taken before: an edit during the build leads to another build next time.
  const sources = sourceFingerprint();
  // Outside of git (an archive, an image) turbo reads all that node_modules leads to before it begins, for many minutes.
  const code = existsSync(join(root, ".git"))
    ? await runTool("turbo/bin/turbo", ["run", "build", "--output-logs=errors-only"], { quiet: true })
    : await runTool("pnpm/bin/pnpm.cjs", ["--recursive", "run", "build"], { quiet: true });
  if (code !== 0) throw new PrepareError(`Building failed (exit code ${code}).`, code);
  const outputs = outputFingerprint();
  if (!outputs)
    throw new PrepareError("Building ended well, but a workspace with a build script has no dist folder.", 1);
  writeStamp({ install, sources, outputs });
}

/** npm as it is running now, or the one on the path. @param {string[]} args */
function runNpm(args) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith("npm-cli.js")) return run(process.execPath, [npm, ...args], { quiet: true });
  return run("npm", args, { quiet: true, shell: process.platform === "win32" });
}

/** @param {Stamp} stamp */
function installed(stamp) {
  if (!stamp.install) return false;
  const workspaces = readWorkspaces();
  return modulesPresent(workspaces) && stamp.install === installFingerprint(workspaces);
}

/** @param {Stamp} stamp */
function built(stamp) {
  if (!stamp.sources || !stamp.outputs) return false;
  const workspaces = readWorkspaces();
  return stamp.outputs === outputFingerprint(workspaces) && stamp.sources === sourceFingerprint(workspaces);
}

/** @returns {Stamp} empty when there is none, or none that can be read: then everything is done again */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, "utf8"));
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing || error instanceof SyntaxError) return {};
    throw error;
  }
}

/** @param {Stamp} stamp */
function writeStamp(stamp) {
  const next = `${stampPath}.next`;
  writeFileSync(next, JSON.stringify(stamp));
  renameSync(next, stampPath);
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`stagefold: ${text} …\n`);
}
