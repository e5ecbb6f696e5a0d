import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { sideways } from "./sideways.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`a gate${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  const make = (project_name: string) =>
    system.client.projects.create({ requirement: "a draft", pipeline: "gate", project_name });
  const state = async (project_id: string, wanted: string) =>
    until(`${project_id} ${wanted}`, async () => {
      const project = await system.client.projects.get({ project_id });
      return project.status === wanted ? project : undefined;
    });

  it("is approved on a phone, in Chinese, with a thumb: the list leads to it, and what was made is at hand", async () => {
    const { project_id } = await make("phone_gate");
    await state(project_id, "waiting");
    await using reader = await visit(browser, system.url, "/", {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      locale: "zh-CN",
      colorScheme: "dark",
    });
    const { page } = reader;
    await page
      .getByRole("group", { name: "状态" })
      .getByRole("link", { name: /等待答复/ })
      .tap();
    await page.getByRole("link", { name: "phone_gate" }).tap();
    const gate = page.getByTestId("gate");
    await gate.getByText("Publish this draft?").waitFor();
    await gate.getByText("后构建失败").waitFor();
    expect(await page.title()).toMatch(/^\? phone_gate/);
    expect(await axe(page)).toEqual([]);
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    // Large enough for a thumb.
    const box = await gate.getByRole("button", { name: "批准" }).boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
    await gate.getByRole("button", { name: "查看目前的成果" }).tap();
    await page.getByRole("button", { name: "draft.md" }).waitFor();
    await page.goBack();
    // What is missing is said in the reader's language, and has the focus.
    await gate.getByRole("button", { name: "批准" }).tap();
    await gate.getByText("此项必填。").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-invalid"))).toBe("true");
    await gate.getByLabel("Copies").fill("3");
    await gate.getByRole("checkbox", { name: "chat" }).tap();
    await gate.getByRole("button", { name: "批准" }).tap();
    const project = await state(project_id, "completed");
    const review = project.stages_snapshot.stages.find(({ stage }) => stage === "review");
    expect(review?.output_data.answer).toEqual({ ok: true, copies: 3, channels: ["chat"] });
    await page.getByTestId("result").waitFor();
    await gate.waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
    expect(reader.complaints).toEqual([]);
  });

  it("is answered by its link, on a phone, in Chinese, by one who sees nothing else", async () => {
    const { project_id } = await make("linked_gate");
    await state(project_id, "waiting");
    await using desk = await visit(browser, system.url, `/builds/${project_id}`);
    await desk.page
      .getByTestId("gate")
      .getByRole("button", { name: /^Make a link/ })
      .click();
    const link = desk.page.getByLabel("Link to this question");
    // The link takes the place of the button that had the focus.
    await link.and(desk.page.locator(":focus")).waitFor();
    const address = await link.inputValue();
    expect(await axe(desk.page)).toEqual([]);
    await using reader = await visit(browser, "", address, {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      locale: "zh-CN",
    });
    const { page } = reader;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.getByText("Publish this draft?").waitFor();
    await page.getByText("后构建失败").waitFor();
    expect(await axe(page)).toEqual([]);
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    const yes = page.getByRole("button", { name: "批准" });
    expect((await yes.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    await yes.tap();
    await page.getByText("此项必填。").waitFor();
    await page.getByLabel("Copies").fill("2");
    await yes.tap();
    await page.getByText("谢谢，您的答复已记录。").waitFor();
    const project = await state(project_id, "completed");
    const review = project.stages_snapshot.stages.find(({ stage }) => stage === "review");
    expect(review?.output_data).toMatchObject({ answer: { ok: true, copies: 2 }, by: "link:local" });
    await page.reload();
    await page.getByText("谢谢，您的答复已记录。").waitFor();
    expect(asked.filter((one) => /trpc|\/v1|events/.test(one))).toEqual([]);
    // A link that was cut says so.
    await page.goto(address.slice(0, -5));
    await page.getByText("此链接无效或已失效。").waitFor();
    expect([...reader.complaints, ...desk.complaints]).toEqual([]);
  });

  itInSoak(
    "is refused by the keyboard alone, and says what the API finds wrong beside its field",
    async () => {
      const { project_id } = await make("desk_gate");
      await state(project_id, "waiting");
      await using reader = await visit(browser, system.url, `/builds/${project_id}`, {
        viewport: { width: 1440, height: 900 },
      });
      const { page } = reader;
      const gate = page.getByTestId("gate");
      await gate.waitFor();
      expect(await axe(page)).toEqual([]);
      const copies = gate.getByLabel("Copies");
      await copies.focus();
      await page.keyboard.type("none");
      await tabTo(page, "button", "Refuse");
      await page.keyboard.press("Enter");
      await gate.getByText("Expected a number.").waitFor();
      await copies.fill("1");
      // What is typed outlives a window, or a tablet, that is turned, and another page.
      await page.setViewportSize({ width: 1000, height: 900 });
      await until("the answer", async () => (await copies.inputValue()) === "1");
      await page.reload();
      await until("the answer", async () => (await copies.inputValue()) === "1");
      await tabTo(page, "button", "Refuse");
      await page.keyboard.press("Enter");
      const project = await state(project_id, "failed");
      expect(project.error_info?.code).toBe("GATE_REFUSED");
      await page.getByTestId("failure").getByText("The answer was no").waitFor();
      expect(reader.complaints).toEqual([]);
    },
  );

  itInSoak("that another has answered meanwhile says so", async () => {
    const { project_id } = await make("raced_gate");
    await state(project_id, "waiting");
    await using reader = await visit(browser, system.url, `/builds/${project_id}`);
    const { page } = reader;
    await page.getByTestId("gate").waitFor();
    await system.client.projects.answer({ project_id, stage: "review", value: { ok: true, copies: 1 } });
    await page.getByTestId("gate").waitFor({ state: "detached" });
    await page.getByTestId("result").waitFor();
    await page.locator('[data-stage="review"] button').first().click();
    // A gate has no log: it opens on its question and who answered.
    const question = page.getByTestId("stage-panel").getByTestId("question");
    await question.getByText("Publish this draft?").waitFor();
    await question.getByText(/^Answered/).waitFor();
    await question.getByText("copies").waitFor();
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });
});
