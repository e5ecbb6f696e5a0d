import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`starting a build${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  let pipelines: Dashboard["pipelines"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system, pipelines } = await fresh());
  });

  it("shows the build at once, and remembers what was asked for", async () => {
    await using reader = await visit(browser, system.url, "/new");
    const { page } = reader;
    expect(await axe(page)).toEqual([]);
    await page.getByRole("textbox", { name: "Requirement" }).fill("Adds up numbers");
    await page.getByLabel("Name").fill("adder");
    await page.getByLabel("Tags").fill("demo, numbers,demo");
    await page.getByLabel("Priority").selectOption("1 – first");
    await page.getByRole("button", { name: "Start the build" }).click();
    await page.waitForURL(/\/builds\/proj_[0-9a-f]{12}$/);
    const { items } = await system.client.projects.list({});
    expect(items).toMatchObject([{ project_name: "adder", tags: ["demo", "numbers"], priority: 1 }]);
    expect(page.url()).toContain(items[0]?.project_id ?? "no build");

    await page.locator("header [data-status]").first().waitFor();
    await page.getByRole("link", { name: "New build" }).click();
    await page.getByRole("button", { name: "Adds up numbers" }).click();
    expect(await page.getByRole("textbox", { name: "Requirement" }).inputValue()).toBe("Adds up numbers");
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("says beside each field what is wrong with it, and takes the reader there", async () => {
    await using reader = await visit(browser, system.url, "/new");
    const { page } = reader;
    await page.getByRole("button", { name: "Start the build" }).click();
    await page.getByText("Say what the agent is to do.", { exact: true }).waitFor();
    const requirement = page.getByRole("textbox", { name: "Requirement" });
    expect(await requirement.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await requirement.getAttribute("aria-invalid")).toBe("true");
    await requirement.fill("x");
    // What the schema of the API says, in its words.
    await page.getByLabel("Name").fill("n".repeat(500));
    await page.getByLabel("Tags").fill("t".repeat(100));
    await page.getByRole("button", { name: "Start the build" }).click();
    const said = page.locator("#project_name-about [role=alert], #tags-about [role=alert]");
    await said.nth(1).waitFor();
    expect((await said.allTextContents()).every((text) => text.length > 5)).toBe(true);
    expect(await axe(page)).toEqual([]);
    expect((await system.client.projects.list({ text: "nnnn" })).items).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("asks for the pipeline's input by its schema, for limits and a time, and brings them again", async () => {
    const at = new Date(Date.now() + 86_400_000).toISOString();
    await using reader = await visit(browser, system.url, `/new?pipeline=typed&tokens=4000&start_at=${at}`);
    const { page } = reader;
    await page.getByLabel("Pages").fill("none");
    await page.getByRole("button", { name: "Start the build then" }).click();
    await page.getByText("Expected a whole number.").or(page.getByText("Expected a number.")).waitFor();
    expect(await page.getByLabel("Market").getAttribute("aria-invalid")).toBe("true");
    expect(await axe(page)).toEqual([]);
    await page.getByLabel("Market").fill("bikes");
    await page.getByLabel("Pages").fill("7");
    await page.getByLabel("Cost (US$)").fill("1.5");
    await page.getByRole("button", { name: "Start the build then" }).click();
    await page.waitForURL(/\/builds\/proj_[0-9a-f]{12}$/);
    const project_id = page.url().slice(-17);
    expect(await system.client.projects.input({ project_id })).toEqual({
      input: { market: "bikes", pages: 7 },
    });
    const { limits, start_at = "" } = await system.client.projects.get({ project_id });
    expect(limits).toEqual({ tokens: 4000, cost_usd: 1.5 });
    expect(Math.abs(Date.parse(start_at) - Date.parse(at))).toBeLessThan(60_000);

    await page.goto(`${system.url}/new?from=${project_id}`);
    await page.getByLabel("Market").waitFor();
    expect(await page.getByLabel("Market").inputValue()).toBe("bikes");
    expect(await page.getByLabel("Pages").inputValue()).toBe("7");
    expect(await page.getByLabel("Tokens").inputValue()).toBe("4000");
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("can be done, and the build watched to its end, with the keyboard alone", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await page.getByRole("navigation").waitFor();
    await page.keyboard.press("c");
    await page.waitForURL(/\/new$/);
    const requirement = page.getByRole("textbox", { name: "Requirement" });
    await requirement.waitFor();
    for (let i = 0; i < 20; i++) {
      if (await requirement.evaluate((field) => field === document.activeElement)) break;
      await page.keyboard.press("Tab");
    }
    await page.keyboard.type("Made without a mouse");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/builds\/proj_[0-9a-f]{12}$/);
    const { items } = await system.client.projects.list({});
    expect(page.url()).toContain(items[0]?.project_id ?? "no build");
    await page.locator("header [data-status=completed]").first().waitFor();
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("says which pipeline files are wrong, and where, until they are right", async () => {
    const broken = join(pipelines.folder, "broken.yaml");
    await writeFile(broken, "name: broken\nstages:\n  - stage: one\n    comand: echo one\n");
    await using reader = await visit(browser, system.url, "/pipelines");
    const { page } = reader;
    await page.getByRole("heading", { name: "1 mistake in the files" }).waitFor();
    await page.getByText("broken.yaml:4").waitFor();
    expect(await axe(page)).toEqual([]);
    // The others are there all the same.
    await page.getByRole("heading", { name: "agent-build" }).waitFor();
    await rm(broken);
    await page.getByRole("heading", { name: "1 mistake in the files" }).waitFor({ state: "detached" });
    expect(reader.complaints).toEqual([]);
  });
});
