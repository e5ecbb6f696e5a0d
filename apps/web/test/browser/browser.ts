import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { chromiumPath } from "./chromium.ts";

/** The machines that check every change are slow and busy. Milliseconds. */
export const PATIENCE_MS = 60_000;

export async function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("expected a Chromium, found none");
  return chromium.launch({
    executablePath: chromiumPath,
    // In containers there is neither a sandbox nor a large shared memory.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What the page complained of: exceptions, and what its policy forbade. */
  readonly complaints: readonly string[];
  /** Another tab of the same browser. */
  tab(path?: string): Promise<Page>;
}

/** A reader of their own, with nothing kept, who begins at this address of the dashboard. */
export async function visit(
  browser: Browser,
  base: string,
  path = "/",
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const open = async (at: string) => {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // A lost connection is said by the browser itself.
      if (message.type() === "error" && !/ERR_|Failed to load resource/.test(text)) complaints.push(text);
    });
    await page.goto(base + at);
    return page;
  };
  const page = await open(path);
  return {
    page,
    complaints,
    tab: (at = path) => open(at),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong with the page as it is shown now, one line each. */
export async function axe(page: Page): Promise<string[]> {
  // A page whose code has not come yet is empty.
  await page.locator("main h1").first().waitFor({ state: "attached" });
  // Colours that are still fading would be measured half-way.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined))),
  );
  await page.evaluate(axeSource);
  const options: RunOptions = { runOnly: { type: "tag", values: WCAG } };
  const { violations } = await page.evaluate(
    (run) => (Reflect.get(window, "axe") as { run(o: RunOptions): Promise<AxeResults> }).run(run),
    options,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary ?? ""}`),
  );
}
