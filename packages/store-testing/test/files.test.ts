import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFileStores } from "@stagefold/core";
import { createFileStores } from "@stagefold/core/files";
import { fileStoresSuite } from "../src/file-stores.suite.ts";

fileStoresSuite("memory", async () => ({ ...createMemoryFileStores(), cleanup: () => Promise.resolve() }));

fileStoresSuite("files", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-files-"));
  return { ...createFileStores(root), cleanup: () => rm(root, { recursive: true, force: true }) };
});
