// What the scripts share: a Stagefold of their own, on a data folder that is removed, and a browser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { chromium } from "playwright-core";

export const root = resolve(import.meta.dirname, "../../..");
const cli = join(root, "packages/cli/dist/main.js");

/** Engine, API and worker, as `npm start` runs them. @param {Record<string, string>} env */
export async function startStack(env = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), "stagefold-pictures-"));
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [cli, "up"], {
    env: { PATH, HOME, STAGEFOLD_DATA_DIR: dataDir, STAGEFOLD_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  /** @type {string} */
  const url = await new Promise((found, failed) => {
    child.stdout.on("data", (part) => {
      printed += part;
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? [];
      if (address) found(address);
    });
    child.once("exit", (code) => failed(new Error(`Stagefold ended with ${code}: ${printed}`)));
  });
  const close = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  return { url, dataDir, close, call: caller(url) };
}

/** A query with "GET", a mutation with "POST". @param {string} url */
function caller(url) {
  /** @param {"GET" | "POST"} method @param {string} path @param {object} input @returns {Promise<any>} */
  return async (method, path, input) => {
    const body = JSON.stringify(input);
    const address = `${url}/trpc/${path}`;
    const response =
      method === "GET"
        ? await fetch(`${address}?input=${encodeURIComponent(body)}`)
        : await fetch(address, { method, headers: { "content-type": "application/json" }, body });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${answer.error.message}`);
    return answer.result.data;
  };
}

export async function openBrowser() {
  const names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
  const places = (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((dir) => names.map((name) => join(dir, name)));
  const executablePath = process.env.CHROMIUM_PATH ?? places.find((place) => existsSync(place));
  if (!executablePath) throw new Error("expected a Chromium on the PATH or at CHROMIUM_PATH, found none");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Runs one of the scripts and ends everything after it. @param {() => Promise<void>} script */
export async function main(script) {
  try {
    await script();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  }
}
