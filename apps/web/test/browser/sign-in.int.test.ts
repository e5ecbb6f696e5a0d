import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@stagefold/client";
import { afterAll, describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, LOOKS, type SharedBrowser, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { it } from "./dashboard.ts";
import { sideways } from "./sideways.ts";
import { type System, startSystem } from "./system.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`signing in${skipReason}`, () => {
  let system: System;
  let browser: SharedBrowser;
  let adminKey: string;
  it.beforeAll(async ({ browser: shared }) => {
    browser = shared;
    system = await startSystem({ STAGEFOLD_AUTH: "keys" });
    const file = join(system.dataDir, "admin-key");
    adminKey = await until("the first key", async () => {
      const text = await readFile(file, "utf8").catch(() => "");
      return text.trim() === "" ? undefined : text.trim();
    });
  });
  afterAll(() => system?.[Symbol.asyncDispose](), 60_000);

  it("takes a key, refuses another, and shows builds live until one signs out", async () => {
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    const key = page.getByLabel("API key");
    await key.waitFor();
    expect(await axe(page)).toEqual([]);
    await key.fill("sf_000000000000_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("This key is not valid").waitFor();
    await key.fill(adminKey);
    await key.press("Enter");
    await page.getByRole("link", { name: "New build" }).waitFor();
    // The list is live: what another caller creates appears.
    const client = createClient({ url: system.url, key: adminKey });
    await client.projects.create({ requirement: "Counts words", project_name: "made-elsewhere" });
    await page.getByText("made-elsewhere").first().waitFor();
    await page.getByRole("link", { name: "New build" }).click();
    await page.getByRole("textbox", { name: "Requirement" }).fill("what the next reader must not see");
    const kept = () => page.evaluate(() => JSON.stringify(localStorage));
    await until("a draft", async () => (await kept()).includes("must not see"));
    // One that could not be signed out stays, and is told so.
    await reader.page.route("**/auth/session", (route) => route.abort(), { times: 1 });
    for (const text of ["Not signed out", undefined]) {
      await page.getByRole("button", { name: "Language and look" }).click();
      await page.getByText("Signed in as admin").waitFor();
      await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
      if (text !== undefined) await page.getByText(text).first().waitFor();
    }
    await page.getByLabel("API key").waitFor();
    expect(await kept()).not.toContain("must not see");
    expect(reader.complaints).toEqual([]);
  });

  it("is done by a link, whose key leaves the address at once; a revoked key ends at the sign-in", async () => {
    const client = createClient({ url: system.url, key: adminKey });
    const made = await client.keys.create({ name: "phone", role: "member" });
    await using reader = await visit(browser, system.url, `/#key=${made.key}`, {
      viewport: { width: 360, height: 740 },
    });
    const { page } = reader;
    await page.getByRole("link", { name: "New build" }).waitFor();
    expect(page.url()).not.toContain("sf_");
    await client.keys.revoke({ key_id: made.key_id });
    await page.reload();
    await page.getByLabel("API key").waitFor();
  });

  it.each(LOOKS)(
    "makes, rotates and revokes keys, and says who did so, by keyboard ($lang, $width px)",
    async (the) => {
      const zh = the.lang === "zh";
      const [keys, audit] = zh ? ["API 密钥", "审计"] : ["API keys", "Audit"];
      const client = createClient({ url: system.url, key: adminKey });
      await using reader = await visit(browser, system.url, `/#key=${adminKey}`, {
        viewport: { width: the.width, height: 800 },
        locale: the.locale,
      });
      const { page } = reader;
      const press = async (role: "button" | "menuitem", name: string | RegExp) => {
        await page.getByRole(role, { name }).focus();
        await page.keyboard.press("Enter");
      };
      await page.getByRole("navigation").waitFor();
      await press("button", zh ? "更多" : "More");
      await page.getByRole("menuitem", { name: keys }).waitFor();
      await press("menuitem", keys);
      await page.getByRole("heading", { name: keys }).waitFor();
      await press("button", zh ? "新建密钥" : "New key");
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: zh ? "创建密钥" : "Create the key" }).click();
      // What is missing is said beside its field, which has the focus.
      await dialog.getByText(zh ? "请填写名称。" : "Give it a name.").waitFor();
      expect(await axe(page)).toEqual([]);
      await page.keyboard.type(`phone-${the.lang}`);
      await page.keyboard.press("Enter");
      const issued = page.getByTestId("secret");
      await issued.waitFor();
      const made = (await issued.textContent()) ?? "";
      expect(await createClient({ url: system.url, key: made }).session.get()).toMatchObject({
        role: "member",
      });
      await press("button", zh ? "我已复制" : "I have copied it");
      await issued.waitFor({ state: "detached" });
      expect(await page.content()).not.toContain(made);
      const row = page.getByRole("row").filter({ hasText: `phone-${the.lang}` });
      await press("button", zh ? `轮换 phone-zh` : `Rotate phone-en`);
      await page.getByRole("alertdialog").getByRole("button").last().click();
      await issued.waitFor();
      expect(await issued.textContent()).not.toBe(made);
      await press("button", zh ? "我已复制" : "I have copied it");
      await issued.waitFor({ state: "detached" });
      await press("button", zh ? `吊销 phone-zh` : `Revoke phone-en`);
      await page.getByRole("alertdialog").getByRole("button").last().click();
      await row
        .getByText(zh ? "已吊销" : "Revoked")
        .first()
        .waitFor();
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      expect(await axe(page)).toEqual([]);
      const { items } = await client.keys.list();
      expect(items.find(({ name }) => name === `phone-${the.lang}`)?.revoked_at).toBeDefined();

      await press("button", zh ? "更多" : "More");
      await page.getByRole("menuitem", { name: audit }).click();
      await page.getByRole("heading", { name: audit }).waitFor();
      await page.getByText("keys.revoke").first().waitFor();
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      expect(await axe(page)).toEqual([]);
      expect(reader.complaints).toEqual([]);
    },
  );

  it("shows the ways to keys and audit to administrators alone", async () => {
    const client = createClient({ url: system.url, key: adminKey });
    const { key } = await client.keys.create({ name: "reader", role: "viewer" });
    const viewport = { width: 900, height: 700 };
    await using reader = await visit(browser, system.url, `/#key=${key}`, { viewport });
    const { page } = reader;
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Pipelines" }).waitFor();
    expect(await page.getByRole("menuitem", { name: "Audit" }).count()).toBe(0);
    await page.goto(`${system.url}/keys`);
    await page.getByText("Not allowed").waitFor();
  });

  it("tells a viewer who tries to create or cancel that it may not, and nothing changes", async () => {
    const client = createClient({ url: system.url, key: adminKey });
    const start_at = new Date(Date.now() + 3_600_000).toISOString();
    const { project_id } = await client.projects.create({
      ...{ requirement: "Waits", project_name: "of-another", start_at },
    });
    const before = (await client.projects.list({})).items.length;
    const { key } = await client.keys.create({ name: "wall", role: "viewer" });
    await using reader = await visit(browser, system.url, `/new#key=${key}`);
    const { page } = reader;
    await page.getByRole("textbox", { name: "Requirement" }).fill("Counts words");
    await page.getByRole("button", { name: "Start the build" }).click();
    await page.getByText("You may not see or change this.").first().waitFor();
    await page.goto(`${system.url}/builds/${project_id}`);
    await page.getByRole("button", { name: "Cancel" }).first().click();
    const question = page.getByRole("alertdialog", { name: "Cancel this build?" });
    await question.getByRole("button").last().click();
    await page.getByText("You may not see or change this.").first().waitFor();
    expect((await client.projects.get({ project_id })).status).toBe("queued");
    expect((await client.projects.list({})).items.length).toBe(before);
  });
});

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`below a path${skipReason}`, () => {
  it("the page signs in, shows builds live and keeps its addresses, and asks for nothing outside the path", async ({
    browser,
  }) => {
    // As a proxy would, the browser is sent below the path; this machine's own name is accepted too.
    await using system = await startSystem({
      STAGEFOLD_AUTH: "keys",
      STAGEFOLD_PUBLIC_URL: "http://builds.example/team/builds",
    });
    const adminKey = await until("the first key", async () => {
      const text = await readFile(join(system.dataDir, "admin-key"), "utf8").catch(() => "");
      return text.trim() === "" ? undefined : text.trim();
    });
    await using reader = await visit(browser, system.url, `/team/builds/#key=${adminKey}`);
    const { page } = reader;
    const outside: string[] = [];
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (!pathname.startsWith("/team/builds")) outside.push(pathname);
    });
    await page.getByRole("link", { name: "New build" }).first().waitFor();
    const client = createClient({ url: `${system.url}/team/builds`, key: adminKey });
    const { project_id } = await client.projects.create({ requirement: "Counts", project_name: "below" });
    await page.getByText("below").first().click();
    await page.waitForURL(`**/team/builds/builds/${project_id}*`);
    await page.reload();
    await page.getByRole("heading", { name: "below" }).waitFor();
    await page.getByRole("link", { name: "Statistics" }).click();
    await page.waitForURL("**/team/builds/statistics*");
    await page.goBack();
    await page.getByRole("heading", { name: "below" }).waitFor();
    expect(outside).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });
});
