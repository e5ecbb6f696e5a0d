import { describe, expect } from "vitest";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it } from "./dashboard.ts";

/** As many as a build may have, and as many parts of each as are open without being asked for. */
const STAGES = 64;
const PARTS = 8;
const ROWS = STAGES * (1 + PARTS);

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`a build of 64 stages${skipReason}`, () => {
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    ({ browser, system } = await fresh());
  });

  /** All its stages run at once, each with eight parts that run. */
  async function wideBuild(): Promise<string> {
    const { projects, work } = system.client;
    const keys = Array.from({ length: STAGES }, (_, i) => `s${i}`);
    const { project_id } = await projects.create({
      requirement: "r",
      project_name: "wide",
      stages: keys.map((stage) => ({ stage, stage_name: `Stage ${stage}`, needs: [] })),
    });
    const claimed = await work.claim({ owner: "test", project_id });
    if (!claimed) throw new Error(`expected to claim ${project_id}`);
    let { lease_seq } = claimed;
    for (const stage of keys)
      await work.report({
        project_id,
        lease_token: claimed.lease_token,
        lease_seq: ++lease_seq,
        events: [
          { event: "started", stage },
          ...Array.from({ length: PARTS }, (_, i) => ({
            event: "started" as const,
            stage,
            sub_stage: `part-${i}`,
          })),
        ],
      });
    return project_id;
  }

  it("draws at each second only the rows that can be seen, and the keyboard reaches all", async () => {
    await using reader = await visit(browser, system.url, `/builds/${await wideBuild()}`, {
      viewport: { width: 1440, height: 900 },
    });
    const { page } = reader;
    const timeline = page.getByRole("region", { name: "Timeline" });
    await timeline.locator(`li[aria-setsize="${ROWS}"]`).first().waitFor();
    // What changes from one second to the next: all that is drawn, since the scale grows.
    const changed = await timeline.evaluate(
      (section) =>
        new Promise<{ rows: number; elements: number }>((resolve) => {
          const seen = new Set<Node>();
          const began = Date.now();
          new MutationObserver((records) => {
            for (const { target } of records) seen.add(target);
            if (Date.now() - began < 2500) return;
            const rows = new Set([...seen].map((node) => node.parentElement?.closest("li")).filter(Boolean));
            resolve({ rows: rows.size, elements: section.querySelectorAll("*").length });
          }).observe(section, { attributes: true, characterData: true, childList: true, subtree: true });
        }),
    );
    expect(changed.rows).toBeGreaterThan(0);
    expect(changed.rows).toBeLessThan(ROWS / 10);
    expect(changed.elements).toBeLessThan(ROWS * 2);

    // Far down by keys alone, through rows that were not there when it began.
    const focused = timeline.locator("[data-row]:focus, [data-bar]:focus");
    await timeline.locator('[data-stage="s0"] [data-row]').focus();
    for (let i = 0; i < 5 * (1 + PARTS); i++) await page.keyboard.press("ArrowDown");
    await timeline.locator('[data-stage="s5"] [data-row]:focus').waitFor();
    // What has the focus keeps it when it is scrolled away, and the next key goes on from there.
    const list = timeline.locator("ol").locator("../..");
    await list.evaluate((it) => it.scrollTo(0, it.scrollHeight));
    await timeline.locator(`li[aria-posinset="${ROWS}"]`).waitFor();
    expect(await focused.count()).toBe(1);
    await page.keyboard.press("ArrowUp");
    const part = timeline.locator("li", { has: page.locator(":focus") });
    await part.getByText("part-7").waitFor();
    expect(await part.getAttribute("aria-posinset")).toBe(String(5 * (1 + PARTS)));
    await until("the row in sight", async () => {
      const [outer, inner] = await Promise.all([list.boundingBox(), part.boundingBox()]);
      if (!outer || !inner) return undefined;
      return inner.y >= outer.y - 1 && inner.y + inner.height <= outer.y + outer.height + 1;
    });
    expect(await axe(page)).toEqual([]);
    expect(reader.complaints).toEqual([]);
  });

  it("has rows on a phone of the height that was said for them, so that nothing jumps", async () => {
    await using reader = await visit(browser, system.url, `/builds/${await wideBuild()}`, {
      viewport: { width: 360, height: 740 },
    });
    const timeline = reader.page.getByRole("region", { name: "Timeline" });
    await timeline.locator(`li[aria-setsize="${ROWS}"]`).first().waitFor();
    const list = timeline.locator("ol").locator("../..");
    const height = () => list.evaluate((it) => it.scrollHeight);
    const before = await height();
    await list.evaluate((it) => it.scrollTo(0, it.scrollHeight));
    await timeline.locator(`li[aria-posinset="${ROWS}"]`).waitFor();
    expect(await height()).toBe(before);
  });
});
