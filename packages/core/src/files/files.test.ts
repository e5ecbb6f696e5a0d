import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFileStores } from "../memory/artifact-store.ts";
import { fileStoresSuite } from "../testing/file-stores.suite.ts";
import { createFileStores } from "./index.ts";

fileStoresSuite("memory", async () => ({ ...createMemoryFileStores(), cleanup: () => Promise.resolve() }));

fileStoresSuite("files", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-files-"));
  return { ...createFileStores(root), cleanup: () => rm(root, { recursive: true, force: true }) };
});
