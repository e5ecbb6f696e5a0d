import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { createServer } from "vite";
import { describe, expect, it } from "vitest";

const CLI = join(import.meta.dirname, "../../../packages/cli/dist/main.js");
/** The machines that check every change are slow and busy. Milliseconds. */
const PATIENCE_MS = 60_000;

const PIPELINE = `
name: ask
stages:
  - stage: look
    command: echo looking around
  - stage: approve
    gate: { question: "Publish it?", answer: { type: object, properties: { ok: { type: boolean } } }, timeout_seconds: 600, on_timeout: fail }
  - stage: publish
    command: echo published && echo done > result.txt
    artifacts: ["result.txt"]
`;

function chromiumPath(): string | undefined {
  const named = [
    ...["chromium-headless-shell", "chrome-headless-shell"],
    ...["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
  ];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = [
    process.env.CHROMIUM_PATH ?? "",
    ...folders.flatMap((dir) => named.map((one) => join(dir, one))),
  ];
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return path !== "";
    } catch {
      return false;
    }
  });
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** The API and a worker, each a process, and Vite's server with the page. */
async function startAll(pageUrl: string, port: number) {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-example-"));
  const pipelines = join(folder, "pipelines");
  await mkdir(pipelines);
  await writeFile(join(pipelines, "ask.yaml"), PIPELINE);
  const { PATH, HOME } = process.env;
  const settings = {
    STAGEFOLD_DATA_DIR: join(folder, "data"),
    STAGEFOLD_PORT: "0",
    STAGEFOLD_PIPELINES: pipelines,
  };
  const child = spawn(process.execPath, [CLI, "up"], {
    env: { PATH, HOME, ...settings, STAGEFOLD_PUBLIC_URL: pageUrl },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (printed += String(part)));
  await expect.poll(() => printed, { timeout: PATIENCE_MS }).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
  const api = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0] ?? "";
  const root = join(import.meta.dirname, "..");
  const server = { host: "127.0.0.1", port, strictPort: true, proxy: { "/trpc": api, "/artifacts": api } };
  const vite = await createServer({ root, server, logLevel: "error", cacheDir: join(folder, "vite") });
  await vite.listen();
  return {
    api,
    async [Symbol.asyncDispose]() {
      await vite.close();
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const browserPath = chromiumPath();
const skipped = browserPath === undefined ? " (skipped: no Chromium on the PATH or at CHROMIUM_PATH)" : "";

/** Streams that the API has open, as its metrics say. */
async function openStreams(api: string): Promise<number> {
  const lines = (await (await fetch(`${api}/metrics`)).text()).split("\n");
  const streams = lines.filter((line) => line.startsWith("stagefold_open_watches"));
  return streams.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function createBuild(page: Page, requirement: string, pipeline: string): Promise<void> {
  await page.getByLabel("Requirement").fill(requirement);
  await page.getByLabel("Pipeline").fill(pipeline);
  await page.getByRole("button", { name: "Create" }).click();
}

// Skipped where there is no browser; the name says so.
describe.skipIf(browserPath === undefined)(`a page with @stagefold/react in StrictMode${skipped}`, () => {
  it("shows builds as they change, over one stream, and answers a gate", { timeout: 240_000 }, async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using all = await startAll(url, port);
    const browser = await chromium.launch({
      executablePath: browserPath ?? "",
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const complaints: string[] = [];
      const streams: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on(
        "request",
        (request) => request.url().includes("/trpc/projects.watch") && streams.push(request.url()),
      );
      await page.goto(url);
      await page.getByText("The stream is online.").waitFor();
      // StrictMode mounts all twice: there is one stream all the same.
      expect(streams).toHaveLength(1);

      await createBuild(page, "Convert units and count words", "agent-build");
      await page.getByRole("heading", { name: /: completed$/ }).waitFor();
      await page.getByText(/^Tools: .*unit_converter/).waitFor();
      await expect.poll(() => page.getByLabel("Artifacts").getByRole("listitem").count()).toBeGreaterThan(7);
      await page
        .getByLabel("Builds")
        .getByText(/: completed, 100 %/)
        .waitFor();
      // That of the list; in its place one with this build too; then with the log of each stage, and without it when it is over.
      expect(streams.length).toBeLessThanOrEqual(2 + 2 * 6);
      await expect.poll(() => openStreams(all.api)).toBe(2);

      await createBuild(page, "something to approve", "ask");
      await page.getByText("Publish it?").waitFor();
      await page.getByRole("button", { name: "Yes" }).click();
      await page.getByRole("heading", { name: /: completed$/ }).waitFor();
      await page.getByLabel("Log").getByText("published").waitFor();
      await page.getByLabel("Artifacts").getByText("result.txt").waitFor();
      expect(complaints).toEqual([]);

      await createBuild(page, "x", "no-such-pipeline");
      await page
        .getByRole("alert")
        .getByText(/no-such-pipeline/)
        .waitFor();
    } finally {
      await browser.close();
    }
    await expect.poll(() => openStreams(all.api)).toBe(0);
  });
});
