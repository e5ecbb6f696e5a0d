import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { type ByteRange, type LinkOptions, requireWithin } from "@stagefold/core";
import { invalidInput, withoutVersionWarning } from "@stagefold/core/files";
import { isNamed, mapped, storeError } from "./errors.ts";
import { ObjectStream } from "./object-stream.ts";

export interface BucketOptions {
  readonly bucket: string;
  /** Before every key, without a slash at its ends; none when empty. */
  readonly prefix: string;
  /** Left out: Amazon S3, with the usual AWS settings. Of another endpoint keys and paths are those of the caller. */
  readonly endpoint?: string | undefined;
  /** Left out: those that the usual AWS settings name. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** Bytes of one part of a large object: what an upload holds in memory is four of them at the most. */
const PART_BYTES = 8 * 1024 * 1024;
/** How often a put is sent again that met another one of the same name. */
const MAX_CONFLICTS = 3;
const UPLOAD = "stagefold-upload";

/** An object that is being read. `size` is that of the whole, of which the stream may have a range alone. */
export interface OpenObject {
  readonly size: number;
  readonly stream: Readable;
}

/** The objects of a bucket below a prefix. Errors: STORE_UNAVAILABLE with a sentence that says why. */
export class S3Bucket {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ bucket, prefix, endpoint, credentials }: BucketOptions) {
    this.#bucket = bucket;
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
    const amazons = endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
    this.#client = withoutVersionWarning(
      () =>
        new S3Client({
          ...(endpoint !== undefined && { endpoint }),
          ...(credentials && { credentials }),
          // Others know no regions, have their buckets in the path, and not all of Amazon's newer checksums.
          ...(!amazons && {
            region: "us-east-1",
            forcePathStyle: true,
            requestChecksumCalculation: "WHEN_REQUIRED",
            responseChecksumValidation: "WHEN_REQUIRED",
          }),
          maxAttempts: 4,
          retryMode: "standard",
          requestHandler: {
            connectionTimeout: 2000,
            requestTimeout: 30_000,
            // Alone, requestTimeout only warns.
            throwOnRequestTimeout: true,
            httpAgent: { keepAlive: true, maxSockets: 64 },
            httpsAgent: { keepAlive: true, maxSockets: 64 },
          },
        }),
    );
  }

  /** How many bytes of a key the prefix takes. */
  get prefixBytes(): number {
    return Buffer.byteLength(this.#prefix);
  }

  /** Puts an object as a whole, in place of what is there unless `ifAbsent`: then what is there stays. */
  async put(key: string, body: Uint8Array, options: { readonly ifAbsent?: boolean } = {}): Promise<void> {
    const input = {
      ...this.#at(key),
      Body: body,
      ContentLength: body.length,
      ...(options.ifAbsent && { IfNoneMatch: "*" }),
    };
    for (let left = MAX_CONFLICTS; ; left--)
      try {
        await this.#client.send(new PutObjectCommand(input));
        return;
      } catch (error) {
        if (isNamed(error, "PreconditionFailed")) return;
        // Another put of the same name is under way: which of them comes first is not decided yet.
        if (!isNamed(error, "ConditionalRequestConflict") || left === 0) throw storeError(error);
      }
  }

  /** Puts a stream, in parts where it is long; nothing of it is there when it breaks off. What it throws is thrown on. */
  async upload(key: string, blocks: AsyncIterable<Uint8Array>): Promise<void> {
    let thrown: { readonly error: unknown } | undefined;
    const source = async function* () {
      try {
        yield* blocks;
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    // The mark tells this very upload from another of the same key.
    const mark = randomBytes(12).toString("hex");
    const Body = Readable.from(source(), { objectMode: false });
    const params = { ...this.#at(key), Body, Metadata: { [UPLOAD]: mark } };
    try {
      await new Upload({ client: this.#client, params, partSize: PART_BYTES, queueSize: 2 }).done();
    } catch (error) {
      if (thrown) throw thrown.error;
      if (!isNamed(error, "NoSuchUpload") || !(await this.#isThere(key, mark))) throw storeError(error);
    }
  }

  /** Whether an upload was completed: the reply that said so was lost, and to be completed again it was not there. */
  async #isThere(key: string, mark: string): Promise<boolean> {
    return (await this.#head(key))?.Metadata?.[UPLOAD] === mark;
  }

  async #head(key: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new HeadObjectCommand(this.#at(key)));
    } catch (error) {
      if (isNamed(error, "NotFound")) return undefined;
      throw storeError(error);
    }
  }

  /** Undefined when there is none. INVALID_INPUT for a range that is not within it. */
  async open(key: string, range?: ByteRange): Promise<OpenObject | undefined> {
    if (range) requireWithin(range, Number.MAX_SAFE_INTEGER);
    const answer = await this.#get(key, range && { Range: rangeHeader(range.first, range.last) });
    const body = answer && bodyOf(answer);
    if (!answer || !body) return undefined;
    const size = sizeOf(answer);
    try {
      const { first, last } = requireWithin(range, size);
      // From here on it is this very object, whatever is put in its place.
      const resume = async (from: number) => {
        const rest = await this.#get(key, { Range: rangeHeader(from, last), IfMatch: answer.ETag });
        return rest && bodyOf(rest);
      };
      return { size, stream: new ObjectStream(body, { first, last }, resume) };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  /** An address for its download, which the bucket takes for so long. Undefined when there is no such object. */
  async link(
    key: string,
    { disposition, type, seconds }: LinkOptions,
  ): Promise<{ readonly size: number; readonly url: string } | undefined> {
    const found = await this.#head(key);
    if (!found) return undefined;
    const command = new GetObjectCommand({
      ...this.#at(key),
      ResponseContentDisposition: disposition,
      ResponseContentType: type,
      ResponseCacheControl: "private, no-cache",
    });
    // Loaded only where addresses are given.
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const url = await mapped(() => getSignedUrl(this.#client, command, { expiresIn: seconds }));
    return { size: found.ContentLength ?? Number.NaN, url };
  }

  /** All of an object that is small; undefined when there is none. */
  async read(key: string): Promise<Buffer | undefined> {
    const found = await this.open(key);
    if (!found) return undefined;
    const blocks: Uint8Array[] = [];
    for await (const block of found.stream) blocks.push(block);
    return Buffer.concat(blocks);
  }

  /** Nothing there is no error. */
  async remove(key: string): Promise<void> {
    await mapped(() => this.#client.send(new DeleteObjectCommand(this.#at(key))));
  }

  /** Removes every object whose key begins so. Answers with how many there were. */
  async removeBelow(start: string): Promise<number> {
    let count = 0;
    for (let token: string | undefined; ; ) {
      const page = await mapped(() =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + start,
            ...(token !== undefined && { ContinuationToken: token }),
          }),
        ),
      );
      // One by one: not every endpoint takes the checksum that a request for several needs.
      const keys = (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
      await inParallel(keys, 16, (key) => this.remove(key.slice(this.#prefix.length)));
      count += keys.length;
      token = page.NextContinuationToken;
      if (token === undefined) return count;
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #at(key: string) {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #get(
    key: string,
    more: { readonly Range?: string; readonly IfMatch?: string | undefined } = {},
  ): Promise<GetObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new GetObjectCommand({ ...this.#at(key), ...more }));
    } catch (error) {
      if (isNamed(error, "NoSuchKey")) return undefined;
      if (isNamed(error, "InvalidRange")) throw invalidInput("range: expected one within the object", error);
      throw storeError(error);
    }
  }
}

function bodyOf({ Body }: GetObjectCommandOutput): Readable | undefined {
  return Body instanceof Readable ? Body : undefined;
}

/** Of the whole object, of which an answer may have a part. */
function sizeOf({ ContentRange, ContentLength }: GetObjectCommandOutput): number {
  return Number(/\/(\d+)$/.exec(ContentRange ?? "")?.[1] ?? ContentLength ?? Number.NaN);
}

function rangeHeader(first: number, last: number): string {
  return `bytes=${first}-${last}`;
}

async function inParallel<T>(
  all: readonly T[],
  width: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = all.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const one of left) await work(one);
    }),
  );
}
