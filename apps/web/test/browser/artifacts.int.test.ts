import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { unzipSync } from "fflate";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { sideways } from "./sideways.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`artifacts${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  /** A build that the tests read and leave as it is. */
  let filesId: string;
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
    filesId = await built("files");
  });

  const built = async (pipeline: string) => {
    const { project_id } = await system.client.projects.create({ requirement: "files", pipeline });
    await end(project_id);
    return project_id;
  };
  const end = (project_id: string) =>
    until(`the end of ${project_id}`, async () => {
      const { status } = await system.client.projects.get({ project_id });
      return ["completed", "failed"].includes(status);
    });
  const recorded = async (project_id: string) =>
    (await system.client.artifacts.listByProject({ project_id, limit: 100 })).items;
  const code = (page: Page) => page.getByTestId("code");
  const open = (page: Page, name: string | RegExp) =>
    page.getByRole("navigation", { name: "Artifacts" }).getByRole("button", { name }).click();

  it("are a tree or a list, found by name, and shown in their language's colours", async () => {
    await using reader = await visit(browser, system.url, `/builds/${filesId}`);
    const { page } = reader;
    await page
      .getByRole("tab", { name: /Artifacts/ })
      .first()
      .click();
    await open(page, /config\.yaml/);
    await code(page).getByText("# first").waitFor();
    const colour = (text: string) =>
      code(page)
        .getByText(text, { exact: true })
        .first()
        .evaluate((element) => getComputedStyle(element).color);
    expect(new Set([await colour("name:"), await colour("# first"), await colour("demo")]).size).toBe(3);
    expect(new URL(page.url()).searchParams.get("file")).toBe("out/config.yaml");
    expect(await axe(page)).toEqual([]);

    await page.getByLabel("Find a file").fill("deep");
    await page.getByRole("status").getByText("1 file", { exact: true }).waitFor();
    await page.getByRole("button", { name: "As a list" }).click();
    await open(page, /out\/deep\/er\/code\.mjs/);
    await code(page).getByText("export", { exact: true }).waitFor();
    await page.getByLabel("Find a file").fill("");
    await open(page, /README\.md/);
    await page.getByTestId("markdown").getByRole("heading", { name: "Title" }).waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "As a text" }).click();
    await code(page).getByText("# Title").waitFor();
    await open(page, /rows\.csv/);
    await page.getByTestId("table").getByRole("cell", { name: "a, b" }).waitFor();
    await open(page, /data\.json/);
    await page.getByTestId("json-tree").getByText("deep").waitFor();
    expect(await axe(page)).toEqual([]);
    // A picture whose script does not run.
    await open(page, /drawing\.svg/);
    await page.getByRole("img", { name: "out/drawing.svg" }).waitFor();
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);

    await open(page, /pixel\.png/);
    const image = page.getByRole("img", { name: "out/pixel.png" });
    await until("the picture", () => image.evaluate((img: HTMLImageElement) => img.naturalWidth === 1));
    await open(page, /noise\.bin/);
    await page.getByText("This is not text").waitFor();
    // The address alone opens the file again.
    await page.reload();
    await page.getByRole("heading", { name: "out/noise.bin" }).waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("are downloaded one by one and all together, byte for byte, and have their path copied", async () => {
    const artifacts = await recorded(filesId);
    expect(artifacts.length).toBe(9);
    await using reader = await visit(
      browser,
      system.url,
      `/builds/${filesId}?view=artifacts&file=out%2Fnoise.bin`,
      { permissions: ["clipboard-read", "clipboard-write"] },
    );
    const { page } = reader;
    const [one] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download" }).click(),
    ]);
    expect(one.suggestedFilename()).toBe("noise.bin");
    const noise = artifacts.find(({ path }) => path === "out/noise.bin");
    expect(sha256(await readFile(await one.path()))).toBe(noise?.sha256);

    const [all] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download all" }).click(),
    ]);
    expect(all.suggestedFilename()).toMatch(/\.zip$/);
    const files = unzipSync(await readFile(await all.path()));
    expect(Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, sha256(bytes)]))).toEqual(
      Object.fromEntries(artifacts.map(({ path, sha256: hash }) => [path, hash])),
    );
    await open(page, /README\.md/);
    await page.getByRole("heading", { name: "out/README.md" }).waitFor();
    await page.getByRole("button", { name: "Copy the path" }).click();
    await page.getByText("Copied").first().waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("out/README.md");
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("are found, opened and downloaded with the keyboard alone", async () => {
    const artifacts = await recorded(filesId);
    await using reader = await visit(browser, system.url, `/builds/${filesId}`);
    const { page } = reader;
    const { keyboard } = page;
    await page.getByRole("heading", { level: 1 }).waitFor();
    await tabTo(page, "tab", "Stages");
    await keyboard.press("ArrowRight");
    await keyboard.press("Enter");
    await tabTo(page, "button", "out");
    // The rows are one stop of Tab; arrows go through them.
    await keyboard.press("ArrowLeft");
    await page.getByRole("button", { name: "out", expanded: false }).waitFor();
    await keyboard.press("ArrowRight");
    await page.getByRole("button", { name: "out", expanded: true }).waitFor();
    await keyboard.press("End");
    const focused = page.locator("nav button:focus");
    await focused.getByText("rows.csv").waitFor();
    await keyboard.press("ArrowUp");
    await focused.getByText("README.md").waitFor();
    await keyboard.press("ArrowUp");
    await focused.getByText("pixel.png").waitFor();
    await keyboard.press("ArrowUp");
    await focused.getByText("noise.bin").waitFor();
    await keyboard.press("Enter");
    await page.getByRole("heading", { name: "out/noise.bin" }).waitFor();
    await tabTo(page, "link", "Download");
    const [one] = await Promise.all([page.waitForEvent("download"), keyboard.press("Enter")]);
    const noise = artifacts.find(({ path }) => path === "out/noise.bin");
    expect(sha256(await readFile(await one.path()))).toBe(noise?.sha256);
    await tabTo(page, "button", "Download all");
    const [all] = await Promise.all([page.waitForEvent("download"), keyboard.press("Enter")]);
    expect(Object.keys(unzipSync(await readFile(await all.path()))).length).toBe(artifacts.length);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak("are compared between two attempts of their stage", async () => {
    const project_id = await built("flaky");
    await system.client.projects.retry({ project_id });
    await until("the second attempt", async () => {
      const { status, run } = await system.client.projects.get({ project_id });
      return run === 2 && status === "completed";
    });
    await using reader = await visit(
      browser,
      system.url,
      `/builds/${project_id}?view=artifacts&file=out%2Freport.yaml`,
    );
    const { page } = reader;
    await page.getByRole("button", { name: "Compare attempts" }).click();
    await page.getByText("1 added, 1 removed").waitFor();
    const changed = page.getByTestId("diff").getByRole("row", { name: /added|removed/ });
    expect(await changed.allTextContents()).toEqual([
      expect.stringContaining("try: 1"),
      expect.stringContaining("try: 2"),
    ]);
    expect(await axe(page)).toEqual([]);
    await page.getByLabel("Before", { exact: true }).selectOption("2");
    await page.getByText("Both attempts made exactly the same.").waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("appear in the page as soon as they are recorded, and a file fills a phone", async () => {
    const project_id = await built("files");
    const phone = { viewport: { width: 360, height: 740 } };
    await using reader = await visit(browser, system.url, `/builds/${project_id}?view=artifacts`, phone);
    const { page } = reader;
    await page.getByRole("status").getByText("9 files").waitFor();
    await system.client.artifacts.record({
      project_id,
      stage: "make",
      artifacts: [{ path: "out/later.txt" }],
      mode: "add",
    });
    await open(page, /later\.txt/);
    // Nobody handed over its bytes.
    await page.getByText("Only the record is here").waitFor();
    await page.getByRole("button", { name: "All files" }).click();
    await page.getByRole("status").getByText("10 files").waitFor();
    expect(await sideways(page)).toBe(0);
    expect(await axe(page)).toEqual([]);
  });
});
