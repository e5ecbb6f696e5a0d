import {
  type ArtifactStore,
  type Clock,
  type LogStore,
  type RecordStore,
  systemClock,
} from "@stagefold/core";
import { S3ArtifactStore } from "./artifact-store.ts";
import { type BucketOptions, S3Bucket } from "./bucket.ts";
import { S3LogStore } from "./log-store.ts";

export interface S3StoreOptions extends BucketOptions {
  /** Keeps the chunks of growing logs, and which projects were removed lately. */
  readonly records: RecordStore;
  readonly clock?: Clock;
}

/**
 * Artifacts, documents and logs in a bucket that several machines share. `close` ends its connections.
 *
 * ```
 * <prefix>/<project_id>/artifacts/<stage>/<attempt>/<path>
 * <prefix>/<project_id>/documents/<name>.json
 * <prefix>/<project_id>/logs/<stage>/<attempt>/…                           sealed logs, and chunks that are long
 * <prefix>/<project_id>/long/<sha256>                                       what has a longer key than S3 takes
 * ```
 *
 * An upload that its process does not live to finish leaves parts that no list shows: a bucket wants a lifecycle rule
 * that removes incomplete uploads.
 *
 * Errors: INVALID_INPUT for names that are not as the schemas want them, a range beyond the bytes, a cursor that no page
 * gave; PAYLOAD_TOO_LARGE; STORE_UNAVAILABLE when the bucket refuses or does not answer, with its error as the cause.
 */
export function createS3Stores(options: S3StoreOptions): {
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  close(): void;
} {
  const bucket = new S3Bucket(options);
  const clock = options.clock ?? systemClock;
  const logs = new S3LogStore(bucket, options.records, clock);
  const artifacts = new S3ArtifactStore(bucket, options.records, logs, clock);
  return { artifacts, logs, close: () => bucket.close() };
}
