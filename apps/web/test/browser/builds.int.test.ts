import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, LOOKS, settled, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { sideways } from "./sideways.ts";

const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'\u202Eabc`;

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`the list of builds${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  /** A build that no worker takes: its stages are its maker's. */
  const build = (project_name: string, more: { user_id?: string; tags?: string[] } = {}) => ({
    requirement: "for a test",
    project_name,
    pipeline: "own",
    stages: [{ stage: "one" }],
    ...more,
  });
  const make = (...of: Parameters<typeof build>) => system.client.projects.create(build(...of));
  const removeAll = () =>
    until("a list without builds", async () => {
      await system.client.projects.bulk({ action: "delete", filter: {} });
      return (await system.client.projects.list({})).items.length === 0;
    });

  it("says when there are none, shows what is made as it is made, its name as text, and what becomes of it", async () => {
    await removeAll();
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByText("No builds yet").waitFor();
    expect(await axe(page)).toEqual([]);
    const { project_id } = await make("seen_at_once", { user_id: "ann", tags: ["red"] });
    const row = page.getByRole("row", { name: /seen_at_once/ });
    await row.getByText("Queued").filter({ visible: true }).waitFor();
    await system.client.projects.pause({ project_id });
    await row.getByText("Paused").filter({ visible: true }).waitFor();
    await system.client.projects.delete({ project_id });
    await page.getByText("No builds yet").waitFor();
    await make(HOSTILE, { user_id: HOSTILE, tags: ["<b>tag</b>"] });
    await page.getByRole("link", { name: HOSTILE }).waitFor();
    await page.getByText("<b>tag</b>").waitFor();
    expect(await page.evaluate(() => Reflect.get(window, "hacked"))).toBeUndefined();
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(reader.complaints).toEqual([]);
  });

  it("is filtered by status, user, tag and text, keeps that in the address, and stays live under a filter", async () => {
    await removeAll();
    await make("apples", { user_id: "ann", tags: ["fruit", "2.0"] });
    await make("bananas", { user_id: "bob", tags: ["fruit"] });
    const carrots = await make("carrots", { user_id: "ann" });
    await system.client.projects.cancel({ project_id: carrots.project_id });
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    const names = () =>
      page
        .locator("tr[data-build] a[title]")
        .filter({ hasText: /^[a-z]+s$/ })
        .allTextContents();
    const shows = (...expected: string[]) =>
      until(`the list ${expected}`, async () => String(await names()) === String(expected));
    await shows("carrots", "bananas", "apples");

    const field = page.getByRole("combobox", { name: /^Search/ });
    await field.fill("app");
    await shows("apples");
    expect(new URL(page.url()).searchParams.get("text")).toBe("app");
    await page.getByRole("button", { name: "Clear filters" }).click();
    await shows("carrots", "bananas", "apples");
    expect(await field.inputValue()).toBe("");

    // The states are there with how many builds each has.
    const states = page.getByRole("group", { name: "Status" });
    await states.getByRole("link", { name: /Queued\s*2/ }).click();
    await shows("bananas", "apples");
    expect(await field.inputValue()).toBe("status:queued");
    await field.fill("status:queued user:ann");
    await shows("apples");
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ status: "queued", user: "ann" });
    // The address alone says it all: another tab shows the same.
    const other = await reader.tab(new URL(page.url()).search);
    await other.getByRole("row", { name: /apples/ }).waitFor();
    expect(await other.getByRole("row", { name: /bananas|carrots/ }).count()).toBe(0);
    expect(await other.getByRole("combobox", { name: /^Search/ }).inputValue()).toBe(
      "status:queued user:ann",
    );
    // What begins to pass the filter comes, what stops passing it goes.
    await system.client.projects.retry({ project_id: carrots.project_id });
    await shows("carrots", "apples");
    await system.client.projects.pause({ project_id: carrots.project_id });
    await shows("apples");

    // A tag that reads as a number is a text all the same.
    await page.getByRole("link", { name: "Only builds with the tag 2.0" }).click();
    await shows("apples");
    expect(new URL(page.url()).searchParams.get("tag")).toBe('"2.0"');
    await field.fill("tag:nothing");
    await page.getByText("No builds match").waitFor();
    expect(await axe(page)).toEqual([]);
    // A text that means another thing in the field is shown as it is meant.
    await page.goto(`${system.url}/?text=tag%3Ax`);
    await field.waitFor();
    expect(await field.inputValue()).toBe('"tag:x"');
    await page.waitForTimeout(400);
    expect(new URL(page.url()).searchParams.get("text")).toBe("tag:x");
    expect(reader.complaints).toEqual([]);
  });

  it.each(LOOKS)("says what can be typed, and is filtered by days ($lang, $width px)", async (the) => {
    const zh = the.lang === "zh";
    await removeAll();
    await make("apples", { user_id: "ann", tags: ["fruit"] });
    await make("bricks", { user_id: "bob" });
    await using reader = await visit(browser, system.url, "/", {
      viewport: { width: the.width, height: 800 },
      locale: the.locale,
    });
    const { page } = reader;
    const { keyboard } = page;
    const rows = page.locator("tr[data-build]");
    await rows.nth(1).waitFor();
    await keyboard.press("/");
    await keyboard.type("ta");
    await page.getByRole("option", { name: "tag:" }).waitFor();
    await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    await page.getByRole("option", { name: "tag:fruit" }).waitFor();
    expect(await axe(page)).toEqual([]);
    await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    await until("the one with the tag", async () => (await rows.count()) === 1);
    expect(new URL(page.url()).searchParams.get("tag")).toBe("fruit");
    await keyboard.press("Escape");
    await until("both", async () => (await rows.count()) === 2);

    await page.getByRole("button", { name: zh ? "日期" : "Dates", exact: true }).click();
    await page.getByLabel(zh ? "到" : "To", { exact: true }).fill("2020-01-31");
    await page.getByText(zh ? "没有匹配的构建" : "No builds match").waitFor();
    expect(new URL(page.url()).searchParams.get("until")).toBe("2020-01-31");
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: zh ? "今天" : "Today" }).click();
    await until("both of today", async () => (await rows.count()) === 2);
    await keyboard.press("Escape");
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak(
    "selects all by the box of the heading, acts by keys, is in the order and has the columns and the room that are wanted",
    async () => {
      await removeAll();
      for (const name of ["one", "two", "three"]) await make(`keys_${name}`);
      await using reader = await visit(browser, system.url, "/", { viewport: { width: 1440, height: 800 } });
      const { page } = reader;
      const all = page.getByRole("checkbox", { name: "Select all that are loaded" });
      await page.getByRole("checkbox", { name: "Select keys_two" }).check();
      expect(await all.evaluate((box) => Reflect.get(box, "indeterminate"))).toBe(true);
      await all.click();
      await page.getByText("3 selected").waitFor();
      await page.keyboard.press("p");
      await page.getByText("3 builds paused").waitFor();
      await all.click();
      await page.getByText("3 selected").waitFor();
      await page.keyboard.press("#");
      await page.getByRole("alertdialog", { name: "Delete 3 builds?" }).waitFor();
      await page.keyboard.press("Escape");
      await all.click();
      await page.getByText("3 selected").waitFor({ state: "detached" });
      const height = async () => (await page.locator("tr[data-build]").first().boundingBox())?.height ?? 0;
      const before = await height();
      const display = page.getByRole("button", { name: "Columns and density" });
      await display.click();
      await page.getByRole("menuitemradio", { name: "One line" }).click();
      await until("less room", async () => (await height()) < before);
      await page.getByText("for a test").first().waitFor();
      await page.keyboard.press("Escape");
      await display.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("menuitemcheckbox", { name: "Priority" }).focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("Escape");
      await page.getByRole("columnheader", { name: "Priority" }).waitFor();
      const names = () => page.locator("tr[data-build] td:nth-child(2) a:first-child").allTextContents();
      const inOrder = (wanted: string) => until(wanted, async () => (await names()).join(" ") === wanted);
      await inOrder("keys_three keys_two keys_one");
      const byName = page.getByRole("columnheader", { name: "Build" });
      await byName.getByRole("button").click();
      await inOrder("keys_one keys_three keys_two");
      expect(await byName.getAttribute("aria-sort")).toBe("ascending");
      expect(new URL(page.url()).searchParams.get("sort")).toBe("name");
      // The order and the columns are there again, and the order is no filter.
      await page.reload();
      await inOrder("keys_one keys_three keys_two");
      await page.getByRole("columnheader", { name: "Priority" }).waitFor();
      expect(await page.getByRole("button", { name: "Clear filters" }).count()).toBe(0);
      expect(await axe(page)).toEqual([]);
      // The whole row is a link, which opens in another tab where the reader wants that.
      const [tab] = await Promise.all([
        page.context().waitForEvent("page"),
        page
          .getByRole("row", { name: /keys_one/ })
          .click({ modifiers: ["ControlOrMeta"], position: { x: 900, y: 10 } }),
      ]);
      await tab.getByRole("heading", { name: "keys_one" }).waitFor();
      expect(new URL(page.url()).pathname).toBe("/");
      expect(reader.complaints).toEqual([]);
    },
  );

  it("does to several builds at once what is possible for each, and asks before what cannot be undone", async () => {
    await removeAll();
    const made: { project_id: string }[] = [];
    for (const name of ["one", "two", "three", "four"]) made.push(await make(`bulk_${name}`));
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    const box = (name: string) => page.getByRole("checkbox", { name: `Select bulk_${name}`, exact: true });
    const statuses = async () => {
      const { items } = await system.client.projects.list({});
      return items.map(({ status }) => status).sort();
    };
    await box("four").check();
    await box("two").click({ modifiers: ["Shift"] });
    await page.getByText("3 selected").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("3 builds paused").waitFor();
    expect(await statuses()).toEqual(["paused", "paused", "paused", "queued"]);

    await page.keyboard.press("a");
    await page.getByText("4 selected").waitFor();
    await page.getByRole("button", { name: "Cancel build" }).click();
    const question = page.getByRole("alertdialog", { name: "Cancel 4 builds?" });
    await question.waitFor();
    expect(await axe(page)).toEqual([]);
    await question.getByRole("button", { name: "Back" }).click();
    expect(await statuses()).toEqual(["paused", "paused", "paused", "queued"]);

    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete 4 builds" }).click();
    await page.getByText("4 builds deleted").waitFor();
    await page.getByText("No builds yet").waitFor();
    expect(await statuses()).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("is filtered, and several builds are deleted, with the keyboard alone", async () => {
    await removeAll();
    for (const name of ["keep_one", "drop_one", "drop_two"]) await make(name);
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    const { keyboard } = page;
    await page.getByRole("row", { name: /keep_one/ }).waitFor();
    const rows = page.locator("tr[data-build]");
    await tabTo(page, "combobox", /^Search/);
    await keyboard.type("status:pau");
    await page.getByText("No builds match").waitFor();
    await tabTo(page, "button", "Clear filters");
    await keyboard.press("Enter");
    await until("all of them", async () => (await rows.count()) === 3);
    await keyboard.press("/");
    await keyboard.type("drop");
    await keyboard.press("Enter");
    await until("what was searched for", async () => (await rows.count()) === 2);
    await tabTo(page, "checkbox", "Select drop_two");
    await keyboard.press("Space");
    await tabTo(page, "checkbox", "Select drop_one");
    await keyboard.press("Space");
    await page.getByText("2 selected").waitFor();
    await tabTo(page, "button", "Delete");
    await keyboard.press("Enter");
    await page.getByRole("alertdialog", { name: "Delete 2 builds?" }).waitFor();
    await tabTo(page, "button", "Delete 2 builds");
    await keyboard.press("Enter");
    await page.getByText("2 builds deleted").waitFor();
    const { items } = await system.client.projects.list({});
    expect(items.map(({ project_name }) => project_name)).toEqual(["keep_one"]);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak(
    "continues while it is scrolled, and stays where it is read when builds come in above",
    async () => {
      await removeAll();
      for (let from = 0; from < 240; from += 80)
        await system.client.projects.createMany({
          projects: Array.from({ length: 80 }, (_, i) => build(`many_${String(from + i).padStart(3, "0")}`)),
        });
      await using reader = await visit(browser, system.url, "/", { viewport: { width: 1000, height: 700 } });
      const { page } = reader;
      await page.locator("tr[data-build]").first().waitFor();
      // What is done to all that match reaches those too that have not been read.
      await page.keyboard.press("a");
      await page.getByRole("button", { name: "Select all that match" }).click();
      await page.keyboard.press("p");
      const question = page.getByRole("alertdialog", { name: "Pause 240 builds?" });
      await question.getByRole("button", { name: "Pause" }).click();
      await page.getByText("240 builds paused").waitFor();
      expect((await system.client.projects.list({ status: "queued" })).items).toEqual([]);
      const scroller = page.locator("div:has(> table)");
      await until("the last build", async () => {
        await scroller.evaluate((element) => element.scrollBy(0, 4000));
        return page.locator('tr[aria-rowindex="241"]').isVisible();
      });
      expect(await page.locator("tr[data-build]").count()).toBeLessThan(80);
      await scroller.evaluate((element) => element.scrollTo(0, 3000));
      const seen = () =>
        page.evaluate(() => {
          const rows = [...document.querySelectorAll("tr[data-build]")];
          const row = rows.find((one) => one.getBoundingClientRect().top > 200);
          return [row?.getAttribute("data-build"), Math.round(row?.getBoundingClientRect().top ?? 0)];
        });
      const before = await settled(seen);
      const height = () => scroller.evaluate((element) => element.scrollHeight);
      const was = await height();
      await make("new_above");
      await until("the new build", async () => (await height()) > was);
      expect(await seen()).toEqual(before);

      // On a phone, rows out of sight make no column that is not there.
      await page.setViewportSize({ width: 360, height: 700 });
      await page.keyboard.press("a");
      await page.getByText(/\d+ selected/).waitFor();
      const right = await page.evaluate(() => {
        const cells = [...document.querySelectorAll("tr[data-build]:nth-child(5) > td")];
        return Math.max(...cells.map((cell) => cell.getBoundingClientRect().right));
      });
      expect(right).toBe(360);
      const bar = page.getByRole("region", { name: "Selected builds" });
      expect((await bar.boundingBox())?.height).toBeLessThan(60);
      expect(reader.complaints).toEqual([]);
    },
  );
});
