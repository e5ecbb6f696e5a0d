import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { codeOf, LocalDynamoDBError, reasonOf } from "./errors.ts";

const require = createRequire(import.meta.url);
const VERSION_MS = 10_000;

/** The path of the installed binary; undefined where npm has none for this platform. */
export function installedDynoxide(): string | undefined {
  const name = process.platform === "win32" ? "dynoxide.exe" : "dynoxide";
  try {
    return join(dirname(require.resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`)), name);
  } catch (error) {
    if (codeOf(error) === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Runs the binary once, for its version, so that a wrong file is found before anything depends on it.
 * @throws LocalDynamoDBError `ENGINE_NOT_FOUND`, `ENGINE_UNUSABLE`
 */
export async function verifyDynoxide(path: string): Promise<string> {
  const binary = resolve(path);
  await mustBeExecutable(binary);
  let version: string;
  try {
    version = (await promisify(execFile)(binary, ["--version"], { timeout: VERSION_MS })).stdout.trim();
  } catch (error) {
    throw unusable(binary, reasonOf(error).trim(), error);
  }
  if (!version.startsWith("dynoxide ")) {
    throw unusable(
      binary,
      `expected it to answer --version with "dynoxide …", found ${JSON.stringify(version)}`,
    );
  }
  return binary;
}

async function mustBeExecutable(binary: string): Promise<void> {
  try {
    if (!(await stat(binary)).isFile()) throw unusable(binary, "it is not a file");
    await access(binary, constants.X_OK);
  } catch (error) {
    if (error instanceof LocalDynamoDBError) throw error;
    const missing = codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
    if (!missing) throw unusable(binary, reasonOf(error), error);
    throw new LocalDynamoDBError(
      { code: "ENGINE_NOT_FOUND", engine: "dynoxide", path: binary },
      { cause: error },
    );
  }
}

function unusable(path: string, reason: string, cause?: unknown): LocalDynamoDBError {
  return new LocalDynamoDBError({ code: "ENGINE_UNUSABLE", engine: "dynoxide", path, reason }, { cause });
}
