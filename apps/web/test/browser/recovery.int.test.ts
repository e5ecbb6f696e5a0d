import { ConnectionError } from "@stagefold/client";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { until } from "../../../../tooling/vitest/until.ts";
import { createSharedBrowser, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type System, startSystem } from "./system.ts";

const itInSoak = it.runIf(SOAK);

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`the event stream${skipReason}`, () => {
  // Of this file alone: it kills the API, and counts the streams that are open, which pages of other files may leave.
  let system: System;
  const browser = createSharedBrowser();
  beforeAll(async () => {
    system = await startSystem({});
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
  });

  const make = (project_name: string) =>
    system.client.projects.create({ requirement: "r", project_name, stages: [{ stage: "one" }] });
  const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(name) });

  /** Streams that the server has open now. */
  async function streams(): Promise<number> {
    const text = await (await fetch(`${system.url}/metrics`)).text();
    return Number(/stagefold_open_watches\{kind="list"\} (\d+)/.exec(text)?.[1]);
  }

  itInSoak("is one for all tabs of a browser, and continues when the tab that has it is closed", async () => {
    const one = await make("first_build");
    const other = await make("second_build");
    await using reader = await visit(browser, system.url, `/builds/${one.project_id}`);
    const second = await reader.tab(`/builds/${other.project_id}`);
    const list = await reader.tab("/");
    const again = await reader.tab("/?status=queued");
    await row(list, "first_build").waitFor();
    await row(again, "first_build").waitFor();
    await until("one stream", async () => (await streams()) === 1);
    // Each tab hears of what it shows.
    await system.client.projects.pause({ project_id: other.project_id });
    await second.getByText("Paused").filter({ visible: true }).first().waitFor();
    await row(list, "second_build").getByText("Paused").filter({ visible: true }).waitFor();
    await row(again, "second_build").waitFor({ state: "detached" });
    await reader.page.close();
    await until("one stream again", async () => (await streams()) === 1);
    await system.client.projects.resume({ project_id: other.project_id });
    await second.getByText("Queued").filter({ visible: true }).first().waitFor();
    await row(again, "second_build").waitFor();
    expect(reader.complaints).toEqual([]);
  });

  it("comes back by itself after the API was killed, and the page shows what it missed", async () => {
    await make("before_the_kill");
    await using reader = await visit(browser, system.url);
    const { page } = reader;
    await row(page, "before_the_kill").waitFor();
    await until("the stream", async () => (await streams()) === 1);
    await system.killApi();
    const banner = page.getByText("No connection to the server");
    const said = banner.waitFor();
    // Before the page has its stream again.
    const missed = await until("the API", () =>
      make("made_meanwhile").catch((error: unknown) =>
        error instanceof ConnectionError ? undefined : Promise.reject(error),
      ),
    );
    expect(missed.status).toBe("queued");
    await row(page, "made_meanwhile").waitFor();
    await said;
    await banner.waitFor({ state: "detached" });
    const later = await make("made_after");
    await row(page, "made_after").waitFor();
    await system.client.projects.cancel({ project_id: later.project_id });
    await row(page, "made_after").getByText("Cancelled").filter({ visible: true }).waitFor();
    expect(reader.complaints).toEqual([]);
  });
});
