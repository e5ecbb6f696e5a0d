import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it } from "./dashboard.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`what a page is given that is odd${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  /** A program's build, as far as `run` takes it. */
  async function program(project_name: string, stages: string[] = ["one"]) {
    const { projects, work } = system.client;
    const { project_id } = await projects.create({
      requirement: "r",
      project_name,
      stages: stages.map((stage) => ({ stage })),
    });
    const claim = async () => {
      const claimed = await work.claim({ owner: "test", project_id });
      if (!claimed) throw new Error(`expected to claim ${project_id}`);
      let { lease_seq } = claimed;
      const { lease_token } = claimed;
      const report = (...events: Parameters<typeof work.report>[0]["events"]) =>
        work.report({ project_id, lease_token, lease_seq: ++lease_seq, events });
      return { lease_token, report };
    };
    return { project_id, claim };
  }

  const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

  it("D1: a build with unmet wishes is no plain success, in the list and on its page", async () => {
    const { project_id, claim } = await program("half_made", ["analyse", "make"]);
    const { report } = await claim();
    const unmet = [
      { capability: "fax", phrase: "send a fax" },
      { capability: "not_understood", phrase: "brew tea" },
    ];
    await report(
      { event: "started", stage: "analyse" },
      { event: "completed", stage: "analyse", output: { unmet, unmet_total: 2 } },
      { event: "started", stage: "make" },
      { event: "completed", stage: "make" },
    );
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    const badge = row(page, "half_made").locator("[data-status]").filter({ visible: true });
    await badge.getByText("Completed · 2 unmet").waitFor();
    const colour = (of: typeof badge) => of.first().evaluate((it) => getComputedStyle(it).color);
    const amber = await colour(badge);
    await page.goto(`${system.url}/builds/${project_id}`);
    const header = page.locator("header [data-status]");
    await header.getByText("Completed · 2 unmet").waitFor();
    expect(await colour(header)).toBe(amber);
    await page.getByText("send a fax · brew tea").waitFor();
    await page.getByRole("button", { name: "2 wishes are unmet" }).click();
    await page.getByTestId("json-tree").getByText("unmet_total").waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("D2: a click on a bar opens its attempt, a click on a row beside the name its build", async () => {
    const { project_id, claim } = await program("two_tries");
    const first = await claim();
    await first.report(
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["line of try 1"] },
    );
    await new Promise((wake) => setTimeout(wake, 300));
    await first.report({ event: "failed", stage: "one", message: "no", retry_in_seconds: 0 });
    const second = await until("the second claim", () => claim().catch(() => undefined));
    await second.report(
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["line of try 2"] },
    );
    await new Promise((wake) => setTimeout(wake, 300));
    await second.report({ event: "completed", stage: "one" });
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await row(page, "two_tries").locator("td").last().click();
    await page.getByRole("heading", { name: "two_tries" }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/builds/${project_id}`);
    const bars = page.locator('[data-stage="one"] [data-bar="attempt"]');
    await bars.nth(0).click();
    await page.getByText("line of try 1").waitFor();
    expect(new URL(page.url()).searchParams.get("attempt")).toBe("1");
    await bars.nth(1).click();
    await page.getByText("line of try 2").waitFor();
    expect(new URL(page.url()).searchParams.get("attempt")).toBeNull();
    expect(reader.complaints).toEqual([]);
  });

  it("D10: what is kept elsewhere says so, and everything else is downloaded", async () => {
    const { project_id, claim } = await program("with_reference");
    const { lease_token, report } = await claim();
    await report({ event: "started", stage: "one" });
    const stored = await system.client.artifacts.upload({
      project_id,
      path: "notes.txt",
      stage: "one",
      attempt: 1,
      lease_token,
      content: "kept here",
    });
    const references = [
      { path: "model.bin", metadata: { bucket: "b" } },
      { path: "weights.png" },
      { path: "about.md" },
    ];
    await report(
      { event: "artifacts", stage: "one", artifacts: [stored, ...references] },
      { event: "completed", stage: "one" },
    );
    await using reader = await visit(browser, system.url, `/builds/${project_id}?view=artifacts`);
    const { page } = reader;
    for (const { path } of references) {
      await page.getByRole("button", { name: path }).last().click();
      await page.getByTestId("preview").getByText("is kept elsewhere").waitFor();
      expect(await page.getByTestId("preview").getByRole("link", { name: "Download" }).count()).toBe(0);
    }
    await page.getByRole("button", { name: "notes.txt" }).last().click();
    await page.getByTestId("preview").getByText("kept here").waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download all" }).click();
    expect((await saved).suggestedFilename()).toBe("with_reference.zip");
    await page.getByText("3 files are not in the archive").waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("D4, D5: builds are found by what is shown, and several handled by the keyboard alone", async () => {
    for (const n of [1, 2, 3, 4])
      await system.client.projects.create({
        requirement: "r",
        project_name: `hopper_${n}`,
        user_id: "grace",
        user_name: "Grace Hopper",
        tags: ["navy-blue"],
        stages: [{ stage: "s" }],
      });
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await row(page, "hopper_4").waitFor();
    const field = page.getByRole("combobox", { name: /^Search/ });
    await field.fill("tag:navy");
    await until("the whole tag", () => page.url().includes("tag=navy-blue") || undefined);
    await row(page, "hopper_1").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await field.fill('user:"Grace H"');
    await until("her builds alone", async () => (await page.locator("[data-build]").count()) === 4);
    await field.blur();
    for (const key of ["j", "x", "j", "j", "X"]) await page.keyboard.press(key);
    await page.getByText("3 selected").waitFor();
    await page.keyboard.press(".");
    const inBar = () =>
      page.evaluate(() => document.activeElement?.closest("section")?.getAttribute("aria-label"));
    expect(await inBar()).toBe("Selected builds");
    await row(page, "hopper_4").getByRole("checkbox").uncheck();
    await page.keyboard.press(".");
    await page.getByRole("link", { name: "Compare" }).and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("2 selected").waitFor({ state: "detached" });
    expect(reader.complaints).toEqual([]);
  });

  it("D11, D12, D14: a stage far down is in sight, j stays among the files, a wait says until when", async () => {
    const stages = Array.from({ length: 30 }, (_, i) => `s${i}`);
    const { project_id, claim } = await program("thirty", stages);
    const { report } = await claim();
    const files = Array.from({ length: 300 }, (_, i) => ({
      path: `out/${String(i).padStart(3, "0")}.txt`,
    }));
    await report(
      { event: "started", stage: "s0" },
      { event: "artifacts", stage: "s0", artifacts: files },
      { event: "failed", stage: "s0", message: "not yet", retry_in_seconds: 600 },
    );
    await using reader = await visit(browser, system.url, `/builds/${project_id}?stage=s29`);
    const { page } = reader;
    await page.getByText(/Tries again in (9m|10m)/).waitFor();
    const last = page.locator('[data-stage="s29"]');
    await last.waitFor();
    const seen = await last.evaluate((it) => {
      const list = it.closest("ol")?.parentElement?.getBoundingClientRect();
      const { top, bottom } = it.getBoundingClientRect();
      return list !== undefined && top >= list.top - 1 && bottom <= list.bottom + 1;
    });
    expect(seen).toBe(true);
    await page.goto(`${system.url}/builds/${project_id}?view=artifacts&file=out%2F290.txt&from=s0`);
    await page.getByRole("button", { name: "290.txt" }).waitFor();
    await page.keyboard.press("j");
    await page.waitForTimeout(200);
    expect(new URL(page.url()).searchParams.get("view")).toBe("artifacts");
    expect(reader.complaints).toEqual([]);
  });
});
