import { randomBytes } from "node:crypto";
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { MemoryRecordStore } from "@stagefold/core";
import { fileStoresSuite } from "@stagefold/store-testing";
import { beforeAll, describe, expect, it } from "vitest";
import { createS3Stores } from "../src/index.ts";
import { attempt, bucketSuite, PROJECT } from "./bucket.suite.ts";

/** `http://<access key>:<secret>@<host>:<port>/<bucket>`; the bucket is made where it is not there. */
const SERVICE = process.env.STAGEFOLD_TEST_S3;

// Skipped without a service: rgw.sh beside this file starts Ceph's.
describe.skipIf(SERVICE === undefined)("a real S3 service (skipped without STAGEFOLD_TEST_S3)", () => {
  const { username, password, origin, pathname } = new URL(SERVICE ?? "http://key:secret@127.0.0.1/bucket");
  const credentials = { accessKeyId: username, secretAccessKey: password };
  const place = { bucket: pathname.slice(1), endpoint: origin, credentials };
  const client = new S3Client({ endpoint: origin, credentials, region: "us-east-1", forcePathStyle: true });

  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket: place.bucket })).catch((error: Error) => {
      if (!error.name.startsWith("BucketAlready")) throw error;
    });
    return () => client.destroy();
  });

  async function setUp() {
    const prefix = `test/${randomBytes(8).toString("hex")}`;
    const stores = createS3Stores({ ...place, prefix, records: new MemoryRecordStore() });
    const below = { Bucket: place.bucket, Prefix: `${prefix}/` };
    const keys = async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command(below));
      return Contents.map(({ Key = "" }) => Key);
    };
    return {
      ...stores,
      keys,
      openUploads: async () =>
        (await client.send(new ListMultipartUploadsCommand(below))).Uploads?.length ?? 0,
      async [Symbol.asyncDispose]() {
        for (const name of new Set((await keys()).map((key) => key.split("/")[2] ?? "")))
          await stores.artifacts.removeProject(name);
        stores.close();
      },
    };
  }

  fileStoresSuite("a real S3 service", async () => {
    const { artifacts, logs, ...rest } = await setUp();
    return { artifacts, logs, cleanup: () => rest[Symbol.asyncDispose]() };
  });

  bucketSuite("a real S3 service", setUp);

  it("removes a project of more objects than one page of a list has", async () => {
    await using s3 = await setUp();
    const paths = Array.from({ length: 1001 }, (_, i) => `${i}`).values();
    const writers = Array.from({ length: 16 }, async () => {
      for (const path of paths) await s3.artifacts.put({ ...attempt, path }, Buffer.of(1));
    });
    await Promise.all(writers);
    expect((await s3.keys()).length).toBe(1000);
    await s3.artifacts.removeProject(PROJECT);
    expect(await s3.keys()).toEqual([]);
  });
});
