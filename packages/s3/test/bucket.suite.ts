import { createHash, randomBytes } from "node:crypto";
import type { ArtifactStore, LogStore } from "@stagefold/core";
import { describe, expect, it } from "vitest";

export const PROJECT = "proj_00000000000a";
export const attempt = { project_id: PROJECT, stage: "build", attempt: 1 };

/** Stores in a bucket, below a prefix where nothing is yet. */
export interface TestBucket extends AsyncDisposable {
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  /** What is below the prefix. */
  readonly keys: () => Promise<string[]>;
  /** Uploads in parts that were begun there, and neither completed nor aborted. */
  readonly openUploads: () => Promise<number>;
}

export async function read(store: ArtifactStore, path: string, range?: { first: number; last: number }) {
  const found = await store.get({ ...attempt, path }, { range });
  const blocks: Uint8Array[] = [];
  for await (const block of found?.stream ?? []) blocks.push(block);
  return Buffer.concat(blocks);
}

export async function* blocksOf(bytes: Uint8Array, size = 100_000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What the stores ask of S3 beyond what all file stores do: the double and a real service must both give it. */
export function bucketSuite(name: string, setUp: () => Promise<TestBucket>): void {
  describe(`a bucket of ${name}`, () => {
    it("gives a large stream back, with the hash of the whole, and ranges of it", async () => {
      await using s3 = await setUp();
      const bytes = randomBytes(20_000_000);
      const stored = await s3.artifacts.put({ ...attempt, path: "large" }, blocksOf(bytes));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      expect(stored).toEqual({ size: bytes.length, sha256 });
      expect((await read(s3.artifacts, "large")).equals(bytes)).toBe(true);
      const range = { first: 9_000_000, last: 17_000_000 };
      expect(
        (await read(s3.artifacts, "large", range)).equals(bytes.subarray(range.first, range.last + 1)),
      ).toBe(true);
    });

    it("keeps no part of a large stream that breaks off or is too large, and leaves no upload open", async () => {
      await using s3 = await setUp();
      const bytes = randomBytes(18_000_000);
      const breaks = async function* () {
        yield* blocksOf(bytes);
        throw new Error("the line went dead");
      };
      const ref = { ...attempt, path: "large" };
      await expect(s3.artifacts.put(ref, breaks())).rejects.toThrow("the line went dead");
      await expect(s3.artifacts.put(ref, blocksOf(bytes), { limit: 17_999_999 })).rejects.toEqual(
        expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
      );
      expect([await s3.keys(), await s3.openUploads()]).toEqual([[], 0]);
      await s3.artifacts.put(ref, blocksOf(bytes), { limit: 18_000_000 });
      expect((await read(s3.artifacts, "large")).equals(bytes)).toBe(true);
    });

    it("gives an address for a download, and none for what is not there", async () => {
      await using s3 = await setUp();
      const ref = { ...attempt, path: "a ü+b.csv" };
      const link = () =>
        s3.artifacts.link?.(ref, { disposition: "attachment", type: "text/csv", seconds: 60 });
      expect(await link()).toBe(undefined);
      await s3.artifacts.put(ref, Buffer.from("content"));
      const { url = "", size } = (await link()) ?? {};
      const found = await fetch(url);
      const { headers } = found;
      expect([size, await found.text(), headers.get("content-type")]).toEqual([7, "content", "text/csv"]);
      expect(headers.get("content-disposition")).toBe("attachment");
      expect((await fetch(url.replace(/Signature=../, "Signature=00"))).status).toBe(403);
    });

    it("has a document as it was written first, however many write it at once", async () => {
      await using s3 = await setUp();
      const writers = Array.from({ length: 20 }, () => s3.artifacts.putDocument(PROJECT, "doc", { a: 1 }));
      await Promise.all(writers);
      expect(await s3.artifacts.getDocument(PROJECT, "doc")).toEqual({ a: 1 });
      expect((await s3.keys()).length).toBe(1);
    });
  });
}
