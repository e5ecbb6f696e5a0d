import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../../..");
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** A folder of its own, gone when its scope ends. */
export async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), "stagefold-packages-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Packs every public package of the repository as it is built. Gives the paths of the tarballs. */
export async function pack(folder: string): Promise<string[]> {
  const script = join(root, "scripts/pack.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--as-built", "--out", folder]);
  return stdout.trim().split("\n");
}

export interface Ended {
  readonly code: number;
  /** What it printed, both streams. */
  readonly printed: string;
}

/** How this machine reaches a registry: by a proxy, with certificates of its own. */
const NETWORK = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/** What a program gets in a project of a user: nothing of this repository and of what runs its tests. */
export function userEnv(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH = "", HOME } = process.env;
  const path = PATH.split(":").filter((one) => !one.startsWith(root));
  const network = Object.fromEntries(
    NETWORK.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, process.env[name]]),
  );
  const npm = { npm_config_audit: "false", npm_config_fund: "false" };
  return { PATH: path.join(":"), HOME, ...network, ...npm, ...env };
}

/** Runs a command in a folder to its end. */
export async function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return await new Promise((done) => {
    const options = { cwd, env: userEnv(env), maxBuffer: MAX_OUTPUT_BYTES };
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      done({ code, printed: stdout + stderr });
    });
  });
}

/** Runs a command that must succeed. */
export async function mustRun(...args: Parameters<typeof run>): Promise<string> {
  const { code, printed } = await run(...args);
  if (code === 0) return printed;
  throw new Error(`${args[1]} ${args[2].join(" ")} ended with ${code}:\n${printed}`);
}

/** `npm start`, until its scope ends; `url` is where it serves. */
export async function npmStart(cwd: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn("npm", ["start"], {
    cwd,
    env: userEnv({ STAGEFOLD_PORT: "0", ...env }),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes) => {
      printed += String(bytes);
    });
  const url = await addressIn(child, () => printed);
  return { url, printed: () => printed, [Symbol.asyncDispose]: () => stop(child) };
}

async function addressIn(child: ChildProcess, printed: () => string): Promise<string> {
  const end = Date.now() + 90_000;
  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed())?.[0];
    if (url !== undefined) return url;
    if (child.exitCode !== null || Date.now() > end) {
      await stop(child);
      throw new Error(`expected an address, found: ${printed()}`);
    }
    await new Promise((next) => setTimeout(next, 50));
  }
}

/** As Ctrl-C does: its whole process group gets the signal. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGINT");
  await ended;
}

/** A new project of a user, as `npm init` makes it. */
export async function emptyProject(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await mustRun(path, "npm", ["init", "--yes"]);
  return path;
}
