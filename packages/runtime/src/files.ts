import { resolve } from "node:path";
import type { ArtifactStore, LogStore, RecordStore } from "@stagefold/core";
import { createFileStores } from "@stagefold/core/files";
import type { Env } from "./env.ts";

export interface OpenFiles {
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  close(): void;
}

/** Opens what keeps artifacts, documents and logs: the folder or the bucket that the settings name. */
export async function openFiles(env: Env, records: RecordStore): Promise<OpenFiles> {
  if (!env.bucket) return { ...createFileStores(resolve(env.files)), close: () => undefined };
  // Loaded only where it is used: Amazon's SDK takes longer to load than everything else together.
  const { createS3Stores } = await import("@stagefold/s3");
  return createS3Stores({ ...env.bucket, records });
}
