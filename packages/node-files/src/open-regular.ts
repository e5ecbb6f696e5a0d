import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errorCode } from "./error-code.mjs";

// Opening a pipe would wait for its writer, and a device may do anything.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What stands where a regular file was expected. */
export type Irregular = "missing" | "link" | "folder" | "special";

export interface RegularFile {
  readonly handle: FileHandle;
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Opens a file that others may change at any time: never through a link (in the last part of the path), never waiting,
 * and checked by its handle. Anything but a regular file is named instead of opened. Errors: those of the file system.
 */
export async function openRegularFile(path: string): Promise<RegularFile | Irregular> {
  let handle: FileHandle;
  try {
    handle = await open(path, FLAGS);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return "missing";
    if (code === "ELOOP" || code === "EMLINK") return "link";
    if (code === "EISDIR") return "folder";
    // A socket, or a device without a driver.
    if (code === "ENXIO" || code === "ENODEV") return "special";
    throw error;
  }
  const stats = await handle.stat().catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  if (stats.isFile()) return { handle, size: stats.size, mode: stats.mode & 0o7777 };
  await handle.close();
  return stats.isDirectory() ? "folder" : "special";
}
