import { expect, test } from "vitest";
import { WorkerProcess } from "./worker-process.ts";

// A second process of the same worker would be one that nobody kills or freezes any more.
test("a worker that is killed twice at the same moment, and started again twice, is one process", async () => {
  // It lives long enough: it waits for a store that never answers.
  const worker = new WorkerProcess("worker", {
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: "http://127.0.0.1:9",
  });
  worker.start();
  const first = worker.pid;
  await Promise.all([worker.kill(), worker.kill()]);
  worker.start();
  const second = worker.pid;
  worker.start();
  expect(worker.pid).toBe(second);
  expect(second).not.toBe(first);
  expect(worker.running).toBe(true);
  await worker.kill();
  expect(worker.pid).toBe(0);
});
