import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Artifact, StagefoldClient } from "@stagefold/client";
import { CliError, EXIT } from "./exit.ts";

export interface Saved {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Whether there was a SHA-256 to hold it against. */
  readonly verified: boolean;
}

/** Saves an artifact below a folder. The file appears whole and verified, or not at all. */
export async function download(
  client: StagefoldClient,
  artifact: Artifact,
  folder: string,
  signal: AbortSignal,
): Promise<Saved> {
  const file = placeOf(artifact.path, folder);
  const { project_id, path, stage, attempt } = artifact;
  await saving(file, () => mkdir(dirname(file), { recursive: true }));
  const response = await client.artifacts.download({ project_id, path, stage, attempt }, { signal });
  const part = `${file}.${randomUUID()}.part`;
  try {
    const got = await saving(file, () => write(response, part, signal));
    verify(artifact, got);
    await saving(file, () => rename(part, file));
    return { file, size: got.size, verified: artifact.sha256 !== undefined };
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** What the disk refuses is named, with the file it was for. */
async function saving<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new CliError(`cannot save ${file}: ${error.message}`, EXIT.failed, { cause: error });
  }
}

/** What a server names is not trusted to stay where it is put. */
function placeOf(path: string, folder: string): string {
  const root = resolve(folder);
  const file = resolve(root, path);
  const inside = relative(root, file);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || path.includes("\0"))
    throw new CliError(`the path ${JSON.stringify(path)} leads out of ${folder}`, EXIT.failed);
  return file;
}

async function write(response: Response, file: string, signal: AbortSignal) {
  const hash = createHash("sha256");
  let size = 0;
  const measured = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const body = response.body ? Readable.fromWeb(response.body) : Readable.from([]);
  await pipeline(body, measured, createWriteStream(file, { flags: "wx" }), { signal });
  return { size, sha256: hash.digest("hex") };
}

function verify({ path, sha256, size }: Artifact, got: { size: number; sha256: string }): void {
  if (sha256 !== undefined && sha256 !== got.sha256)
    throw new CliError(
      `${path}: expected SHA-256 ${sha256}, found ${got.sha256}; it was not saved`,
      EXIT.failed,
    );
  if (size !== undefined && size !== got.size)
    throw new CliError(`${path}: expected ${size} bytes, found ${got.size}; it was not saved`, EXIT.failed);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
