import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@stagefold/node-files";
import type { Origin } from "../rows/row.ts";
import { linesOf } from "../source/lines.ts";

/** A row set down on the disk until its project's turn. */
export interface SpilledRow {
  readonly origin: Origin;
  readonly text: string;
}
export type Groups = ReadonlyMap<string, readonly SpilledRow[]>;

const FILES = 64;
/** Characters that wait for a write, for each file. */
const BUFFERED = 32 * 1024;
/** Bytes of a file that is read as a whole; a larger one is parted once more. */
const READ_WHOLE = 4 * 1024 * 1024;
/** A project has one hash: parting further would not part it. */
const DEEPEST = 4;

interface Bucket {
  readonly path: string;
  /** Opened with its first write. */
  file: FileHandle | undefined;
  waiting: string;
}

/**
 * Groups rows by project with memory that does not grow with their number: each goes to one of a few files by the
 * hash of its project, and one file after the other is read back.
 */
export class Buckets {
  readonly #folder: string;
  readonly #depth: number;
  readonly #buckets: readonly Bucket[];
  readonly #sources: string[];

  private constructor(folder: string, depth: number, buckets: readonly Bucket[], sources: string[]) {
    this.#folder = folder;
    this.#depth = depth;
    this.#buckets = buckets;
    this.#sources = sources;
  }

  static async open(folder: string, depth = 0, sources: string[] = []): Promise<Buckets> {
    await makeFolder(folder);
    const buckets: Bucket[] = [];
    for (let n = 0; n < FILES; n++)
      buckets.push({ path: join(folder, `${n}.rows`), file: undefined, waiting: "" });
    return new Buckets(folder, depth, buckets, sources);
  }

  async add(projectId: string, { origin, text }: SpilledRow): Promise<void> {
    const bucket = this.#buckets[placeOf(projectId, this.#depth)];
    if (!bucket) throw new RangeError("expected a bucket for every hash");
    const source = this.#numberOf(origin.source);
    bucket.waiting += `${source}\t${origin.line}\t${JSON.stringify(projectId)}\t${text}\n`;
    if (bucket.waiting.length >= BUFFERED) await flush(bucket);
  }

  /** Ends the writing, and gives the rows of some projects at a time, each project's together and in order. */
  async *groups(): AsyncGenerator<Groups> {
    for (const bucket of this.#buckets) {
      await flush(bucket);
      await bucket.file?.close();
    }
    let some: { path: string; size: number }[] = [];
    for (const { path, file } of this.#buckets) {
      if (!file) continue;
      const { size } = await stat(path);
      if (size > READ_WHOLE && this.#depth < DEEPEST) {
        yield* await this.#parted(path);
        continue;
      }
      // Small files are read together.
      if (sizeOf(some) + size > READ_WHOLE) {
        yield await this.#read(some);
        some = [];
      }
      some.push({ path, size });
    }
    yield await this.#read(some);
  }

  async #parted(path: string): Promise<AsyncGenerator<Groups>> {
    const smaller = await Buckets.open(`${path}.parts`, this.#depth + 1, this.#sources);
    for await (const [projectId, row] of this.#rows(path)) await smaller.add(projectId, row);
    await rm(path);
    return smaller.groups();
  }

  async #read(files: readonly { readonly path: string }[]): Promise<Groups> {
    const groups = new Map<string, SpilledRow[]>();
    for (const { path } of files) {
      for await (const [projectId, row] of this.#rows(path)) {
        const group = groups.get(projectId);
        if (group) group.push(row);
        else groups.set(projectId, [row]);
      }
      await rm(path);
    }
    return groups;
  }

  async *#rows(path: string): AsyncGenerator<[string, SpilledRow]> {
    for await (const { text: line = "" } of linesOf(createReadStream(path))) {
      const [source, number, id] = line.split("\t", 3);
      const projectId: unknown = JSON.parse(id ?? "");
      const text = line.slice([source, number, id].join("\t").length + 1);
      const origin = { source: this.#sources[Number(source)] ?? "", line: Number(number) };
      yield [String(projectId), { origin, text }];
    }
  }

  /** Names of sources are written as numbers. */
  #numberOf(source: string): number {
    const known = this.#sources.lastIndexOf(source);
    return known >= 0 ? known : this.#sources.push(source) - 1;
  }

  /** Removes what was set down. */
  async remove(): Promise<void> {
    await Promise.all(this.#buckets.map(({ file }) => file?.close()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function sizeOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

async function flush(bucket: Bucket): Promise<void> {
  const { waiting } = bucket;
  bucket.waiting = "";
  if (waiting === "") return;
  bucket.file ??= await open(bucket.path, "w", 0o600);
  await bucket.file.appendFile(waiting);
}

function placeOf(projectId: string, depth: number): number {
  const hash = createHash("sha256").update(projectId).digest();
  return (hash[depth] ?? 0) % FILES;
}
