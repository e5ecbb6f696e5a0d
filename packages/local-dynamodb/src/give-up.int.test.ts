import { createServer, type Server } from "node:net";
import { describe, expect, test } from "vitest";
import { enginesHere, processesOn, tempDir } from "../test/tools.ts";
import { startLocalDynamoDB } from "./start.ts";

describe.each(enginesHere())("%s", (engine) => {
  test("an engine that cannot come back is given up, and says why", async () => {
    await using dir = await tempDir();
    const thief: Server = createServer();
    const seen: string[] = [];
    const db = await startLocalDynamoDB({
      dataDir: dir.path,
      engine,
      restart: { maxRapidFailures: 3, firstDelayMs: 200, maxDelayMs: 200 },
      log: ({ event }) => {
        seen.push(event);
        if (event === "engine_exited" && !thief.listening) thief.listen(Number(port), "127.0.0.1");
      },
    });
    const port = new URL(db.endpoint).port;
    try {
      process.kill(db.pid, "SIGKILL");
      const error = await db.failed;
      expect(error.problem).toMatchObject({ code: "ENGINE_FAILED", engine, failures: 3 });
      expect(error.message).toContain(`port ${port} on 127.0.0.1 cannot be bound`);
      expect(seen).toContain("engine_failed");
      // One that could not bind its port may take a moment to be gone.
      await expect.poll(() => processesOn(dir.path), { timeout: 30_000 }).toEqual([]);
    } finally {
      await new Promise((resolve) => thief.close(resolve));
      await db.close();
    }
    await (await startLocalDynamoDB({ dataDir: dir.path, engine })).close();
  });

  test("a death after a quiet time does not count towards giving up", async () => {
    await using dir = await tempDir();
    await using db = await startLocalDynamoDB({
      dataDir: dir.path,
      engine,
      restart: { maxRapidFailures: 2, rapidMs: 0, firstDelayMs: 1 },
    });
    for (let round = 0; round < 4; round += 1) {
      const restarted = new Promise((resolve) => db.onRestart(resolve));
      process.kill(db.pid, "SIGKILL");
      await restarted;
    }
    expect(await Promise.race([db.failed, Promise.resolve("alive")])).toBe("alive");
  });
});
