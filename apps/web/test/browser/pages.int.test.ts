import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, describe, expect } from "vitest";
import { axe, type SharedBrowser, type Visit, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { it } from "./dashboard.ts";
import { type Furnished, startFurnished } from "./furnished.ts";
import { sideways } from "./sideways.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(
  `every page, after real use${skipReason}`,
  { timeout: 600_000 },
  () => {
    let system: Furnished;
    let browser: SharedBrowser;
    it.beforeAll(async ({ browser: shared }) => {
      browser = shared;
      system = await startFurnished();
    }, 300_000);
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
  },
);

/**
 * What a finger may press, and what of it is lower than 44 pixels: by what lies under the points above and below its
 * middle, so that a label or a row that belongs to it counts. A link within a sentence needs only to have no other
 * target within 12 pixels of its middle (WCAG 2.5.8).
 */
function targets(page: Page): Promise<{ seen: number; small: string[] }> {
  return page.evaluate(async () => {
    const HEIGHT = 44;
    const SPACING = 12;
    const ROWS = "[data-build], [data-stage]";
    const OPENS_ROW = "[data-build] a, [data-row]";
    const CONTROLS =
      "a[href], button, select, textarea, summary, input:not([type=hidden]), [role=tab], [role=switch], [tabindex='0'][role=scrollbar]";
    const small: string[] = [];
    // Bars of a timeline lie in a row that opens the same.
    const all = [...document.querySelectorAll<HTMLElement>(CONTROLS)].filter(
      (it) =>
        it.tabIndex >= 0 &&
        !it.closest("[inert], .sr-only") &&
        it.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
    );
    for (const it of all) {
      it.scrollIntoView({ block: "center", inline: "center" });
      const { left, top, width, height } = it.getBoundingClientRect();
      // Above the page until it has the focus.
      if (top + height < 0) continue;
      const [x, y] = [left + width / 2, top + height / 2];
      const isHit = (dx: number, dy: number) => {
        const under = document.elementFromPoint(x + dx, y + dy);
        if (!under) return false;
        if (it.contains(under)) return true;
        const owner = under.closest("a, button, label");
        if (owner instanceof HTMLLabelElement) return owner.control === it;
        // A row that opens the same, also by the bars in it.
        const isRow = it.closest(ROWS) !== null && it.closest(ROWS) === under.closest(ROWS);
        return isRow && it.matches(OPENS_ROW) && (owner === null || owner.matches("[data-bar]"));
      };
      const reach = (by: 1 | -1) => {
        let at = 0;
        while (at < HEIGHT && isHit(0, by * (at + 0.5))) at += 0.5;
        return at;
      };
      const style = getComputedStyle(it);
      const inline = style.display === "inline" && hasTextBeside(it);
      const high = reach(1) + reach(-1);
      const fits = inline
        ? ![-SPACING, SPACING].some((dy) => {
            const other = document.elementFromPoint(x, y + dy)?.closest(CONTROLS);
            return other && other !== it && !other.contains(it);
          })
        : high >= HEIGHT - 1;
      if (!fits) {
        const what = it.getAttribute("aria-label") || it.textContent?.trim().slice(0, 40) || it.id;
        small.push(
          `${it.tagName.toLowerCase()} "${what}" ${high} px (${it.className.toString().slice(0, 60)})`,
        );
      }
    }
    return { seen: all.length, small };

    function hasTextBeside(it: Element): boolean {
      return [...(it.parentElement?.childNodes ?? [])].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== "",
      );
    }
  });
}
