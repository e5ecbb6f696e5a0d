import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it } from "./dashboard.ts";
import { sideways } from "./sideways.ts";

const LONG = "a stage whose name is far too long for any table, and goes on and on, as some do ".repeat(3);

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`what a page did wrong${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  /** A program's build, and its reports. */
  async function program(project_name: string, stages: { stage: string; stage_name?: string }[]) {
    const { projects, work } = system.client;
    const { project_id } = await projects.create({
      requirement: "r",
      project_name,
      pipeline: "own",
      stages,
    });
    const claim = async () => {
      const claimed = await work.claim({ owner: "test", project_id });
      if (!claimed) throw new Error(`expected to claim ${project_id}`);
      let { lease_seq } = claimed;
      const { lease_token } = claimed;
      return (...events: Parameters<typeof work.report>[0]["events"]) =>
        work.report({ project_id, lease_token, lease_seq: ++lease_seq, events });
    };
    return { project_id, claim };
  }

  it("D6, D16: a chosen stage leads back to the running one, and earlier builds say how long it still takes", async () => {
    const stages = [{ stage: "first" }, { stage: "second" }];
    for (const name of ["earlier_1", "earlier_2"]) {
      const { claim } = await program(name, stages);
      const report = await claim();
      await report({ event: "started", stage: "first" }, { event: "completed", stage: "first" });
      await report({ event: "started", stage: "second" });
      await new Promise((wake) => setTimeout(wake, 1200));
      await report({ event: "completed", stage: "second" });
    }
    const { project_id, claim } = await program("now", stages);
    const report = await claim();
    await report(
      { event: "started", stage: "first" },
      { event: "completed", stage: "first" },
      { event: "started", stage: "second" },
    );
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await page.getByTestId("time-left").waitFor();
    expect(await page.getByTestId("time-left").getAttribute("title")).toContain("2 completed builds");
    await page.locator('[data-stage="first"] button').first().click();
    const heading = (name: string) =>
      page.getByTestId("stage-panel").getByRole("heading", { name, exact: true }).waitFor();
    await heading("first");
    await page.getByRole("button", { name: "Follow the build" }).click();
    await heading("second");
    await report({ event: "failed", stage: "second", message: "no" });
    await page.locator("header [data-status=failed]").waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("D7, D13: attempts and long names are readable on a phone", async () => {
    const { project_id, claim } = await program("two_tries", [
      { stage: "only", stage_name: LONG.slice(0, 240) },
    ]);
    const first = await claim();
    await first({ event: "started", stage: "only" });
    await first({ event: "failed", stage: "only", message: `it said ${LONG}`, retry_in_seconds: 0 });
    const second = await until("the second claim", () => claim().catch(() => undefined));
    await second({ event: "started", stage: "only" }, { event: "completed", stage: "only" });
    await using reader = await visit(browser, system.url, `/builds/${project_id}?tab=attempts`, {
      viewport: { width: 360, height: 740 },
    });
    const { page } = reader;
    const panel = page.getByRole("tabpanel", { name: /Attempts/ });
    await panel.getByText(/it said a stage/).waitFor();
    // The heads of a table's columns are there for screen readers alone.
    const wider = await panel.evaluate((it) => {
      const seen = [...it.querySelectorAll(":not(thead, thead *)")];
      return Math.max(0, ...seen.map((one) => one.getBoundingClientRect().right));
    });
    expect(wider).toBeLessThanOrEqual(360);
    expect(await axe(page)).toEqual([]);
    await page.goto(`${system.url}/statistics`);
    await page.getByRole("heading", { name: "Statistics" }).waitFor();
    await page
      .getByRole("rowheader", { name: /only|a stage/ })
      .first()
      .waitFor();
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("D8: a line that is rewritten moves live, and is one line", async () => {
    const { project_id, claim } = await program("rewrites", [{ stage: "load" }]);
    const report = await claim();
    await report({ event: "started", stage: "load" });
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    const line = page.getByTestId("log").locator("[data-index]");
    for (const percent of [10, 55, 90]) {
      await report({
        event: "log",
        stage: "load",
        lines: [{ text: `${percent}%`, end: "\r", stream: "stdout" }],
      });
      await page.getByTestId("log").getByText(`${percent}%`).waitFor();
      expect(await line.count()).toBe(1);
    }
    await report({ event: "log", stage: "load", lines: [{ text: "100%", stream: "stdout" }] });
    await page.getByTestId("log").getByText("100%").waitFor();
    expect(await line.count()).toBe(1);
    expect(reader.complaints).toEqual([]);
  });
});
