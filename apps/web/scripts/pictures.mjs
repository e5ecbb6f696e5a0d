// npm run -w … pictures: takes the pictures of the dashboard that the docs show, from a Stagefold with builds in every state.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { seed } from "./seed.mjs";
import { main, openBrowser, root, startStack } from "./stack.mjs";

const folder = join(root, "docs/pictures");

const LOOKS = [
  { name: "light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  { name: "wide", viewport: { width: 1920, height: 1000 }, colorScheme: "light" },
  {
    name: "phone",
    viewport: { width: 360, height: 740 },
    colorScheme: "light",
    deviceScaleFactor: 2,
    hasTouch: true,
  },
];

/**
 * Every page that is shown: its name, its address, and what is done there first.
 * @type {{ name: string, path: (builds: Awaited<ReturnType<typeof seed>>) => string, before?: (page: import("playwright-core").Page) => Promise<unknown> }[]}
 */
const PAGES = [
  { name: "builds", path: () => "/" },
  { name: "build", path: ({ completed }) => `/builds/${completed}`, before: logIsRead },
  {
    name: "artifacts",
    path: ({ completed }) => `/builds/${completed}?view=artifacts`,
    before: (page) =>
      page
        .getByRole("button", { name: /\.yaml/ })
        .first()
        .click()
        .then(() => page.waitForTimeout(1500)),
  },
  { name: "build-failed", path: ({ failed }) => `/builds/${failed}`, before: logIsRead },
  {
    name: "new",
    path: () => "/new",
    before: (page) => page.getByLabel("Requirement").fill("A calculator for fractions."),
  },
  { name: "statistics", path: () => "/statistics" },
];

/** @param {import("playwright-core").Page} page */
function logIsRead(page) {
  return page.locator("[data-log-state=over]").waitFor();
}

await main(async () => {
  const only = process.argv.slice(2);
  const stack = await startStack({ STAGEFOLD_WORKER_CONCURRENCY: "2" });
  const browser = await openBrowser();
  try {
    const builds = await seed(stack);
    await mkdir(folder, { recursive: true });
    for (const { name: look, ...options } of LOOKS) {
      const context = await browser.newContext({ reducedMotion: "reduce", locale: "en-GB", ...options });
      const page = await context.newPage();
      for (const { name, path, before } of PAGES) {
        if (only.length > 0 && !only.includes(name)) continue;
        await page.goto(stack.url + path(builds));
        await page.locator("main").waitFor();
        // What is loaded when needed, such as charts, has come when nothing is asked for any more.
        await page.waitForTimeout(1500);
        await before?.(page);
        await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
        process.stdout.write(`docs/pictures/${name}-${look}.png\n`);
      }
      await context.close();
    }
  } finally {
    await browser.close();
    await stack.close();
  }
});
