import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "./folders.ts";

/**
 * Writes a file beside and renames it into place: a reader sees the old content or the new, never a part, also after a
 * kill or a loss of power. For this user alone unless `mode` says otherwise. The folder must be there.
 */
export async function writeFileAtomic(
  path: string,
  content: Parameters<typeof writeFile>[1],
  { mode = 0o600, signal }: { readonly mode?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  // Not made of the file's own name, which may be as long as a name can be.
  const beside = join(dirname(path), `.${randomUUID()}.part`);
  try {
    // `flush`: on the disk before it has its name.
    await writeFile(beside, content, { flag: "wx", mode, flush: true, signal });
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
