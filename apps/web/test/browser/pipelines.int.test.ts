import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { until } from "../../../../tooling/vitest/until.ts";
import { axe, visit } from "./browser.ts";
import { chromiumPath, skipReason } from "./chromium.ts";
import { type Dashboard, it } from "./dashboard.ts";
import { sideways } from "./sideways.ts";

const RELEASE = `
name: release
stages:
  - { stage: plan, stage_name: { en: Plan, zh: 计划 }, command: "true" }
  - { stage: unit, stage_name: { en: Unit tests, zh: 单元测试 }, needs: [plan], command: "true" }
  - { stage: docs, stage_name: { en: Docs, zh: 文档 }, needs: [plan], command: "true" }
  - { stage: pack, stage_name: { en: Pack, zh: 打包 }, needs: [unit], command: "true" }
  - stage: review
    stage_name: { en: Review, zh: 审核 }
    needs: [pack]
    gate: { question: Publish it?, timeout_seconds: 86400, on_timeout: fail }
  - { stage: publish, stage_name: { en: Publish, zh: 发布 }, needs: [plan, docs, review], command: "true" }
  - { stage: clean, stage_name: { en: Clean up, zh: 清理 }, finally: true, command: "true" }
`;

// Skipped where there is no Chromium to drive; the name of the suite says so.
describe.skipIf(chromiumPath === undefined)(`the pipelines${skipReason}`, () => {
  let file: string;
  let system: Dashboard["system"];
  let browser: Dashboard["browser"];
  it.beforeAll(async ({ fresh }) => {
    const dashboard = await fresh();
    ({ browser, system } = dashboard);
    file = join(dashboard.pipelines.folder, "release.yaml");
    await writeFile(file, RELEASE);
    await until("the pipeline", async () => {
      const { items } = await system.client.pipelines.list();
      return items.some(({ name }) => name === "release");
    });
  });
  afterAll(() => rm(file, { force: true }));

  const looks = [
    {
      lang: "en-GB",
      width: 1440,
      region: "Stages of release",
      texts: [
        "Plan, first",
        "Unit tests, after Plan",
        "Docs, after Plan",
        "Pack, after Unit tests",
        "Review, after Pack, asks a person",
        // It needs the plan too, which those have waited for already.
        "Publish, after Docs, Review",
        "Clean up, after Publish, also when the build fails",
      ],
    },
    {
      lang: "zh-CN",
      width: 360,
      region: "release 的阶段",
      texts: [
        "计划, 最先",
        "单元测试, 在 计划 之后",
        "文档, 在 计划 之后",
        "打包, 在 单元测试 之后",
        "审核, 在 打包 之后, 需要人工答复",
        "发布, 在 文档、审核 之后",
        "清理, 在 发布 之后, 构建失败时也运行",
      ],
    },
  ];
  it.each(looks.filter(({ width }) => SOAK || width === 360))(
    "draws parallel stages beside each other and says after which each comes ($lang, $width px)",
    async (the) => {
      await using reader = await visit(browser, system.url, "/pipelines", {
        locale: the.lang,
        viewport: { width: the.width, height: 800 },
      });
      const { page } = reader;
      const graph = page.getByRole("region", { name: the.region });
      const stages = graph.getByRole("listitem");
      await stages.first().waitFor();
      expect(await stages.allTextContents()).toEqual(the.texts);
      const boxes = await stages.evaluateAll((all) =>
        all.map((it) => {
          const { x, y } = it.getBoundingClientRect();
          return { x, y };
        }),
      );
      const [plan, unit, docs, pack, review, publish, clean] = boxes.map(({ x }) => x);
      expect(unit).toBe(docs);
      expect(boxes[1]?.y).not.toBe(boxes[2]?.y);
      expect([plan, unit, pack, review, publish, clean].map(Number)).toEqual(
        [plan, unit, pack, review, publish, clean].map(Number).sort((a, b) => a - b),
      );
      // One line for each "after": the one from Docs goes past Pack and Review.
      expect(await graph.locator("path").count()).toBe(7);
      // The graph scrolls by itself where it has no room, and by keys.
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      await graph.focus();
      await page.keyboard.press("End");
      expect(await axe(page)).toEqual([]);
      expect(reader.complaints).toEqual([]);
    },
  );
});
