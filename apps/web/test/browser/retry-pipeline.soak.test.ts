import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, type SharedBrowser, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { it } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { type System, startSystem } from "./system.ts";

const suite = `a build whose pipeline has changed${skipReason}`;

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(suite, () => {
  let folder: string;
  let dataDir: string;
  let system: System;
  let browser: SharedBrowser;
  const builds: string[] = [];

  const start = () =>
    startSystem({
      STAGEFOLD_PIPELINES: folder,
      STAGEFOLD_DATA_DIR: dataDir,
    });
  /** Its second stage does not end. */
  const describePipeline = (name: string, last: string) =>
    writeFile(
      join(folder, `${name}.yaml`),
      `name: ${name}
stages:
  - stage: fetch
    command: echo fetched
  - stage: wait
    command: while [ ! -e "${folder}/go" ]; do sleep 0.05; done
  - stage: ${last}
    command: echo ${last}
`,
    );
  const statusIs = (project_id: string, wanted: (status: string, completed: number) => boolean) =>
    until(`the state of ${project_id}`, async () => {
      const { status, stages_snapshot } = await system.client.projects.get({ project_id });
      return wanted(status, stages_snapshot.completed);
    });

  /** Builds that were under way when Stagefold was stopped, and whose pipeline is another when it runs again. */
  it.beforeAll(async ({ browser: shared }) => {
    browser = shared;
    folder = await mkdtemp(join(tmpdir(), "stagefold-pipelines-"));
    dataDir = await mkdtemp(join(tmpdir(), "stagefold-web-"));
    await describePipeline("site", "test");
    system = await start();
    for (const project_name of ["by_keys", "in_chinese"]) {
      const input = { requirement: "a site", pipeline: "site", project_name };
      builds.push((await system.client.projects.create(input)).project_id);
    }
    for (const project_id of builds) await statusIs(project_id, (_, completed) => completed === 1);
    await system[Symbol.asyncDispose]();
    await writeFile(join(folder, "go"), "");
    await describePipeline("site", "check");
    await describePipeline("site-before", "test");
    system = await start();
    for (const project_id of builds) await statusIs(project_id, (status) => status === "failed");
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    for (const path of [folder, dataDir]) await rm(path, { recursive: true, force: true, maxRetries: 5 });
  });

  it("is retried with another that has its stages, by the keyboard alone; one with others is refused beside the field", async () => {
    const [project_id = ""] = builds;
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await page.getByTestId("failure").getByText("PIPELINE_CHANGED").waitFor();
    await tabTo(page, "button", "Retry");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Which pipeline is to run it?" });
    await dialog.getByText("fetch → wait → test").waitFor();
    expect(await axe(page)).toEqual([]);
    const field = dialog.getByLabel("Pipeline");
    // What fits is chosen already; the one that it had says that it does not.
    expect(await field.inputValue()).toBe("site-before");
    await tabTo(page, "combobox", "Pipeline");
    await page.keyboard.type("site (other");
    expect(await field.inputValue()).toBe("site");
    await tabTo(page, "button", "Retry");
    await page.keyboard.press("Enter");
    await dialog.getByRole("alert").getByText("does not have the stages of this build").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await axe(page)).toEqual([]);
    await tabTo(page, "combobox", "Pipeline");
    await page.keyboard.type("site-before");
    await page.keyboard.press("Enter");
    await tabTo(page, "button", "Retry");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await statusIs(project_id, (status) => status === "completed");
    const { run, pipeline, stages_snapshot } = await system.client.projects.get({ project_id });
    expect({ run, pipeline }).toEqual({ run: 2, pipeline: "site-before" });
    // What was finished has not run again.
    expect(stages_snapshot.stages[0]?.attempt).toBe(1);
    expect(reader.complaints).toEqual([]);
  });

  it("asks the same in Chinese, on a phone, from the stage that failed", async () => {
    const [, project_id = ""] = builds;
    const phone = { locale: "zh-CN", colorScheme: "dark", viewport: { width: 360, height: 740 } } as const;
    await using reader = await visit(browser, system.url, `/builds/${project_id}`, phone);
    const { page } = reader;
    await page.getByRole("button", { name: "从此阶段重新运行" }).click();
    const dialog = page.getByRole("dialog", { name: "用哪个流水线运行？" });
    await dialog.getByText("流水线须包含此构建的阶段").waitFor();
    expect(await axe(page)).toEqual([]);
    await dialog.getByRole("button", { name: "返回" }).click();
    await dialog.waitFor({ state: "hidden" });
    expect((await system.client.projects.get({ project_id })).run).toBe(1);
    await page.getByRole("button", { name: "更多操作" }).click();
    await page.getByRole("menuitem", { name: "用其他流水线重试" }).click();
    await dialog.getByRole("button", { name: "重试" }).click();
    await statusIs(project_id, (status) => status === "completed");
    expect(reader.complaints).toEqual([]);
  });
});
