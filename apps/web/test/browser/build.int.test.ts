import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterEach, describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, LOOKS, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { HOSTILE } from "./pipelines.ts";
import { sideways } from "./sideways.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`one build${skipReason}`, () => {
  let pipelines: Dashboard["pipelines"];
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  let hostileId: string;
  let failedId: string;
  let agentId: string;
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system, pipelines } = await fresh());
    // Builds that tests read and leave as they are.
    const { projects } = system.client;
    ({ project_id: hostileId } = await make("files", HOSTILE));
    ({ project_id: failedId } = await make("flaky", "lines"));
    ({ project_id: agentId } = await projects.create({
      requirement: "Counts words, sentences and paragraphs of a text",
      project_name: "ending",
      tags: ["demo"],
      priority: 2,
    }));
  });

  /** A test that fails leaves no build that runs beside the next ones. */
  const open: string[] = [];
  afterEach(async () => {
    for (const id of open.splice(0)) await pipelines.finish(id);
  });
  const make = async (pipeline: string, project_name: string = pipeline) => {
    const requirement = `a test of ${pipeline}`;
    const made = await system.client.projects.create({ requirement, pipeline, project_name });
    open.push(made.project_id);
    return made;
  };
  const ended = (project_id: string) =>
    until(`the end of ${project_id}`, async () => {
      const { status } = await system.client.projects.get({ project_id });
      return ["completed", "failed", "cancelled"].includes(status) ? status : undefined;
    });
  /** The state of the build, as the header says it. */
  const shows = (page: Page, status: string) =>
    page.locator(`header [data-status=${status}]`).first().waitFor();
  const log = (page: Page) => page.getByTestId("log");
  const isAtEnd = (page: Page) =>
    log(page).evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight <= 24);

  /** More lines than fit. Which of them is shown depends on how long the page took. */
  const isLong = (page: Page) =>
    until("a log of more than a screen", () =>
      log(page).evaluate((element) => element.scrollHeight > 2 * element.clientHeight),
    );

  it("is watched to its end, its log followed until one scrolls up", async () => {
    const { project_id } = await make("slow");
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await shows(page, "building");
    // It follows the build to the stage that runs.
    const panel = page.getByTestId("stage-panel");
    await panel.getByRole("heading", { name: "Work" }).waitFor();
    await isLong(page);
    await until("the end of the log in sight", () => isAtEnd(page));
    expect(await axe(page)).toEqual([]);

    // Who scrolls up stays there, whatever comes.
    await log(page).hover();
    // A line that comes with the first turn of the wheel may take its place; a reader turns on.
    await until("the beginning of the log", async () => {
      await page.mouse.wheel(0, -1_000_000);
      return log(page).evaluate(({ scrollTop }) => scrollTop === 0);
    });
    const height = () => log(page).evaluate(({ scrollHeight }) => scrollHeight);
    const before = await height();
    await until("more lines", async () => (await height()) > before + 200);
    expect(await log(page).evaluate(({ scrollTop }) => scrollTop)).toBe(0);
    await page.getByRole("button", { name: "Follow the end" }).click();
    await until("the end of the log again", () => isAtEnd(page));

    await pipelines.finish(project_id);
    await shows(page, "completed");
    await log(page).getByText("the end", { exact: true }).waitFor();
    // An end has a result in the place of a progress.
    await page.getByTestId("result").waitFor();
    expect(await page.getByRole("progressbar", { name: "Progress" }).count()).toBe(0);
    expect(await page.title()).toMatch(/^✓ slow/);
    const bars = (stage: string) => page.locator(`[data-stage=${stage}] [data-bar=attempt]`).count();
    expect([await bars("prepare"), await bars("work")]).toEqual([1, 1]);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak(
    "has its lines brought by the one event stream, to a second tab too, without a request for them",
    async () => {
      const { project_id } = await make("slow", "streamed");
      await using reader = await visit(browser, system.url, `/builds/${project_id}`);
      const tabs = [reader.page, await reader.page.context().newPage()];
      const asked = tabs.map((tab) => {
        const urls: string[] = [];
        tab.on("request", (request) => urls.push(request.url()));
        return urls;
      });
      const count = (procedure: string) =>
        asked.map((urls) => urls.filter((url) => url.includes(procedure)).length);
      // Whichever tab comes first has the stream.
      await isLong(reader.page);
      await tabs[1]?.goto(`${system.url}/builds/${project_id}`);
      for (const tab of tabs) await isLong(tab);
      const height = (tab: Page) => log(tab).evaluate(({ scrollHeight }) => scrollHeight);
      // What was there before the stream is asked for; from then on the stream alone brings lines, to both tabs.
      await until("more lines in both tabs without a request", async () => {
        const before = String(count("stages.logs"));
        const heights = await Promise.all(tabs.map(height));
        for (const [i, tab] of tabs.entries())
          await until("more lines", async () => (await height(tab)) > (heights[i] ?? 0) + 200);
        return String(count("stages.logs")) === before;
      });
      expect(count("watch")[1]).toBe(0);
      await pipelines.finish(project_id);
      for (const tab of tabs) await log(tab).getByText("the end", { exact: true }).waitFor();
      expect(reader.complaints).toEqual([]);
    },
  );

  it("has its log searched and downloaded, in its colours", async () => {
    const { project_id } = await make("slow", "searched");
    await until("a few lines", async () => {
      const { items } = await system.client.stages
        .logs({ project_id, stage: "work", attempt: 1, limit: 200 })
        .catch(() => ({ items: [] }));
      return items.length >= 30;
    });
    await pipelines.finish(project_id);
    await ended(project_id);
    await using reader = await visit(browser, system.url, `/builds/${project_id}?stage=work`);
    const { page } = reader;
    await log(page)
      .getByText(/^line 3 of/)
      .waitFor();
    expect(
      await log(page)
        .getByText("work", { exact: true })
        .first()
        .evaluate((span) => getComputedStyle(span).color),
    ).toBe("rgb(86, 211, 100)");
    await page.keyboard.press("/");
    await page.keyboard.type("line 2");
    const standing = page.getByTestId("stage-panel").getByRole("status");
    await standing.getByText(/^1 of 1\d+$/).waitFor();
    await page.keyboard.press("Enter");
    await standing.getByText(/^2 of 1\d+$/).waitFor();
    expect(await log(page).locator("mark").first().textContent()).toBe("line 2");
    await page.keyboard.press("Escape");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download the log" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("searched-work-1.log");
    const text = await readFile(await download.path(), "utf8");
    expect(text).toContain("line 3 of \u001b[32mwork\u001b[0m\n");
    expect(text.endsWith("the end\n")).toBe(true);
    expect(reader.complaints).toEqual([]);
  });

  it("says why it failed and what to do; its failed stage is retried, and both attempts can be read", async () => {
    const { project_id } = await make("flaky");
    expect(await ended(project_id)).toBe("failed");
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    const failure = page.getByTestId("failure");
    await failure.getByText("The stage ended with an error").waitFor();
    await failure.getByText("What to do").waitFor();
    await log(page).getByText("try 1 fails").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByTestId("stage-panel").getByRole("button", { name: "Run again from here" }).click();
    await shows(page, "completed");
    await log(page).getByText("try 2 works").waitFor();
    await page.getByLabel("Attempt", { exact: true }).selectOption("1");
    await log(page).getByText("try 1 fails").waitFor();
    expect(new URL(page.url()).searchParams.get("attempt")).toBe("1");
    await page.getByRole("tab", { name: /Attempts/ }).click();
    await page.getByRole("cell", { name: /STAGE_FAILED/ }).waitFor();
    await page.getByRole("columnheader", { name: "Definition" }).waitFor();
    await page.getByRole("tab", { name: "History" }).click();
    const history = page.getByTestId("history").getByRole("listitem");
    await history
      .filter({ hasText: "second · Attempt 1 · Failed" })
      .getByText(/^Definition/)
      .waitFor();
    await history.filter({ hasText: "Retried" }).waitFor();
    expect(await axe(page)).toEqual([]);
    await history.filter({ hasText: "second · Attempt 1" }).getByRole("button", { name: "second" }).click();
    await page.getByTestId("stage-panel").getByLabel("Attempt", { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get("attempt")).toBe("1");
    const bars = page.locator("[data-stage=second] [data-bar=attempt]");
    expect(await bars.count()).toBe(2);
    // Each bar says what it was, and opens it, by the keyboard alone.
    await page.locator("[data-stage=second] [data-row]").focus();
    await page.keyboard.press("ArrowRight");
    const tip = page.getByTestId("bar-tip");
    await tip.getByText("STAGE_FAILED").waitFor();
    await tip.getByText("Attempt 1").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("ArrowUp");
    await page.locator("[data-stage=first] [data-row]:focus").waitFor();
    await page.getByRole("button", { name: "Zoom in" }).click();
    await page.getByTestId("minimap-view").waitFor();
    const strip = page.getByRole("scrollbar", { name: "Part of the timeline that is shown" });
    await strip.focus();
    await page.keyboard.press("End");
    expect(await strip.getAttribute("aria-valuenow")).toBe("100");
    await page.keyboard.press("0");
    await page.getByTestId("minimap-view").waitFor({ state: "detached" });
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("asks before a finished stage runs again", async () => {
    const { project_id } = await make("files", "again");
    await ended(project_id);
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await page.getByRole("button", { name: "Run again from here" }).click();
    const question = page.getByRole("alertdialog", { name: "Run again from Make files?" });
    await question.waitFor();
    await question.getByRole("button", { name: "Back" }).click();
    await question.waitFor({ state: "hidden" });
    expect((await system.client.projects.get({ project_id })).run).toBe(1);
    await page.getByRole("button", { name: "Run again from here" }).click();
    await question.getByRole("button", { name: "Retry" }).click();
    await until("the second run", async () => {
      const { run, status } = await system.client.projects.get({ project_id });
      return run === 2 && status === "completed";
    });
    await page.getByLabel("Attempt", { exact: true }).waitFor();
  });

  it("is paused, resumed, cancelled and deleted, each heard of at once", async () => {
    const { project_id } = await make("slow", "controlled");
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await shows(page, "building");
    await page.locator("[data-stage=work] [data-bar=attempt]").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await shows(page, "paused");
    await page.getByText("Pausing: the stage that runs ends first").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await shows(page, "building");
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    const question = page.getByRole("alertdialog", { name: "Cancel this build?" });
    expect(await axe(page)).toEqual([]);
    await question.getByRole("button", { name: "Cancel build" }).click();
    await shows(page, "cancelled");
    expect((await system.client.projects.get({ project_id })).status).toBe("cancelled");
    const other = await reader.tab();
    await shows(other, "cancelled");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page
      .getByRole("alertdialog", { name: "Delete this build?" })
      .getByRole("button", { name: "Delete" })
      .click();
    await page.waitForURL((url) => url.pathname === "/");
    // A page that shows it meanwhile says so.
    await other.getByText("There is no such build").waitFor();
    expect(await axe(other)).toEqual([]);
    await other.getByRole("link", { name: "To the builds" }).click();
    await other.waitForURL((url) => url.pathname === "/");
    expect(reader.complaints).toEqual([]);
  });

  itInSoak(
    "goes by the keyboard alone: from stage to stage, through its log, a retry and a cancel",
    async () => {
      const { project_id } = await make("flaky", "by_keys");
      await ended(project_id);
      await using reader = await visit(browser, system.url, `/builds/${project_id}`);
      const { page } = reader;
      const heading = (name: string) =>
        page.getByTestId("stage-panel").getByRole("heading", { name }).waitFor();
      await heading("second");
      await page.keyboard.press("k");
      await heading("first");
      await page.keyboard.press("j");
      await heading("second");
      await tabTo(page, "button", "second");
      await tabTo(page, "button", "Run again from here");
      await tabTo(page, "tab", "Log");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      await page
        .getByRole("tab", { name: /Artifacts/, selected: true })
        .last()
        .waitFor();
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Enter");
      await tabTo(page, "searchbox", "Search the log");
      await tabTo(page, "button", "Download the log");
      await tabTo(page, "region", "Log");
      await tabTo(page, "button", "Retry");
      await page.keyboard.press("Enter");
      await shows(page, "completed");
      await page.keyboard.press("u");
      await page.waitForURL((url) => url.pathname === "/");

      const { project_id: slow } = await make("slow", "cancelled_by_keys");
      await page.goto(`${system.url}/builds/${slow}`);
      await shows(page, "building");
      await tabTo(page, "button", "Cancel");
      await page.keyboard.press("Enter");
      await page.getByRole("alertdialog").waitFor();
      await tabTo(page, "button", "Cancel build");
      await page.keyboard.press("Enter");
      await shows(page, "cancelled");
      expect(await ended(slow)).toBe("cancelled");
    },
  );

  itInSoak("has its log followed, left and followed again with the keyboard alone", async () => {
    const { project_id } = await make("slow", "followed_by_keys");
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await isLong(page);
    await tabTo(page, "region", "Log");
    await page.keyboard.press("Home");
    await until("the beginning of the log", () => log(page).evaluate(({ scrollTop }) => scrollTop === 0));
    await tabTo(page, "button", "Follow the end");
    await page.keyboard.press("Enter");
    await until("the end of the log again", () => isAtEnd(page));
    await pipelines.finish(project_id);
    await shows(page, "completed");
    await log(page).getByText("the end", { exact: true }).waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("shows hostile names and logs as text", async () => {
    await ended(hostileId);
    await using reader = await visit(browser, system.url, `/builds/${hostileId}`);
    const { page } = reader;
    await page.getByRole("heading", { level: 1, name: HOSTILE }).waitFor();
    await log(page).getByText(HOSTILE).waitFor();
    await page
      .getByRole("tab", { name: /Artifacts/ })
      .first()
      .click();
    await page
      .getByRole("button", { name: /hostile & name/ })
      .last()
      .click();
    await page.getByTestId("code").getByText("window.hacked=1").first().waitFor();
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
    expect(await page.title()).toContain(HOSTILE);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak(
    "is read in Chinese, with the pipeline's names of the stages, in the dark, on a phone",
    async () => {
      const { project_id } = await make("slow", "zh");
      await pipelines.finish(project_id);
      await ended(project_id);
      const phone = { locale: "zh-CN", colorScheme: "dark", viewport: { width: 360, height: 740 } } as const;
      await using reader = await visit(browser, system.url, `/builds/${project_id}`, phone);
      const { page } = reader;
      await page.getByRole("heading", { name: "工作" }).waitFor();
      await page.getByRole("button", { name: /准备/ }).waitFor();
      await page.getByRole("tab", { name: "日志" }).waitFor();
      await log(page).getByText("a line that is far too long").waitFor();
      expect(await sideways(page)).toBe(0);
      expect(await axe(page)).toEqual([]);
    },
  );

  it.each(LOOKS)(
    "ends with what was made, what is not in it, and what to do with it ($lang, $width px)",
    async (the) => {
      const zh = the.lang === "zh";
      await ended(agentId);
      await using reader = await visit(browser, system.url, `/builds/${agentId}`, {
        viewport: { width: the.width, height: 900 },
        locale: the.locale,
        permissions: ["clipboard-read", "clipboard-write"],
      });
      const { page } = reader;
      const result = page.getByTestId("result");
      await result.getByText(zh ? /自测通过 \d+ \/ \d+/ : /\d+ of \d+ self-tests passed/).waitFor();
      await result.getByTestId("unmet").waitFor();
      await result
        .getByRole("list", { name: zh ? "工具" : "Tools" })
        .getByText("text_statistics")
        .waitFor();
      expect(await axe(page)).toEqual([]);
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      await result.getByRole("button", { name: zh ? "复制命令" : "Copy the command" }).click();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^node agents\//);
      await result.getByRole("button", { name: "README.md" }).click();
      await page.getByTestId("preview").waitFor();
      expect(new URL(page.url()).searchParams.get("file")).toMatch(/README\.md$/);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        result.getByRole("button", { name: zh ? "下载" : "Download" }).click(),
      ]);
      expect(download.suggestedFilename()).toBe("ending.zip");
      // The same again: the form has everything of it.
      await result.getByRole("link", { name: zh ? "修改后再次构建" : "Build again with changes" }).focus();
      await page.keyboard.press("Enter");
      const requirement = page.getByRole("textbox", { name: zh ? "需求" : "Requirement" });
      await requirement.waitFor();
      expect(await requirement.inputValue()).toBe("Counts words, sentences and paragraphs of a text");
      expect(await page.getByLabel(zh ? "标签" : "Tags").inputValue()).toBe("demo");
      expect(await page.getByLabel(zh ? "优先级" : "Priority").inputValue()).toBe("2");
      expect(await page.getByLabel(zh ? "名称" : "Name").inputValue()).toBe("ending");
      expect(await axe(page)).toEqual([]);
      // What was made can be talked to at once, and updated.
      await page.goBack();
      await result.getByRole("link", { name: zh ? "更新智能体" : "Update the agent" }).waitFor();
      await result.getByRole("button", { name: zh ? "对话" : "Talk" }).click();
      await page.waitForURL(/\/talk\/sess_/);
      expect(reader.complaints).toEqual([]);
    },
  );

  itInSoak(
    "has two parts whose widths are the reader's, by mouse and by keys, and are remembered",
    async () => {
      await ended(hostileId);
      await using reader = await visit(browser, system.url, `/builds/${hostileId}`, {
        viewport: { width: 1440, height: 900 },
      });
      const { page } = reader;
      const handle = page.getByRole("separator", { name: "Width of the two parts" });
      const at = async () => Number(await handle.getAttribute("aria-valuenow"));
      await handle.waitFor();
      expect(await at()).toBe(44);
      const box = await handle.boundingBox();
      await page.mouse.move((box?.x ?? 0) + 4, 400);
      await page.mouse.down();
      await page.mouse.move(720, 400, { steps: 4 });
      await page.mouse.up();
      expect(await at()).toBe(50);
      await handle.focus();
      await page.keyboard.press("ArrowRight");
      expect(await at()).toBe(52);
      await page.reload();
      await handle.waitFor();
      expect(await at()).toBe(52);
      // The log has the height that is there.
      const log_ = await log(page).boundingBox();
      expect((log_?.y ?? 0) + (log_?.height ?? 0)).toBeGreaterThan(850);
      await page.getByRole("button", { name: "Details" }).click();
      await page.getByRole("dialog", { name: "Details" }).getByText(hostileId).waitFor();
      expect(await axe(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.setViewportSize({ width: 900, height: 900 });
      await handle.waitFor({ state: "detached" });
      expect(reader.complaints).toEqual([]);
    },
  );

  itInSoak("has lines that an address names, the next error, and a log that fills the window", async () => {
    await ended(failedId);
    await using reader = await visit(browser, system.url, `/builds/${failedId}?stage=first#L1`, {
      viewport: { width: 1440, height: 900 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const { page } = reader;
    const named = log(page).locator("[data-index].bg-log-here");
    await named.getByText("first done").waitFor();
    await page.goto(`${system.url}/builds/${failedId}`);
    await page.getByTestId("failure").getByRole("button", { name: "Show in the log" }).click();
    await page.waitForURL(/#error$/);
    await page.goto(`${system.url}/builds/${failedId}?stage=second`);
    await log(page).getByRole("button", { name: "Line 1", exact: true }).click();
    await page.waitForURL(/#L1$/);
    await named.getByText("try 1 fails").waitFor();
    await page.getByRole("button", { name: "More of the log" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Copy a link to L1" }).click();
    await until("the link", async () =>
      (await page.evaluate(() => navigator.clipboard.readText())).endsWith("?stage=second#L1"),
    );
    await page.getByRole("button", { name: "Show times" }).click();
    await log(page)
      .getByText(/^\d\d:\d\d:\d\d\.\d{3}$/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Fill the window" }).click();
    expect((await log(page).boundingBox())?.width).toBe(1440);
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await until("its own place", async () => ((await log(page).boundingBox())?.width ?? 0) < 1000);
    expect(reader.complaints).toEqual([]);
  });
});
