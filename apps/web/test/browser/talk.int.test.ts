import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it, itInSoak } from "./dashboard.ts";
import { tabTo } from "./keys.ts";
import { sideways } from "./sideways.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`agents${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  let agentId: string;
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
    const { projects, agents } = system.client;
    const { project_id } = await projects.create({
      requirement: "Counts words, sentences and paragraphs of a text",
      project_name: "text_statistics",
    });
    const project = await until("the build", async () => {
      const now = await projects.get({ project_id });
      return now.status === "completed" ? now : undefined;
    });
    const known = await agents.list({});
    const [made] = known.items;
    if (made) agentId = made.agent_id;
    else {
      const stage = project.stages_snapshot.stages.find(({ output_data }) => "agent" in output_data);
      const entry = String(stage?.output_data.agent);
      ({ agent_id: agentId } = await agents.publish({
        project_id,
        entry,
        kind: "rules",
        agent_name: "text_statistics",
      }));
    }
  });

  it("are found, asked and asked again; an answer comes with its tools, and is there the next time", async () => {
    await using reader = await visit(browser, system.url, "/", { viewport: { width: 1440, height: 900 } });
    const { page } = reader;
    await page.getByRole("navigation").getByRole("link", { name: "Agents" }).click();
    await page.getByRole("searchbox", { name: "Search agents" }).fill("text");
    const card = page.getByRole("article").filter({ hasText: "text_statistics" });
    await card.waitFor();
    expect(await axe(page)).toEqual([]);
    // The field follows the address.
    await page.getByRole("navigation").getByRole("link", { name: "Agents" }).click();
    await page.waitForFunction(
      () => document.querySelector("input[type=search]")?.getAttribute("value") === "",
    );
    await card.getByRole("link").click();
    await page.getByRole("heading", { name: "What it can do" }).waitFor();
    await page.getByText("answers now").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "Talk", exact: true }).click();
    await page.waitForURL(/\/talk\/sess_/);
    const question = page.getByRole("textbox", { name: "Your question" });
    await question.fill("How many words has: one two three four");
    await page.keyboard.press("Enter");
    const turn = page.locator('[data-turn="1"]');
    await turn.getByTestId("tool").first().waitFor();
    await page.locator('[data-turn="1"][data-turn-status=completed]').waitFor();
    await turn.getByTestId("tool").first().getByRole("button").click();
    await turn.getByText("Result").waitFor();
    expect(await axe(page)).toEqual([]);
    expect(await question.inputValue()).toBe("");
    await turn.getByRole("button", { name: "Ask again" }).click();
    await page.locator('[data-turn="2"][data-turn-status=completed]').waitFor();
    // A long question is longer than the turn keeps of a tool's input.
    await question.fill(`How many words has: ${"one two three ".repeat(300)}`);
    await page.keyboard.press("Enter");
    const long = page.locator('[data-turn="3"][data-turn-status=completed]');
    await long.getByTestId("tool").getByRole("button").first().click();
    await long.getByText("Only the beginning is shown here.").waitFor();
    expect(await axe(page)).toEqual([]);
    await long.getByRole("button", { name: "Show all" }).click();
    await long.getByText("Only the beginning is shown here.").waitFor({ state: "detached" });
    expect((await long.getByTestId("tool").locator("pre").first().textContent())?.length).toBeGreaterThan(
      4000,
    );
    await page.reload();
    await page.locator('[data-turn="2"][data-turn-status=completed]').waitFor();
    // Every turn is a call, which leads back here.
    await page.goto(`${system.url}/agents/${agentId}/calls`);
    await page
      .getByRole("link", { name: /How many words/ })
      .first()
      .waitFor();
    expect(await page.getByRole("link", { name: /How many words/ }).count()).toBe(3);
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("write files, which their answer offers and the next page load still has", async () => {
    const { client } = system;
    const entry = `import { writeFileSync } from "node:fs";
      import { createInterface } from "node:readline";
      const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
      say({ type: "ready", protocol: 1, tools: [] });
      for await (const line of createInterface({ input: process.stdin })) {
        const call = { type: "tool", id: "1", name: "report", input: JSON.parse(line).text };
        say({ ...call, status: "running", output: null });
        writeFileSync("report.md", "# Report");
        say({ ...call, status: "completed", output: "written" });
        say({ type: "end" });
      }`;
    const stages = [{ stage: "make" }];
    const { project_id } = await client.projects.create({ requirement: "x", pipeline: "by-hand", stages });
    const held = await client.work.claim({ owner: "test", project_id });
    if (!held) throw new Error("expected to claim the build");
    const { lease_token, lease_seq } = held;
    const report = (seq: number, event: Parameters<typeof client.work.report>[0]["events"][number]) =>
      client.work.report({ project_id, lease_token, lease_seq: lease_seq + seq, events: [event] });
    await report(1, { event: "started", stage: "make" });
    const made = { project_id, lease_token, stage: "make", attempt: 1, path: "agent.mjs", content: entry };
    await report(2, { event: "completed", stage: "make", artifacts: [await client.artifacts.upload(made)] });
    const agent = { project_id, entry: "agent.mjs", kind: "rules", agent_name: "reporter" } as const;
    const { agent_id } = await client.agents.publish(agent);
    const { session_id } = await client.sessions.create({ agent_id });
    await client.turns.send({ session_id, text: "write it", files: [{ name: "in.csv", text: "a,b" }] });
    await using reader = await visit(browser, system.url, `/talk/${session_id}`);
    const { page } = reader;
    const turn = page.locator('[data-turn="1"][data-turn-status=completed]');
    await turn.waitFor();
    for (const [kind, name, content] of [
      ["made", "report.md", "# Report"],
      ["given", "in.csv", "a,b"],
    ] as const) {
      const link = turn.getByTestId(`files-${kind}`).getByRole("link", { name });
      const got = await fetch(new URL((await link.getAttribute("href")) ?? "", system.url));
      expect(await got.text()).toBe(content);
    }
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  itInSoak(
    "are talked to on a phone, in Chinese, by the keyboard alone, with a file; a draft is kept",
    async () => {
      await using reader = await visit(browser, system.url, `/agents/${agentId}`, {
        viewport: { width: 360, height: 740 },
        locale: "zh-CN",
        colorScheme: "dark",
      });
      const { page } = reader;
      await page.getByRole("heading", { name: "能做什么" }).waitFor();
      expect(await axe(page)).toEqual([]);
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      await tabTo(page, "button", "对话");
      await page.keyboard.press("Enter");
      const question = page.getByRole("textbox", { name: "您的问题" });
      await question.waitFor();
      await page.locator("input[type=file]").setInputFiles({
        name: "note.txt",
        mimeType: "text/plain",
        buffer: Buffer.from("one two"),
      });
      await page.getByRole("button", { name: "移除 note.txt" }).focus();
      await page.keyboard.press("Enter");
      // The button that had the focus was the file's.
      await question.and(page.locator(":focus")).waitFor();
      // Which reads as JSON, and is a text.
      await page.keyboard.type("[1, 2, 3]");
      await page.reload();
      await until("the draft", async () => (await question.inputValue()) === "[1, 2, 3]");
      await question.focus();
      await page.keyboard.press("Enter");
      await page.locator('[data-turn="1"]:not([data-turn-status=running])').waitFor();
      expect(await axe(page)).toEqual([]);
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      await page.getByRole("button", { name: "更多操作" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("menuitem", { name: "删除" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("alertdialog").getByRole("button", { name: "删除" }).focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/agents\/agent_/);
      expect(reader.complaints).toEqual([]);
    },
  );

  it("are switched off and on, and say so", async () => {
    await using reader = await visit(browser, system.url, `/agents/${agentId}`);
    const { page } = reader;
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Switch off" }).click();
    await page.getByText("Switched off").first().waitFor();
    expect((await system.client.agents.get({ agent_id: agentId })).status).toBe("disabled");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Switch on" }).click();
    await page.getByText("Switched off").waitFor({ state: "detached" });
    expect(reader.complaints).toEqual([]);
  });
});
