import { describe, expect, it } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";

describe("pipelines.list", () => {
  it("serves names in every language, and nothing of how a stage is run", async () => {
    const { items, next_cursor } = await callerOf(memoryDeps()).pipelines.list();
    expect(items.map(({ name }) => name)).toEqual(["agent-build", "two-steps"]);
    expect(items[1]?.stages[0]).toEqual({
      stage: "first",
      kind: "command",
      stage_name: { en: "First", zh: "第一步" },
      weight: 1,
      timeout_seconds: 3600,
      retry: { attempts: 1, backoff_seconds: 5 },
    });
    expect(next_cursor).toBeNull();
    const page = await callerOf(memoryDeps()).pipelines.list({ limit: 1 });
    expect(page.items).toHaveLength(1);
    expect(page.next_cursor).not.toBeNull();
  });
});

describe("system.info", () => {
  it("says what this API is", async () => {
    const deps = { ...memoryDeps(), system: { version: "1.2.3", engine: "embedded" } };
    const info = await callerOf(deps).system.info();
    expect(info).toMatchObject({
      name: "stagefold",
      version: "1.2.3",
      engine: "embedded",
      lease_seconds: 60,
    });
    expect(info.limits).toMatchObject({ request_bytes: 1_048_576, item_bytes: 262_144 });
  });
});
