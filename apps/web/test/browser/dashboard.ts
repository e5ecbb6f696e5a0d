import { ConnectionError } from "@stagefold/client";
import { test } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { until } from "../../../../tooling/vitest/until.ts";
import { createSharedBrowser, type SharedBrowser } from "./browser.ts";
import { type Pipelines, writePipelines } from "./pipelines.ts";
import { type System, startSystem } from "./system.ts";

export interface Dashboard {
  readonly browser: SharedBrowser;
  readonly system: Omit<System, keyof AsyncDisposable>;
  readonly pipelines: Pipelines;
}

/**
 * Tests of the dashboard. All files of a test process have one browser and one Stagefold between them, which start when
 * the first file asks for them: to start both takes longer than most files. Each test has a context of its own in the
 * browser, and each file begins with a Stagefold without builds and agents, which is what `fresh` answers.
 */
export const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which other fixtures this one needs
  .extend("browser", { scope: "worker" }, async ({}, { onCleanup }) => {
    const browser = createSharedBrowser();
    onCleanup(() => browser[Symbol.asyncDispose]());
    return browser;
  })
  .extend("fresh", { scope: "worker" }, async ({ browser }, { onCleanup }) => {
    const pipelines = await writePipelines();
    const system = await startSystem({ STAGEFOLD_PIPELINES: pipelines.folder });
    onCleanup(async () => {
      await system[Symbol.asyncDispose]();
      await pipelines[Symbol.asyncDispose]();
    });
    return async (): Promise<Dashboard> => {
      await empty(system);
      return { browser, system, pipelines };
    };
  });

/** What shows by keys alone, or on another screen, what a test of the short form shows by other means. */
export const itInSoak = it.runIf(SOAK);

/** Removes what an earlier file left. Agents go first: a build that one was made by is kept. */
async function empty({ client }: System): Promise<void> {
  const { projects, agents, schedules, webhooks } = client;
  await until("a Stagefold without builds and agents", async () => {
    try {
      for (const { agent_id } of (await agents.list({})).items) await agents.delete({ agent_id });
      await projects.bulk({ action: "delete", filter: {} });
      return (await projects.list({})).items.length + (await agents.list({})).items.length === 0;
    } catch (error) {
      // A file that kills the API may have failed before it was there again.
      if (error instanceof ConnectionError) return false;
      throw error;
    }
  });
  for (const { schedule_id } of (await schedules.list({})).items) await schedules.delete({ schedule_id });
  for (const { webhook_id } of (await webhooks.list()).items) await webhooks.delete({ webhook_id });
}
