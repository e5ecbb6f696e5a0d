import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, go, settled, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { sideways } from "./sideways.ts";

/** As many builds as a busy team makes in a week. */
const MANY = 2000;

/** Of the right form or not, none of them names a build. */
const NO_BUILDS = [
  "proj_0123456789a",
  "proj_0123456789abc",
  "nonsense",
  "__proto__",
  "%3Cb%3E",
  "x".repeat(300),
];

/** Names that do their worst to a line of text. */
const NAMES = [
  "تقرير الشهر report 2026 تقرير",
  "safe\u202egnp.exe",
  `o${"\u0301".repeat(40)}`,
  "{{7*7}} %s%n $(x)",
  '<img src=x onerror="window.hacked=1">',
  "w".repeat(200),
];
const TAGS = ["a&b=c#d?e", "100%", "<b>", "t".repeat(64), "标签"];

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`what a page is given that is much${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  const make = (project_name: string, tags: string[] = []) =>
    system.client.projects.create({ requirement: "r", project_name, tags, stages: [{ stage: "s" }] });
  const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });
  const top = (page: Page) => page.locator("main table").evaluate((it) => it.parentElement?.scrollTop ?? 0);

  it("S2: what is no build is not found on its page alone, and no tab asks again", async () => {
    const { project_id } = await make("seen");
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    await reader.page.getByRole("heading", { name: "seen" }).waitFor();
    const requests: string[] = [];
    reader.page.context().on("request", (request) => requests.push(request.url()));
    const pages: Page[] = [];
    for (const id of NO_BUILDS) {
      const page = await reader.tab(`/builds/${id}`);
      await page.getByText("There is no such build.").waitFor();
      pages.push(page);
    }
    await new Promise((wake) => setTimeout(wake, 1500));
    const before = requests.length;
    await new Promise((wake) => setTimeout(wake, 2500));
    // The build of the first tab waits: that page looks every few seconds at who works and what is before it.
    const looks = /\/trpc\/(workers\.list|projects\.list\?.*queued)/;
    expect(requests.slice(before).filter((url) => !looks.test(url))).toEqual([]);
    expect(requests.filter((url) => url.includes("/trpc/projects.get"))).toEqual([]);
    for (const page of pages) expect(await page.getByText("No connection to the server").count()).toBe(0);
    // The first tab is still up to date.
    await system.client.projects.cancel({ project_id });
    await reader.page.getByText("Cancelled").first().waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("C10: odd names and tags stay in their cells, are found and opened, and run nothing", async () => {
    for (const name of NAMES) await make(name, TAGS);
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByText(NAMES[3] ?? "").waitFor();
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await sideways(page)).toBeLessThanOrEqual(0);
    }
    for (const tag of TAGS) {
      await page.goto(`${system.url}/?${new URLSearchParams({ tag })}`);
      await page.getByText(NAMES[3] ?? "").waitFor();
    }
    for (const name of NAMES) {
      await go(page, `/?${new URLSearchParams({ text: name.slice(0, 60) })}`);
      await until(`${name} alone`, async () => (await page.locator("[data-build]").count()) === 1);
      await page.locator("[data-build] a").first().click();
      // The heading of the list stands until the build's page is there.
      await expect.poll(() => page.locator("h1").first().textContent()).toBe(name);
      expect(await sideways(page)).toBeLessThanOrEqual(0);
    }
    expect(await page.evaluate(() => Reflect.get(window, "hacked"))).toBeUndefined();
    expect(reader.complaints).toEqual([]);
  });

  it("artifacts are thousands without all of them being in the page, in tree and list, and reached by keys", async () => {
    const stages = [{ stage: "many", stage_name: "Many" }];
    const { client } = system;
    const { project_id } = await client.projects.create({ requirement: "x", pipeline: "own", stages });
    const paths = Array.from({ length: 3000 }, (_, i) => `out/part_${i % 10}/file_${i}.txt`);
    for (let from = 0; from < paths.length; from += 500)
      await client.artifacts.record({
        project_id,
        stage: "many",
        artifacts: paths.slice(from, from + 500).map((path) => ({ path })),
        mode: "add",
      });
    await using reader = await visit(browser, system.url, `/builds/${project_id}?view=artifacts`);
    const { page } = reader;
    await page.getByRole("status").getByText("3,000 files").waitFor();
    const rows = page.getByRole("navigation", { name: "Artifacts" }).getByRole("button");
    const focused = page.locator("nav button:focus");
    await page.getByRole("button", { name: "As a list" }).click();
    await tabTo(page, "button", /file_0\.txt/);
    await page.keyboard.press("End");
    await focused.getByText("out/part_9/file_2999.txt").waitFor();
    expect(await rows.count()).toBeLessThan(100);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "out/part_9/file_2999.txt" }).waitFor();
    expect(await axe(page)).toEqual([]);

    await page.getByRole("button", { name: "As a tree" }).click();
    // So large a folder is opened by its reader.
    const folder = rows.filter({ hasText: "part_3" });
    if ((await folder.count()) === 0) await rows.filter({ hasText: "out" }).first().click();
    await folder.click();
    await folder.press("ArrowDown");
    await focused.getByText("file_3.txt").waitFor();
    await page.keyboard.press("ArrowLeft");
    await focused.getByText("part_3").waitFor();
    await page.keyboard.press("ArrowLeft");
    await until("the folder closed", async () => (await rows.count()) === 11);
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("D3: filters, place and focus are kept on the way back, among hundreds of builds", async () => {
    const names = Array.from({ length: MANY }, (_, i) => `bulk_${String(i).padStart(4, "0")}`);
    for (let from = 0; from < MANY; from += 100) {
      const projects = names.slice(from, from + 100).map((project_name) => ({
        requirement: "r",
        project_name,
        tags: ["bulk"],
        stages: [{ stage: "s" }],
      }));
      await system.client.projects.createMany({ projects });
    }
    await using reader = await visit(browser, system.url, "/?tag=bulk");
    const { page } = reader;
    const scroller = page.locator("main table").locator("..");
    await row(page, "bulk_").first().waitFor();
    // Down through several pages of the list.
    await until("a place far down", async () => {
      await scroller.evaluate((it) => it.scrollBy(0, 4000));
      return (await top(page)) > 20_000;
    });
    await settled(() => top(page));
    const focused = page.locator("[data-build]").nth(8);
    const id = (await focused.getAttribute("data-build")) ?? "";
    const kept = async (what: string) => {
      await page.locator(`[data-build="${id}"]`).waitFor();
      expect(new URL(page.url()).searchParams.get("tag"), what).toBe("bulk");
      expect(Math.abs((await top(page)) - place), what).toBeLessThan(3);
      const at = () =>
        page.evaluate(() => document.activeElement?.closest("[data-build]")?.getAttribute("data-build"));
      await until(`the focus after ${what}`, async () => (await at()) === id);
    };
    await focused.locator("a").first().focus();
    const place = await top(page);
    const open = async () => {
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: /bulk_/ }).waitFor();
    };
    await open();
    await page.goBack();
    await kept("back");
    await open();
    await page.keyboard.press("u");
    await kept("u");
    await open();
    await page.getByRole("navigation").getByRole("link", { name: "Builds" }).click();
    await kept("Builds");
    await open();
    await page.locator("header").getByRole("link", { name: "Builds" }).last().click();
    await kept("the way back in the header");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("heading", { name: "Statistics" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("b");
    await kept("g b");
    // Deleted on its page: the focus is at the build in its place.
    const after = await page.locator("[data-build]").evaluateAll((rows, gone) => {
      const ids = rows.map((it) => it.getAttribute("data-build"));
      return ids[ids.indexOf(gone) + 1];
    }, id);
    await open();
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await page.locator(`[data-build="${after}"]`).waitFor();
    expect(new URL(page.url()).searchParams.get("tag")).toBe("bulk");
    expect(Math.abs((await top(page)) - place)).toBeLessThan(60);
    const active = () =>
      page.evaluate(() => document.activeElement?.closest("[data-build]")?.getAttribute("data-build"));
    await until("the focus after a delete", async () => (await active()) === after);
    // And in the list itself.
    await page.keyboard.press("x");
    await page
      .getByRole("region", { name: "Selected builds" })
      .getByRole("button", { name: "Delete" })
      .click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await page.locator(`[data-build="${after}"]`).waitFor({ state: "detached" });
    expect(new URL(page.url()).searchParams.get("tag")).toBe("bulk");
    await until("the focus after a delete in the list", async () => (await active()) != null);
    expect(Math.abs((await top(page)) - place)).toBeLessThan(120);
    expect(reader.complaints).toEqual([]);
  });
});
