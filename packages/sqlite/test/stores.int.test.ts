import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileStores } from "@stagefold/core/files";
import { equivalenceSuite, fileStoresSuite, projectStoreSuite } from "@stagefold/store-testing";
import { afterAll, beforeAll } from "vitest";
import { openSqlite, type Sqlite } from "../src/index.ts";

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
const store = () => {
  if (!sqlite) throw new Error("the database is not open");
  return sqlite.projects;
};

projectStoreSuite("sqlite", store);
equivalenceSuite("sqlite", store, process.env.SOAK === "1" ? 2000 : 100);

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
