import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryArtifactStore, MemoryLogStore } from "../memory/artifact-store.ts";
import { fileStoresSuite } from "../testing/file-stores.suite.ts";
import { createFileStores } from "./index.ts";

fileStoresSuite(
  "memory",
  async () => ({
    artifacts: new MemoryArtifactStore(),
    logs: new MemoryLogStore(),
    cleanup: () => Promise.resolve(),
  }),
  ["refusals", "removal_of_logs"],
);

fileStoresSuite("files", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-files-"));
  return { ...createFileStores(root), cleanup: () => rm(root, { recursive: true, force: true }) };
});
