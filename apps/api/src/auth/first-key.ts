import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, makeFolder } from "@stagefold/node-files";
import { type ApiKeys, newKeyText } from "./api-keys.ts";

/** The file of a data folder that keeps the first admin key, for its owner alone. */
export const FIRST_KEY_FILE = "admin-key";

/**
 * Makes one admin key at the first start with keys; undefined when there was one before. It is in its file before it
 * is good for anything, so a kill in between loses nothing: the next start finishes with the key of the file.
 */
export async function makeFirstKey(
  keys: ApiKeys,
  dataDir: string,
): Promise<{ readonly key: string; readonly file: string } | undefined> {
  await makeFolder(dataDir);
  const file = join(dataDir, FIRST_KEY_FILE);
  const text = newKeyText("first key");
  const isNew = await writeNew(file, text);
  const key = isNew ? text : (await readFile(file, "utf8")).trim();
  if (await keys.createFirst(key, { name: "admin", role: "admin" }, "first start")) return { key, file };
  // Another API was first: with the key of this very file, or with another data folder.
  if (isNew && !(await keys.verify(text))) await rm(file, { force: true });
  return undefined;
}

/** False when there is such a file already. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await using handle = await open(file, "wx", 0o600);
    await handle.writeFile(`${text}\n`);
    await handle.sync();
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}
