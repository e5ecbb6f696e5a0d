import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { PATIENCE_MS, until } from "../../../../tooling/vitest/until.ts";
import { chromiumPath } from "./chromium.ts";

/** One browser for all tests of a process. */
export interface SharedBrowser extends AsyncDisposable {
  newContext(options: BrowserContextOptions): Promise<BrowserContext>;
}

/** It starts with the first context, and again where it has crashed: the test after that one has a browser too. */
export function createSharedBrowser(): SharedBrowser {
  let running: Promise<Browser> | undefined;
  const connected = async () => {
    const browser = await running?.catch(() => undefined);
    if (browser?.isConnected()) return browser;
    running = launch();
    return running;
  };
  return {
    newContext: async (options) => (await connected()).newContext(options),
    [Symbol.asyncDispose]: async () => (await running?.catch(() => undefined))?.close(),
  };
}

/**
 * The suggestions of the address bar are two pages of their own, which each window loads: a quarter of what it costs to
 * show a page of ours. Chromium heeds the last list of these alone, so what Playwright switches off is in it too.
 */
const SWITCHED_OFF = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"],
  ...["AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"],
  ...["DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"],
  ...["MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"],
  ...["TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"],
];

async function launch(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("expected a Chromium, found none");
  return chromium.launch({
    executablePath: chromiumPath,
    // In containers there is neither a sandbox nor a large shared memory.
    args: ["--no-sandbox", "--disable-dev-shm-usage", `--disable-features=${SWITCHED_OFF.join()}`],
    timeout: PATIENCE_MS,
  });
}

/** The languages and widths that a page is read in; but for the long form, those in which more can go wrong. */
export const LOOKS = [
  { lang: "zh", locale: "zh-CN", width: 360 },
  ...(SOAK ? [{ lang: "en", locale: "en-GB", width: 1440 }] : []),
];

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What the page complained of: exceptions, and what its policy forbade. */
  readonly complaints: readonly string[];
  /** Another tab of the same browser. */
  tab(path?: string): Promise<Page>;
}

/** A reader of their own, with nothing kept, who begins at this address of the dashboard. */
export async function visit(
  browser: SharedBrowser,
  base: string,
  path = "/",
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  // As in a page over plain HTTP from another machine, such as that of a team in one network.
  await context.addInitScript(() => Reflect.deleteProperty(Crypto.prototype, "randomUUID"));
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

/** Takes the page to another of its addresses without loading it again. */
export async function go(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => history.pushState(null, "", to), path);
}

/** What is asked for, once it has been the same for half a second: a place that has been scrolled to, or a size. */
export async function settled<T>(ask: () => Promise<T>): Promise<T> {
  let last = await ask();
  await until("a page that stands still", async () => {
    await new Promise((next) => setTimeout(next, 500));
    const before = last;
    last = await ask();
    return JSON.stringify(last) === JSON.stringify(before);
  });
  return last;
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong with the page as it is shown now, or with the part of it that a selector names, one line each. */
export async function axe(page: Page, within = "html"): Promise<string[]> {
  // A page whose code has not come yet is empty.
  await page.locator("main h1").first().waitFor({ state: "attached" });
  // Colours that are still fading would be measured half-way.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined))),
  );
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  const options: RunOptions = { runOnly: { type: "tag", values: WCAG } };
  const { violations } = await page.evaluate(
    ([part, run]) =>
      (Reflect.get(window, "axe") as { run(c: string, o: RunOptions): Promise<AxeResults> }).run(part, run),
    [within, options] as const,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary ?? ""}`),
  );
}
