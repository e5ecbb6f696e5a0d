import { once } from "node:events";
import { request } from "node:http";
import { expect, test } from "vitest";
import { tempDir } from "../test/tools.ts";
import { startLocalDynamoDB } from "./start.ts";

async function statusOf(endpoint: string, headers: Record<string, string>): Promise<number | undefined> {
  const call = request(endpoint, { headers }).end();
  const [response] = await once(call, "response");
  response.resume();
  return response.statusCode;
}

test("dynalite does not answer web pages", async () => {
  await using dir = await tempDir();
  await using db = await startLocalDynamoDB({ dataDir: dir.path, engine: "dynalite" });
  expect(await statusOf(db.endpoint, {})).toBe(200);
  expect(await statusOf(db.endpoint, { origin: "http://evil.example" })).toBe(403);
  expect(await statusOf(db.endpoint, { host: "evil.example" })).toBe(403);
});
