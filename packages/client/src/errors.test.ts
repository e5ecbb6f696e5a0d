import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { beginProgram } from "../test/program.ts";
import { serve } from "../test/server.ts";
import { ConnectionError, createClient, type StagefoldClient, StagefoldClientError } from "./index.ts";

let server: Awaited<ReturnType<typeof serve>>;
let client: StagefoldClient;

beforeAll(async () => {
  server = await serve();
  client = createClient({ url: server.url });
});
afterAll(() => server.close());

/** The refusal that a call ends with. */
async function refusal(call: Promise<unknown>): Promise<StagefoldClientError> {
  const error = await call.then(
    () => new Error("expected a refusal, found an answer"),
    (reason: unknown) => reason,
  );
  if (error instanceof StagefoldClientError) return error;
  throw error;
}

const project_id = "proj_000000000000";

test("a refusal has the API's code and what comes with it", async () => {
  expect(await refusal(client.projects.get({ project_id }))).toMatchObject({
    name: "StagefoldClientError",
    code: "PROJECT_NOT_FOUND",
    data: { project_id },
  });
  const made = await client.projects.create({ requirement: "r" });
  const conflict = await refusal(client.projects.resume({ project_id: made.project_id }));
  if (conflict.code !== "PROJECT_CONFLICT") throw conflict;
  expect(conflict.data.actual).toBe("queued");
  expect(conflict.message).toContain("queued");
});

test("bad input names the fields at fault", async () => {
  const error = await refusal(client.projects.create({ requirement: "r", priority: 9 }));
  if (error.code !== "INVALID_INPUT") throw error;
  expect(error.data.issues?.join()).toContain("priority");
});

test("artifact routes refuse with the same errors", async () => {
  const own = await beginProgram(client);
  const missing = { project_id: own.project_id, path: "no/such.txt" };
  expect(await refusal(client.artifacts.download(missing))).toMatchObject({
    code: "ARTIFACT_NOT_FOUND",
    data: missing,
  });
  await own.report({ event: "started", stage: "one" });
  const late = { ...missing, stage: "one", attempt: 1, lease_token: own.lease_token - 1, content: "x" };
  expect((await refusal(client.artifacts.upload(late))).code).toBe("LEASE_LOST");
});

test("nobody there is a ConnectionError that names the address", async () => {
  const gone = await serve();
  await gone.close();
  const nobody = createClient({ url: gone.url });
  const calls = [
    nobody.projects.list(),
    nobody.artifacts.download({ project_id, path: "a" }),
    nobody.projects.watch({ project_id }).next(),
    nobody.projects.watchList().next(),
  ];
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === "fulfilled") throw new Error("expected a ConnectionError, found an answer");
    expect(result.reason).toBeInstanceOf(ConnectionError);
    expect(result.reason).toMatchObject({ url: gone.url, message: expect.stringContaining("ECONNREFUSED") });
  }
});

test.each([
  ["a web page", 200, "<!doctype html><title>hello</title>"],
  ["other JSON", 200, '{"hello":"world"}'],
  [
    "another tRPC server's error",
    404,
    '{"error":{"message":"no","code":-32004,"data":{"code":"NOT_FOUND"}}}',
  ],
  [
    "an error of no known code",
    400,
    '{"error":{"message":"no","code":-32600,"data":{"stagefold":{"code":"NEW"}}}}',
  ],
])("something else at the address (%s) is a ConnectionError", async (_name, status, body) => {
  const other = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  const stranger = createClient({ url: `http://127.0.0.1:${port}` });
  await expect(stranger.projects.list()).rejects.toThrow(/is not a Stagefold API/);
  await expect(stranger.projects.watch({ project_id }).next()).rejects.toBeInstanceOf(ConnectionError);
  const upload = { project_id, path: "a", stage: "s", attempt: 1, lease_token: 1, content: "x" };
  await expect(stranger.artifacts.upload(upload)).rejects.toThrow(/is not a Stagefold API/);
  await new Promise((resolve) => other.close(resolve));
});

test("an answer that is cut in its body is a ConnectionError", async () => {
  const cutting = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"result":', () => response.destroy());
  });
  await new Promise<void>((resolve) => cutting.listen(0, "127.0.0.1", resolve));
  const { port } = cutting.address() as AddressInfo;
  const cut = createClient({ url: `http://127.0.0.1:${port}` });
  const upload = { project_id, path: "a", stage: "s", attempt: 1, lease_token: 1, content: "x" };
  await expect(cut.projects.list()).rejects.toBeInstanceOf(ConnectionError);
  await expect(cut.artifacts.upload(upload)).rejects.toBeInstanceOf(ConnectionError);
  await expect(cut.answerLinks.question("token")).rejects.toBeInstanceOf(ConnectionError);
  await new Promise((resolve) => cutting.close(resolve));
});

test("an aborted call throws the signal's own reason", async () => {
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await expect(client.projects.list({}, { signal })).rejects.toBe(reason);
  await expect(client.artifacts.download({ project_id, path: "a" }, { signal })).rejects.toBe(reason);
  const { project_id: made } = await client.projects.create({ requirement: "r" });
  const later = new AbortController();
  const waiting = client.projects.waitForEnd({ project_id: made }, { signal: later.signal });
  later.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
