import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, go, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`everywhere in the dashboard${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
    for (const project_name of ["alpha", "beta", "gamma"])
      await system.client.projects.create({
        requirement: "r",
        project_name,
        stages: [{ stage: "one" }],
      });
  });

  itInSoak(
    "speaks the reader's language, or the one they choose with the keyboard alone, in every tab and the next time",
    async () => {
      await using chinese = await visit(browser, system.url, "/", { locale: "zh-CN" });
      await chinese.page.getByRole("link", { name: "新建构建" }).waitFor();
      expect(await chinese.page.evaluate(() => document.documentElement.lang)).toBe("zh-CN");
      await using reader = await visit(browser, system.url);
      const { page } = reader;
      const other = await reader.tab();
      await other.getByText("New build").waitFor();
      await tabTo(page, "button", "Language and look");
      await page.keyboard.press("Enter");
      const choice = page.getByRole("menuitemradio", { name: "中文" });
      await choice.waitFor();
      for (let i = 0; i < 10 && !(await choice.evaluate((it) => it === document.activeElement)); i++)
        await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "新建构建" }).waitFor();
      await other.getByRole("link", { name: "新建构建" }).waitFor();
      await page.getByRole("row", { name: /alpha/ }).getByText("排队中").filter({ visible: true }).waitFor();
      await page.reload();
      await page.getByRole("link", { name: "新建构建" }).waitFor();
      expect(await axe(page)).toEqual([]);
      expect([...reader.complaints, ...chinese.complaints]).toEqual([]);
    },
  );

  itInSoak("is light or dark as the system is, or as the reader chooses, and readable in both", async () => {
    await using reader = await visit(browser, system.url, "/", { colorScheme: "dark" });
    const { page } = reader;
    await page.getByRole("row", { name: /alpha/ }).waitFor();
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await background();
    expect(await axe(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "light" });
    await until("light", async () => (await background()) !== dark);
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "Language and look" }).click();
    await page.getByRole("menuitemradio", { name: "Dark" }).click();
    await until("dark", async () => (await background()) === dark);
    await page.reload();
    expect(await background()).toBe(dark);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("is operated with the keyboard alone, and says how", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    const press = (key: string) => page.keyboard.press(key);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.getByRole("row", { name: /alpha/ }).waitFor();
    await press("?");
    const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await help.waitFor();
    expect(await axe(page)).toEqual([]);
    await press("Escape");
    await help.waitFor({ state: "detached" });
    await press("j");
    expect(await focused()).toBe("gamma");
    await press("ArrowDown");
    expect(await focused()).toBe("beta");
    await press("x");
    await page.getByText("1 selected").waitFor();
    await press("k");
    expect(await focused()).toBe("gamma");
    await press("Escape");
    await page.getByText("1 selected").waitFor({ state: "detached" });
    // What is selected is paused with keys that every page has.
    await press("x");
    const pause = page.getByRole("button", { name: "Pause" });
    for (let i = 0; i < 60 && !(await pause.evaluate((button) => button === document.activeElement)); i++)
      await press("Tab");
    await press("Enter");
    await page.getByRole("row", { name: /gamma/ }).getByText("Paused").filter({ visible: true }).waitFor();
    await press("/");
    await page.keyboard.type("bet");
    await until(
      "the one that was searched for",
      async () => (await page.locator("tr[data-build]").count()) === 1,
    );
    // In a field, keys are text.
    await page.keyboard.type("?");
    expect(await help.count()).toBe(0);
    await press("Escape");
    await press("Escape");
    await until("all", async () => (await page.locator("tr[data-build]").count()) === 3);
    await press("j");
    await press("Enter");
    await page.waitForURL(/\/builds\/proj_/);
    await press("g");
    await press("b");
    await page.getByRole("row", { name: /alpha/ }).waitFor();
    await press("g");
    await press("s");
    await page.waitForURL(/\/statistics/);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("goes anywhere by a few letters, in either language", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByRole("row", { name: /alpha/ }).waitFor();
    await page.keyboard.press("Control+k");
    const field = page.getByRole("combobox", { name: "A page, an action or a build" });
    await field.fill("pipel");
    await page.getByRole("option", { name: "Pipelines" }).waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/pipelines/);
    await page.keyboard.press("Meta+k");
    await field.fill("alpha");
    await page.getByRole("option", { name: "alpha" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "alpha" }).waitFor();
    await using phone = await visit(browser, system.url, "/", {
      locale: "zh-CN",
      viewport: { width: 360, height: 640 },
    });
    await phone.page.getByRole("row", { name: /alpha/ }).waitFor();
    await phone.page.keyboard.press("Control+k");
    await phone.page.getByRole("combobox", { name: "页面、操作或构建" }).fill("统计");
    await phone.page.getByRole("option", { name: "统计" }).click();
    await phone.page.waitForURL(/\/statistics/);
    expect([...reader.complaints, ...phone.complaints]).toEqual([]);
  });

  it("leaves single keys alone for readers who switch the shortcuts off", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByRole("row", { name: /alpha/ }).waitFor();
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await page.getByRole("checkbox", { name: "Single-key shortcuts" }).click();
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    await page.keyboard.press("c");
    await page.keyboard.press("?");
    expect(new URL(page.url()).pathname).toBe("/");
    expect(await help.count()).toBe(0);
  });

  it("fits a phone, without anything to scroll sideways", async () => {
    await using reader = await visit(browser, system.url, "/", {
      viewport: { width: 360, height: 640 },
      hasTouch: true,
    });
    const { page } = reader;
    await page.getByRole("row", { name: /alpha/ }).waitFor();
    const fits = async (path: string) => {
      const [width, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(width, path).toBe(shown);
    };
    await fits("/");
    expect(await axe(page)).toEqual([]);
    for (const name of ["New build", "Statistics", "Workers", "Schedules", "Webhooks"]) {
      const path = name === "New build" ? "/new" : `/${name.toLowerCase()}`;
      await go(page, path);
      await page.getByRole("heading", { level: 1, name }).waitFor();
      await fits(path);
    }
  });

  it("shows who works, makes schedules and webhooks, and runs them", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByRole("link", { name: "Workers" }).click();
    await page.getByText("Nothing at present").waitFor();
    expect(await page.getByRole("region", { name: /· \d+$/ }).count()).toBe(1);
    expect(await axe(page)).toEqual([]);

    await page.getByRole("link", { name: "Schedules" }).click();
    await page.getByRole("button", { name: "New schedule" }).click();
    await page.getByLabel("Name of the schedule").fill("Nightly report");
    await page.getByLabel("How often").selectOption("Every day");
    await page.getByLabel("At", { exact: true }).fill("02:30");
    await page.getByRole("textbox", { name: "Requirement" }).fill("Counts words");
    // A form that is closed, even with its page, is there again as it was.
    await page.keyboard.press("Escape");
    await page.reload();
    await page.getByRole("button", { name: "New schedule" }).click();
    await page.getByText("You began this before").waitFor();
    expect(await page.getByLabel("Name of the schedule").inputValue()).toBe("Nightly report");
    expect(await page.getByRole("textbox", { name: "Requirement" }).inputValue()).toBe("Counts words");
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Every day at 02:30").waitFor();
    const { items } = await system.client.schedules.list({});
    expect(items).toMatchObject([{ cron: "30 2 * * *", build: { requirement: "Counts words" } }]);
    await page.getByRole("button", { name: "Show the next times" }).click();
    await page.getByRole("dialog").getByRole("listitem").nth(4).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "More for Nightly report" }).click();
    await page.getByRole("menuitem", { name: "Pause" }).click();
    await page.locator("section [data-status=paused]").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "Run now: Nightly report" }).click();
    await page.waitForURL(/\/builds\/proj_/);

    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "A page, an action or a build" }).fill("webh");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "New webhook" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Give the address of the receiver.").waitFor();
    await page.getByLabel("Address").fill(`${system.url}/healthz`);
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "Save" }).click();
    expect(await page.getByTestId("secret").textContent()).toMatch(/^whsec_/);
    await page.getByRole("button", { name: "I have copied it" }).click();
    expect(await axe(page)).toEqual([]);
    await page.getByText("Deliveries", { exact: true }).click();
    await system.client.projects.create({ requirement: "r", project_name: "delta" });
    await page.getByText("build.started").first().waitFor();
    expect(await axe(page)).toEqual([]);

    await page.keyboard.press("g");
    await page.keyboard.press("b");
    await page.getByRole("checkbox", { name: "Select alpha" }).check();
    await page.getByRole("checkbox", { name: "Select beta" }).check();
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("region", { name: "Given" }).getByRole("link", { name: "alpha" }).waitFor();
    await page.getByRole("region", { name: "Stages" }).getByRole("row", { name: /one/ }).waitFor();
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("says what is not there", async () => {
    await using reader = await visit(browser, system.url, "/no/such/page");
    const { page } = reader;
    await page.getByRole("heading", { name: "There is no such page" }).waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("link", { name: "To the builds" }).click();
    await page.getByRole("row", { name: /alpha/ }).waitFor();
  });
});
