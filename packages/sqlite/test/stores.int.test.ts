import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileStores } from "@stagefold/core/files";
import {
  agentRecordsSuite,
  changeFeedSuite,
  equivalenceSuite,
  fileStoresSuite,
  projectStoreSuite,
  recordStoreSuite,
} from "@stagefold/store-testing";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { openSqlite, type Sqlite } from "../src/index.ts";
import { aDatabase } from "./folder.ts";

let folder = "";
let sqlite: Sqlite | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-sqlite-"));
  sqlite = await openSqlite(folder);
});
afterAll(async () => {
  sqlite?.close();
  await rm(folder, { recursive: true, force: true });
});
const stores = () => {
  if (!sqlite) throw new Error("the database is not open");
  return sqlite;
};
const store = () => stores().projects;

projectStoreSuite("sqlite", store);
recordStoreSuite("sqlite", () => stores().records);
agentRecordsSuite("sqlite", () => stores().records);
equivalenceSuite("sqlite", store, SOAK ? 1000 : 100);

fileStoresSuite("logs in sqlite", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-sqlite-"));
  const { artifacts: files } = createFileStores(join(root, "files"));
  const own = await openSqlite(root);
  return {
    logs: own.logs,
    artifacts: own.artifactsBeside(files),
    cleanup: async () => {
      own.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});

changeFeedSuite(
  "sqlite",
  async () => {
    const errors: unknown[] = [];
    const database = await aDatabase({ onFeedError: (error) => errors.push(error) });
    const other = await openSqlite(database.folder);
    return {
      feed: database.sqlite.feed,
      here: database.sqlite.projects,
      elsewhere: other.projects,
      errors,
      async [Symbol.asyncDispose]() {
        other.close();
        await database[Symbol.asyncDispose]();
      },
    };
  },
  { tellsWork: true, withinMs: 50 },
);

it("what expires faster than a sweep removes is not left to grow: the next sweep comes after a second", async () => {
  await using database = await aDatabase();
  const { records } = database.sqlite;
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const put = async (pk: string, sk: string, expires_at?: number) => {
      const item = { pk, sk, ...(expires_at !== undefined && { expires_at }) };
      await records.write({ pk, sk, kind: "put", guards: [], item });
    };
    const soon = Math.ceil(Date.now() / 1000) + 30;
    for (let n = 0; n < 1100; n++) await put("signin", String(n), soon);
    const left = async (ms: number) => {
      vi.setSystemTime(Date.now() + ms);
      await put("other", crypto.randomUUID());
      return (await records.query({ pk: "signin", limit: 2000 })).items.length;
    };
    expect([await left(90_000), await left(0), await left(1000), await left(1000)]).toEqual([
      600, 600, 100, 0,
    ]);
    await put("signin", "late", soon);
    expect([await left(1000), await left(58_000), await left(1000)], "once a minute again").toEqual([
      1, 1, 0,
    ]);
  } finally {
    vi.useRealTimers();
  }
});
