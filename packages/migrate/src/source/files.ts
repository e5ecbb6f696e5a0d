import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { createGunzip } from "node:zlib";
import { linesOf } from "./lines.ts";
import { type Source, SourceError, type SourceLine } from "./source.ts";

export interface FoundFiles {
  readonly sources: readonly Source[];
  /** Files that hold rows in a form that is not read: Amazon Ion. */
  readonly leftAside: readonly string[];
}

/** What an export folder has besides its rows. */
const NOT_ROWS = /^(\.|_started$|manifest.*\.(json|md5|checksum)$)|\.(md5|checksum|crc|tmp)$/;
const ROWS = /\.(json|jsonl|ndjson)(\.gz)?$|\.gz$/;
const ION = /\.(ion|10n)(\.gz)?$/;

/**
 * The files to read rows from: a file that is named, or those of a folder and its folders (as "Export to S3" lays
 * them out), in order of their paths. Errors: SourceError.
 */
export async function findFiles(paths: readonly string[]): Promise<FoundFiles> {
  const sources: Source[] = [];
  const leftAside: string[] = [];
  for (const path of paths) {
    const found = await filesAt(path);
    for (const file of found.filter((one) => !ION.test(one))) {
      if (await isIon(file)) leftAside.push(file);
      else sources.push(fileSource(file));
    }
    leftAside.push(...found.filter((one) => ION.test(one)));
  }
  return { sources, leftAside };
}

async function filesAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path, { recursive: true, withFileTypes: true });
    const files = names.filter(
      (one) => one.isFile() && !NOT_ROWS.test(one.name) && (ROWS.test(one.name) || ION.test(one.name)),
    );
    if (files.length === 0) throw new SourceError(`expected an export in ${path}, found no file of rows`);
    return files.map((one) => join(one.parentPath, one.name)).sort();
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw unreadable(path, error);
  }
}

/** Source: "Ion binary encoding" and "Ion text": how such a file begins. */
const ION_BINARY = Buffer.from([0xe0, 0x01, 0x00, 0xea]);
const ION_TEXT = Buffer.from("$ion_");

async function isIon(path: string): Promise<boolean> {
  for await (const chunk of bytesOf(path))
    return [ION_BINARY, ION_TEXT].some((start) => Buffer.from(chunk).subarray(0, start.length).equals(start));
  return false;
}

function fileSource(path: string): Source {
  return {
    name: basename(path),
    async *lines(signal): AsyncGenerator<SourceLine> {
      for await (const line of linesOf(bytesOf(path))) {
        yield line;
        if (signal?.aborted) return;
      }
    },
  };
}

/** The bytes of a file, unpacked when they are gzip, whatever its name is. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path);
  const bytes = (await isGzip(path)) ? file.pipe(createGunzip()) : file;
  // `pipe` hands on no errors.
  if (bytes !== file) file.on("error", (error) => bytes.destroy(error));
  try {
    for await (const chunk of bytes) if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    file.destroy();
    bytes.destroy();
  }
}

async function isGzip(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): SourceError {
  if (cause instanceof Error && "code" in cause && cause.code === "ENOENT")
    return new SourceError(`there is no file or folder ${path}`, { cause });
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SourceError(`cannot read ${path} to its end: ${why}`, { cause });
}
