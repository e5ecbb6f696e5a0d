import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, describe, expect } from "vitest";
import { axe, type SharedBrowser, type Visit, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { it } from "./dashboard.ts";
import { type Furnished, startFurnished } from "./furnished.ts";
import { faultsOfOpened } from "./opened.ts";
import { sideways } from "./sideways.ts";
import { targets } from "./targets.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`every page, after real use${skipReason}`, () => {
  let system: Furnished;
  let browser: SharedBrowser;
  it.beforeAll(async ({ browser: shared }) => {
    browser = shared;
    system = await startFurnished();
  });
  afterAll(() => system?.[Symbol.asyncDispose](), 60_000);

  async function signedIn(options: BrowserContextOptions): Promise<Visit> {
    const reader = await visit(browser, system.url, `/#key=${system.key}`, options);
    await reader.page.getByRole("navigation").waitFor();
    return reader;
  }

  /** Goes to each page in turn and collects what is found there, with the page's name before it. */
  async function onEach(page: Page, find: () => Promise<readonly string[]>): Promise<string[]> {
    const found: string[] = [];
    for (const [name, { path, shows }] of Object.entries(system.pages)) {
      await page.goto(system.url + path);
      await page.locator("main").getByText(shows).filter({ visible: true }).first().waitFor();
      found.push(...(await find()).map((one) => `${name}: ${one}`));
    }
    return found;
  }

  it("can be pressed by a finger on a phone, whatever on it can be pressed", async () => {
    await using reader = await signedIn({ viewport: { width: 360, height: 740 }, hasTouch: true });
    const { page } = reader;
    let pressed = 0;
    const missed = await onEach(page, async () => {
      const { seen, small } = await targets(page);
      pressed += seen;
      return small;
    });
    expect(pressed).toBeGreaterThan(200);
    expect(missed).toEqual([]);
  });

  it("opens menus, dialogs and questions that fit a phone, can be pressed there and left again by the keyboard", async () => {
    // As high as a small phone is below the bars of its browser.
    await using reader = await signedIn({ viewport: { width: 360, height: 520 }, hasTouch: true });
    expect(await faultsOfOpened(reader.page, system)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("shows what revokes in the colour of what is revoked", async () => {
    await using reader = await signedIn({});
    const { page } = reader;
    await page.goto(`${system.url}/keys`);
    const colourOf = (it: Locator) => it.evaluate((element) => getComputedStyle(element).color);
    const revoked = await colourOf(page.getByText("Revoked", { exact: true }));
    expect(await colourOf(page.getByRole("button", { name: "Revoke admin" }))).toBe(revoked);
  });

  it("is without a fault that axe finds", async () => {
    await using reader = await signedIn({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    expect(await onEach(reader.page, () => axe(reader.page))).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("has no column in which Chinese stands on its end, and nothing that is wider than a tablet", async () => {
    await using reader = await signedIn({ viewport: { width: 768, height: 1024 }, locale: "zh-CN" });
    const { page } = reader;
    // The names of what real use has left are the same in either language, what the page says is not.
    const paths = Object.entries(system.pages).map(([, { path }]) => path);
    let cells = 0;
    for (const path of paths) {
      await page.goto(system.url + path);
      await page.locator("main h1").first().waitFor({ state: "attached" });
      await page.locator("main [aria-busy=true]").waitFor({ state: "detached" });
      const { seen, upright } = await page.evaluate(() => {
        const all = [...document.querySelectorAll("main td, main th")];
        const narrow = all.filter((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          const { width, height } = range.getBoundingClientRect();
          const size = Number.parseFloat(getComputedStyle(cell).fontSize);
          return width < size * 2 && height > size * 4;
        });
        return { seen: all.length, upright: narrow.map((cell) => cell.textContent) };
      });
      cells += seen;
      expect(upright, path).toEqual([]);
      expect(await sideways(page), path).toBeLessThanOrEqual(0);
      const name = page.locator("tr[data-build] td:nth-child(2)").first();
      if ((await name.count()) > 0) expect((await name.boundingBox())?.width).toBeGreaterThan(250);
      // What can be done with a row stands at the end of it.
      const last = page.locator("main td:last-child button").last();
      if ((await last.count()) > 0) await expectInside(last);
    }
    expect(cells).toBeGreaterThan(50);
  });

  it.each(["/agents/none", "/agents/none/calls", "/talk/nothing", "/calls/none", "/builds/none"])(
    "says in the reader's language that there is nothing at %s",
    async (path) => {
      await using reader = await signedIn({ locale: "zh-CN" });
      const { page } = reader;
      await page.goto(system.url + path);
      const said = page.getByRole("alert");
      await said.getByText("未找到").waitFor();
      expect(await said.textContent()).not.toMatch(/[a-z]{3}/);
      expect(await axe(page)).toEqual([]);
    },
  );
});

async function expectInside(button: Locator): Promise<void> {
  const cut = await button.evaluate((it) => {
    const { right } = it.closest("table")?.parentElement?.getBoundingClientRect() ?? { right: 0 };
    return it.getBoundingClientRect().right - right;
  });
  expect(cut).toBeLessThanOrEqual(0);
}
