import { startEngine, startS3Double } from "@stagefold/store-testing";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { openBackend } from "./backend.ts";
import { parseEnv } from "./env.ts";
import { openTable } from "./table.ts";

// As a machine without a role would have them.
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});

async function setUp() {
  const engine = await startEngine();
  const s3 = await startS3Double();
  const env = parseEnv({
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: engine.endpoint,
    STAGEFOLD_FILES: `s3://${s3.bucket}/team`,
    STAGEFOLD_S3_ENDPOINT: s3.endpoint,
  });
  const close = async () => {
    await s3[Symbol.asyncDispose]();
    await engine.close();
  };
  return { s3, env, [Symbol.asyncDispose]: close };
}

describe("a build in DynamoDB with its files in a bucket", () => {
  it("has its logs while it runs and after, one object for each attempt, and goes with all it had", async () => {
    await using here = await setUp();
    await using backend = await openBackend(here.env);
    await using elsewhere = await openBackend(here.env);
    const { work, control } = backend.repository;
    const { project_id } = await control.create({ requirement: "x" }, { stages: [{ stage: "one" }] });
    const claimed = await work.claim(project_id, "here");
    if (!claimed) throw new Error("expected a claim");
    const { lease_token } = claimed;
    const ref = { project_id, stage: "one", attempt: 1 };
    let lease_seq = claimed.lease_seq;
    const report = (...events: Parameters<typeof work.report>[0]["events"]) =>
      work.report({ project_id, lease_token, lease_seq: ++lease_seq, events });
    await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines: ["first"] });
    const { log_seq: upTo = 0 } =
      (await report({ event: "log", stage: "one", lines: ["second"] })).stages_snapshot.stages[0] ?? {};
    const texts = async () =>
      (await elsewhere.logs.read(ref, { limit: 9, upTo: upTo + 5 })).lines.map(({ text }) => text);
    expect(await texts()).toEqual(["first", "second"]);
    expect(here.s3.objects.size).toBe(0);
    const file = { ...ref, path: "a/b.txt" };
    await backend.artifacts.put(file, Buffer.from("content"));
    await report({ event: "log", stage: "one", lines: ["third"] }, { event: "completed", stage: "one" });
    expect(await texts()).toEqual(["first", "second", "third"]);
    const keys = () => [...here.s3.objects.keys()].sort();
    expect(keys()).toEqual([
      `team/${project_id}/artifacts/one/1/a/b.txt`,
      expect.stringMatching(new RegExp(`^team/${project_id}/logs/one/1/\\d+-\\d+\\.[0-9a-f]{12}\\.ndjson$`)),
    ]);
    await using table = await openTable(here.env, { readOnly: true });
    for (const { artifacts } of [elsewhere, table]) {
      const blocks: Uint8Array[] = [];
      for await (const block of (await artifacts.get(file))?.stream ?? []) blocks.push(block);
      expect(Buffer.concat(blocks).toString()).toBe("content");
    }
    await elsewhere.repository.control.delete(project_id);
    expect(keys()).toEqual([]);
    expect(await texts()).toEqual([]);
    await backend.artifacts.put(file, Buffer.from("late"));
    expect(await backend.repository.control.purgeDeleted((error) => expect.unreachable(String(error)))).toBe(
      1,
    );
    expect(keys()).toEqual([]);
  });
});
