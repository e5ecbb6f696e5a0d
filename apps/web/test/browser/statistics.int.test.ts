import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { sideways } from "./sideways.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`statistics${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  /** A build of one stage, run here to the outcome that is asked for. */
  const make = async (outcome: "completed" | "failed") => {
    const { client } = system;
    const stages = [{ stage: "only_stage", stage_name: "Only stage" }];
    const { project_id } = await client.projects.create({ requirement: "x", pipeline: "own", stages });
    const claimed = await client.work.claim({ owner: "test", project_id });
    if (!claimed) throw new Error("expected to hold the build");
    const { lease_token, lease_seq } = claimed;
    const last =
      outcome === "completed"
        ? {
            event: outcome,
            stage: "only_stage",
            metrics: { input_tokens: 1200, output_tokens: 34, tool_calls: 5 },
          }
        : { event: outcome, stage: "only_stage", message: "no" };
    await client.work.report({
      project_id,
      lease_token,
      lease_seq: lease_seq + 1,
      events: [{ event: "started", stage: "only_stage" }, last],
    });
  };

  it("say when there is nothing to count", async () => {
    // Over a time that no other test asks for: the API gives the same answer for three seconds.
    await using reader = await visit(browser, system.url, "/statistics?days=365");
    await reader.page.getByText("No builds in this time").waitFor();
    expect(await axe(reader.page)).toEqual([]);
  });

  it("are those of the API, over the time that is asked for, as figures, charts and tables", async () => {
    for (const outcome of ["completed", "completed", "completed", "failed"] as const) await make(outcome);
    await using reader = await visit(browser, system.url, "/statistics?days=7");
    const { page } = reader;
    const tile = (name: string) =>
      page.locator("dl > div").filter({ has: page.getByText(name, { exact: true }) });
    const shows = (name: string, text: string | RegExp) => tile(name).getByText(text).waitFor();
    await shows("Builds", "4");
    await shows("Success rate", "75%");
    await shows("Success rate", "of 4 completed or failed");
    await shows("Median duration", /^\d+(\.\d)?m?s$/);
    await shows("Tokens", "3.7K");
    await shows("Tool calls", "15");
    const failing = page.getByRole("region", { name: "Most failing stages" });
    await failing.getByRole("row", { name: /only_stage.*1.*100%/ }).waitFor();
    await page
      .getByRole("region", { name: "Slowest stages" })
      .getByRole("row", { name: /only_stage.*4/ })
      .waitFor();

    await shows("Time in the queue", /^\d+(\.\d)?m?s$/);
    // Of one user, by a part of the name, and of everyone again: the address has it.
    const user = page.getByRole("searchbox", { name: "User" });
    await user.pressSequentially("nobody all");
    for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowLeft");
    await page.keyboard.type(" at");
    expect(await user.inputValue()).toBe("nobody at all");
    await page.getByText("No builds in this time").waitFor();
    expect(new URL(page.url()).searchParams.get("user")).toBe("nobody at all");
    expect(await axe(page)).toEqual([]);
    await page.getByRole("searchbox", { name: "User" }).fill("");
    await shows("Builds", "4");

    // Figures lead to the builds that they are of.
    await tile("Tokens").getByRole("link").click();
    await page.waitForURL(/sort=-tokens/);
    expect(new URL(page.url()).searchParams.get("since")).toMatch(/^\d{4}-\d\d-\d\d$/);
    await page.goBack();
    await failing.getByRole("link", { name: "Their builds" }).click();
    await page.waitForURL(/status=failed/);
    await until("the failed one", async () => (await page.locator("tr[data-build]").count()) === 1);
    expect(new URL(page.url()).searchParams.get("since")).toMatch(/^\d{4}-\d\d-\d\d$/);
    await page.goBack();

    // Charts are drawn, and the same is there as a table.
    const outcomes = page.getByRole("region", { name: "Builds by outcome" });
    await until(
      "bars of both outcomes",
      async () => (await outcomes.locator(".recharts-bar-rectangle path").count()) >= 2,
    );
    await outcomes.getByText("Show as a table").click();
    await outcomes.getByRole("link", { name: "3" }).waitFor();
    const days = outcomes.getByRole("row");
    expect(await days.count()).toBe(8);
    expect(await days.nth(1).getByRole("cell").allTextContents()).toEqual(["3", "1", "0", "0"]);
    expect(await axe(page)).toEqual([]);

    await page.getByRole("button", { name: "30 days" }).click();
    await until("30 days", async () => (await days.count()) === 31);
    expect(new URL(page.url()).searchParams.get("days")).toBe("30");
    expect(await page.getByRole("button", { name: "30 days" }).getAttribute("aria-pressed")).toBe("true");
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("are asked for with the keyboard alone, over another time, and read as a table", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByRole("navigation").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForURL(/\/statistics/);
    await tabTo(page, "button", "7 days");
    await page.keyboard.press("Enter");
    await page.waitForURL(/days=7/);
    const outcomes = page.getByRole("region", { name: "Builds by outcome" });
    const table = outcomes.getByText("Show as a table");
    for (let i = 0; i < 60 && !(await table.evaluate((it) => it === document.activeElement)); i++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await until("a line for each day", async () => (await outcomes.getByRole("row").count()) === 8);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("fit a phone, in Chinese, in the dark", async () => {
    const phone = { locale: "zh-CN", colorScheme: "dark", viewport: { width: 360, height: 740 } } as const;
    await using reader = await visit(browser, system.url, "/statistics", phone);
    const { page } = reader;
    await page.getByText("成功率", { exact: true }).waitFor();
    await until("the chart", async () => (await page.locator(".recharts-bar-rectangle path").count()) > 0);
    expect(await sideways(page)).toBe(0);
    expect(await axe(page)).toEqual([]);
  });
});
