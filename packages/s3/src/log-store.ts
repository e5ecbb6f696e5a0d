import { randomBytes } from "node:crypto";
import {
  type AttemptRef,
  type Clock,
  checkedAttempt,
  checkedCount,
  type LogPage,
  type LogStore,
  type RecordStore,
  type ReportedLine,
  scopeOf,
  toTime,
  upsertRecord,
} from "@stagefold/core";
import {
  checkedQuery,
  encodeFrame,
  encodeLines,
  type LogQuery,
  type PlacedFrame,
  readPage,
} from "@stagefold/core/files";
import { z } from "zod";
import type { S3Bucket } from "./bucket.ts";
import { itemsOf } from "./items-of.ts";
import { chunkKey, folderOf, headKey, ownerOf, partitionOf } from "./log-keys.ts";
import { ObjectCache } from "./object-cache.ts";
import { framesIn, LOST, placed } from "./placed-frames.ts";
import { SegmentWriter } from "./segment-writer.ts";

/** A chunk of more bytes costs less as an object than as an item. */
const INLINE_BYTES = 8 * 1024;
/** Bytes of one object of a sealed log; most logs are one. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const HOUR_MS = 60 * 60 * 1000;
/** How long the chunks of a log stay that nothing seals. */
const CHUNK_MS = 14 * 24 * HOUR_MS;
/** An open log that was marked before this is sealed by `sealOld`, as far as it is older than an hour. */
const OLD_MS = 24 * HOUR_MS;
/** How often an open log is marked anew while it grows. */
const MARK_EVERY_MS = 12 * HOUR_MS;
const MAX_MARKS = 5000;
const OPEN_LOGS = "open-logs";

const chunkSchema = z.object({
  sk: z.string(),
  at: z.number(),
  lines: z.string().optional(),
  object: z.string().optional(),
});
type Chunk = z.output<typeof chunkSchema>;
const segmentSchema = z.object({ first: z.number(), last: z.number() });
const headSchema = z.object({ segments: z.record(z.string(), segmentSchema) });
type Segment = z.output<typeof segmentSchema> & { readonly name: string };

/**
 * Growing logs as small items of the records table, one for each write that brings lines; sealed logs as objects.
 *
 * ```
 * log#<project_id>  <stage>#<attempt>                    head: which objects a sealed log has, and up to which write
 * log#<project_id>  <stage>#<attempt>#<seq>              chunk: its lines, or the object that has them; expires
 * <project_id>/logs/<stage>/<attempt>/<first>-<last>.<random>.ndjson      sealed: frames as in the files of logs
 * <project_id>/logs/<stage>/<attempt>/<seq>.<random>.chunk                a chunk that is long
 * ```
 *
 * Sealing copies, so it may be repeated and interrupted: a frame that is there twice is read once.
 */
export class S3LogStore implements LogStore {
  readonly #bucket: S3Bucket;
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #objects: ObjectCache;
  /** When this process marked a log as open. */
  readonly #marked = new Map<string, number>();

  constructor(bucket: S3Bucket, records: RecordStore, clock: Clock) {
    this.#bucket = bucket;
    this.#objects = new ObjectCache(bucket);
    this.#records = records;
    this.#clock = clock;
  }

  async append(ref: AttemptRef, seq: number, lines: readonly ReportedLine[]): Promise<void> {
    const owner = checkedAttempt(ref);
    const number = checkedCount(seq, "seq");
    const text = encodeLines(lines);
    const at = this.#clock.now();
    await this.#mark(owner, at);
    const object = text.length > INLINE_BYTES ? `${folderOf(owner)}/${number}.${random()}.chunk` : undefined;
    if (object !== undefined) await this.#bucket.put(object, text);
    await upsertRecord(this.#records, chunkKey(owner, number), {
      at,
      lines: object === undefined ? text.toString("utf8") : undefined,
      object,
      expires_at: Math.ceil((at + CHUNK_MS) / 1000),
    });
  }

  async read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const owner = checkedAttempt(ref);
    const query = checkedQuery(options);
    for (let turn = 1; ; turn++)
      try {
        // What is missing at the third look was not moved: it is lost, and the rest is not.
        return await this.#page(owner, query, turn === 3);
      } catch (error) {
        // Sealed while it was read: what it was in is somewhere else now.
        if (!(error instanceof MissingObject)) throw error;
      }
  }

  async #page(owner: AttemptRef, query: LogQuery, withLosses: boolean): Promise<LogPage> {
    const frames: PlacedFrame[] = [];
    let page = await readPage(frames, query);
    for await (const more of this.#frames(owner, query, withLosses)) {
      frames.push(...more);
      page = await readPage(frames, query);
      if (!page.end) break;
    }
    return page;
  }

  async seal(ref: AttemptRef): Promise<void> {
    await this.#seal(checkedAttempt(ref), Number.POSITIVE_INFINITY);
  }

  async sealOld(onError: (error: unknown) => void): Promise<void> {
    const now = this.#clock.now();
    for (let cursor: string | undefined; ; ) {
      const to = toTime(now - OLD_MS);
      const page = await this.#records.query({ index: "gsi1", pk: OPEN_LOGS, to, limit: 100, cursor });
      for (const row of page.items) {
        const ref = ownerOf(row);
        if (!ref) continue;
        try {
          await this.#seal(ref, now - HOUR_MS);
        } catch (error) {
          if (scopeOf(error) !== "project") throw error;
          onError(error);
        }
      }
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** Removes the items; their objects are below the project's prefix. Answers whether there were any. */
  async removeProject(projectId: string): Promise<boolean> {
    let any = false;
    for (const name of this.#marked.keys()) if (name.startsWith(`${projectId}/`)) this.#marked.delete(name);
    for await (const items of itemsOf(this.#records, partitionOf(projectId)))
      for (const { pk, sk } of items) {
        any = true;
        await this.#records.write({ pk: String(pk), sk: String(sk), kind: "delete", guards: [] });
      }
    return any;
  }

  /** What is sealed first, then the chunks behind it. `withLosses`: a line stands for what is a MissingObject without it. */
  async *#frames(
    owner: AttemptRef,
    { from: { seq: from }, upTo }: LogQuery,
    withLosses: boolean,
  ): AsyncGenerator<PlacedFrame[]> {
    const sealed = await this.#sealed(owner);
    for (const { name, first, last } of sealed) {
      if (last < from || first > upTo) continue;
      const bytes = await this.#objects.get(name);
      if (bytes === undefined && !withLosses) throw new MissingObject();
      yield bytes === undefined ? [placed(Math.min(last, upTo), 0, LOST)] : await framesIn(bytes);
    }
    const next = Math.max(from, lastOf(sealed) + 1);
    if (upTo < next) return;
    for await (const chunks of this.#chunks(owner, next, upTo)) {
      const frames: PlacedFrame[] = [];
      for (const chunk of chunks) {
        const bytes = await this.#bytesOf(chunk);
        if (bytes === undefined && !withLosses) throw new MissingObject();
        frames.push(placed(seqOf(chunk), chunk.at, bytes ?? LOST));
      }
      yield frames;
    }
  }

  async *#chunks(owner: AttemptRef, from: number, upTo: number): AsyncGenerator<Chunk[]> {
    const { pk, sk } = chunkKey(owner, from);
    const to = chunkKey(owner, Math.min(upTo, Number.MAX_SAFE_INTEGER)).sk;
    for await (const items of itemsOf(this.#records, pk, sk, to))
      yield items.map((item) => chunkSchema.parse(item));
  }

  /** The objects of a sealed log, in order. */
  async #sealed(owner: AttemptRef): Promise<Segment[]> {
    const head = headSchema.safeParse(await this.#records.get(headKey(owner))).data;
    return Object.entries(head?.segments ?? {})
      .map(([name, segment]) => ({ name: `${folderOf(owner)}/${name}`, ...segment }))
      .sort((a, b) => a.first - b.first);
  }

  /** Copies the chunks that came before a time into objects, as far as they are not in one. */
  async #seal(owner: AttemptRef, before: number): Promise<void> {
    const from = lastOf(await this.#sealed(owner)) + 1;
    const copied: string[] = [];
    let segment = new SegmentWriter();
    const flush = async () => {
      if (segment.isEmpty) return;
      const name = `${segment.first}-${segment.last}.${random()}.ndjson`;
      await this.#bucket.put(`${folderOf(owner)}/${name}`, segment.bytes);
      await this.#addSegment(owner, name, { first: segment.first, last: segment.last });
      segment = new SegmentWriter();
    };
    for await (const chunk of this.#chunksBefore(owner, from, before)) {
      const seq = seqOf(chunk);
      const bytes = await this.#bytesOf(chunk);
      // Another process seals the same log: what it copied is gone from where it was. Else this chunk alone is lost.
      if (bytes === undefined && lastOf(await this.#sealed(owner)) >= seq) return;
      segment.add(encodeFrame(owner, seq, chunk.at, bytes ?? LOST), seq);
      if (chunk.object !== undefined) copied.push(chunk.object);
      if (segment.size >= SEGMENT_BYTES) await flush();
    }
    await flush();
    this.#marked.delete(folderOf(owner));
    await this.#records.write({
      ...headKey(owner),
      kind: "update",
      guards: [],
      edits: [
        { op: "remove", path: ["gsi1_pk"] },
        { op: "remove", path: ["gsi1_sk"] },
      ],
    });
    for (const object of copied) await this.#bucket.remove(object);
  }

  async *#chunksBefore(owner: AttemptRef, from: number, before: number): AsyncGenerator<Chunk> {
    for await (const chunks of this.#chunks(owner, from, Number.MAX_SAFE_INTEGER))
      for (const chunk of chunks) {
        if (chunk.at >= before) return;
        yield chunk;
      }
  }

  async #addSegment(
    owner: AttemptRef,
    name: string,
    segment: { first: number; last: number },
  ): Promise<void> {
    const key = headKey(owner);
    const edits = [{ op: "set", path: ["segments", name], value: segment }] as const;
    const { ok } = await this.#records.write({ ...key, kind: "update", guards: [], edits });
    if (ok) return;
    const item = { ...key, segments: { [name]: segment } };
    await this.#records.write({ ...key, kind: "put", guards: [], item });
  }

  /** Makes the head of a log, and lists it among those that are to be sealed. */
  async #mark(owner: AttemptRef, now: number): Promise<void> {
    const name = folderOf(owner);
    if (now - (this.#marked.get(name) ?? Number.NEGATIVE_INFINITY) < MARK_EVERY_MS) return;
    const listed = { gsi1_pk: OPEN_LOGS, gsi1_sk: toTime(now) };
    const key = headKey(owner);
    const item = { ...key, ...listed, segments: {} };
    const { ok } = await this.#records.write({ ...key, kind: "put", guards: [], item });
    if (!ok) {
      const edits = Object.entries(listed).map(([field, value]) => ({
        op: "set" as const,
        path: [field],
        value,
      }));
      await this.#records.write({ ...key, kind: "update", guards: [], edits });
    }
    this.#marked.delete(name);
    this.#marked.set(name, now);
    if (this.#marked.size > MAX_MARKS) this.#marked.delete(this.#marked.keys().next().value ?? "");
  }

  async #bytesOf({ lines, object }: Chunk): Promise<Buffer | undefined> {
    return object === undefined ? Buffer.from(lines ?? "") : await this.#objects.get(object);
  }
}

/** An object that a record names is not in the bucket: it was sealed, or is lost. */
class MissingObject extends Error {}

function lastOf(sealed: readonly Segment[]): number {
  return sealed.reduce((last, segment) => Math.max(last, segment.last), -1);
}

function seqOf({ sk }: Chunk): number {
  return Number(sk.slice(sk.lastIndexOf("#") + 1));
}

function random(): string {
  return randomBytes(6).toString("hex");
}
