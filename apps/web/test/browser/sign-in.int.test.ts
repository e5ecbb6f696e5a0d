import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@stagefold/client";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { axe, openBrowser, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type System, startSystem, until } from "./system.ts";

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`signing in${skipReason}`, { timeout: 300_000 }, () => {
  let system: System;
  let browser: Browser;
  let adminKey: string;
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ STAGEFOLD_AUTH: "keys" }), openBrowser()]);
    const file = join(system.dataDir, "admin-key");
    adminKey = await until(30_000, "the first key", async () => {
      const text = await readFile(file, "utf8").catch(() => "");
      return text.trim() === "" ? undefined : text.trim();
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await system?.[Symbol.asyncDispose]();
  }, 60_000);

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
    await page.getByRole("button", { name: "Language and look" }).click();
    await page.getByText("Signed in as admin").waitFor();
    await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
    await page.getByLabel("API key").waitFor();
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
});
