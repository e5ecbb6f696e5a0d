import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { codeOf } from "./errors.ts";

/** Writes beside and renames, so that a reader sees the old text or the new, never a part. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(beside, `${JSON.stringify(value)}\n`);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** What the file holds, or undefined when there is no file or no JSON in it (both mean: nothing is recorded). */
export async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR")
      return undefined;
    throw error;
  }
}
