import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "./workspaces.mjs";

/** @type {readonly NodeJS.Signals[]} */
const endSignals = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * What tools of the repository get besides the caller's environment: pnpm on the path, and no calls home.
 * @type {NodeJS.ProcessEnv}
 */
export const toolEnv = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  DO_NOT_TRACK: "1",
};

/**
 * Runs a command at the root and waits for its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv, shell?: boolean, stdin?: "inherit" | "ignore" }} [options]
 *   quiet: keep what it prints, and print it on stderr only when it fails
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it
 */
export function run(command, args, { quiet = false, env = toolEnv, shell = false, stdin = "inherit" } = {}) {
  const output = quiet ? "pipe" : "inherit";
  const child = spawn(command, args, {
    cwd: root,
    env,
    shell,
    stdio: [quiet ? "ignore" : stdin, output, output],
  });
  /** @type {Buffer[]} */
  const kept = [];
  child.stdout?.on("data", (chunk) => kept.push(chunk));
  child.stderr?.on("data", (chunk) => kept.push(chunk));
  const stopForwarding = forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      stopForwarding();
      reject(new Error(`Could not run ${command}: ${error.message}`, { cause: error }));
    });
    child.on("close", (code, signal) => {
      stopForwarding();
      const result = code ?? 128 + signalNumber(signal);
      if (result !== 0 && kept.length > 0) process.stderr.write(Buffer.concat(kept));
      resolve(result);
    });
  });
}

/**
 * Runs the command-line program of an installed package with this Node, on any platform.
 * @param {string} path below node_modules, such as "turbo/bin/turbo"
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runTool(path, args, options) {
  return run(process.execPath, [join(root, "node_modules", path), ...args], options);
}

/**
 * A terminal signals the whole process group, so the child has had its SIGINT already; a SIGTERM or SIGHUP
 * usually comes to this process alone. The child decides when to end, and this process follows it.
 * @param {import("node:child_process").ChildProcess} child
 */
function forwardSignals(child) {
  const listeners = endSignals.map((signal) => {
    const listener = () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    process.on(signal, listener);
    return /** @type {const} */ ([signal, listener]);
  });
  return () => {
    for (const [signal, listener] of listeners) process.removeListener(signal, listener);
  };
}

/** @param {NodeJS.Signals | null} signal */
function signalNumber(signal) {
  return signal === "SIGINT" ? 2 : signal === "SIGTERM" ? 15 : signal === "SIGHUP" ? 1 : 9;
}
