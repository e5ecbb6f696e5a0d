import { resolve } from "node:path";
import type { ArtifactStore, LogStore } from "../ports/artifact-store.ts";
import { FileArtifactStore } from "./artifact-store.ts";
import { AtomicFiles } from "./atomic-files.ts";
import { invalidInput } from "./errors.ts";
import { LogAppender } from "./log-appender.ts";
import { FileLogStore } from "./log-store.ts";

export { withoutVersionWarning } from "../dynamodb/version-warning.ts";
// What stores of other packages share with the files: errors, documents as JSON, frames of log lines and their pages.
export { fromJson, toJson } from "./document-json.ts";
export { invalidInput, unavailable } from "./errors.ts";
export { encodeFrame, type Frame, scanFrames } from "./log-frames.ts";
export { bufferSource, encodeLines } from "./log-lines.ts";
export { checkedQuery, type LogQuery, type PlacedFrame, readPage } from "./log-page.ts";

export interface FileStoreOptions {
  /**
   * Whether log lines that were acknowledged survive a loss of power, as artifacts do; true unless given. Without it they
   * survive the end of any process, which is as much as SQLite promises of the item beside them.
   */
  readonly syncLogs?: boolean;
}

/**
 * Artifacts, documents and logs as files below `root`, a folder that is made with the first write. Processes and
 * hosts may share it: nothing is locked, and what is acknowledged is on the disk. Artifacts and documents appear by a
 * rename; a log file is written to by one process alone.
 *
 * ```
 * <project_id>/artifacts/<stage>/<attempt>/<path>
 * <project_id>/documents/<name>.json
 * <project_id>/log.<process>.ndjson        for each write: [seq, time, bytes, attempt, stage], then a JSON string per line
 * .removed/<project_id>                                                    empty; removed within the last two hours
 * .tmp/<uuid>                                                               not yet whole, or being removed
 * ```
 *
 * A path is a path of the file system: where that one ignores case, `A` and `a` are one artifact.
 *
 * Errors: INVALID_INPUT for names that are not as the schemas want them, parts of a path over 255 bytes, a path
 * through a file or onto a folder, a symbolic link below the root, a cursor that no page gave; PAYLOAD_TOO_LARGE;
 * STORE_UNAVAILABLE when the system refuses (disk full, no access, read-only), with its error as the cause.
 */
export function createFileStores(
  root: string,
  options: FileStoreOptions = {},
): {
  artifacts: ArtifactStore;
  logs: LogStore;
} {
  if (root === "" || root.includes("\0")) throw invalidInput("root: expected the path of a folder");
  const files = new AtomicFiles(resolve(root));
  const appender = new LogAppender(resolve(root), options.syncLogs ?? true);
  return { artifacts: new FileArtifactStore(files), logs: new FileLogStore(files, appender) };
}
