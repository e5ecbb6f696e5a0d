import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { processesOf, run, start, tempFolder } from "./harness.ts";

describe("what can go wrong at the start", () => {
  it("an unknown or malformed setting is named", async () => {
    const unknown = await run(["up"], { STAGEFOLD_PROT: "4000" });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("STAGEFOLD_PROT") });
    expect(unknown.stderr).toContain("STAGEFOLD_PORT");
    expect(unknown.stderr.trim().split("\n")).toHaveLength(1);
    const malformed = await run(["ls"], { STAGEFOLD_LEASE_SECONDS: "soon" });
    expect(malformed).toMatchObject({ code: 2, stderr: expect.stringContaining("STAGEFOLD_LEASE_SECONDS") });
  });

  it("a second start on the same folder says so and stops, and the first goes on", async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path });
    const second = await run(["up"], { STAGEFOLD_DATA_DIR: folder.path, STAGEFOLD_PORT: "0" });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(folder.path);
    expect(await system.client.system.info()).toBeTruthy();
  });

  it("a port in use is named, and nothing is left running", async () => {
    await using folder = await tempFolder();
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((listening) => other.once("listening", listening));
    const address = other.address();
    const port = typeof address === "object" && address ? String(address.port) : "";
    const refused = await run(["up"], { STAGEFOLD_DATA_DIR: folder.path, STAGEFOLD_PORT: port });
    other.close();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(port);
    expect(await processesOf(folder.path)).toEqual([]);
  });

  it("a data folder that cannot be used is named", async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, "file");
    await writeFile(file, "");
    const refused = await run(["up"], { STAGEFOLD_DATA_DIR: file, STAGEFOLD_PORT: "0" });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(file) });
  });

  it("an API that is not there is told in one sentence", async () => {
    const refused = await run(["ls"], { STAGEFOLD_URL: "http://127.0.0.1:9" });
    expect(refused.code).toBe(1);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(refused.stderr).toContain("127.0.0.1:9");
  });

  it("a pipeline with a mistake is named with its file", async () => {
    await using folder = await tempFolder();
    const pipelines = join(folder.path, "pipelines");
    await mkdir(pipelines);
    await chmod(pipelines, 0o755);
    await writeFile(join(pipelines, "bad.yaml"), "name: bad\nstages:\n  - stage: one\n    comand: true\n");
    const env = {
      STAGEFOLD_DATA_DIR: join(folder.path, "data"),
      STAGEFOLD_PORT: "0",
      STAGEFOLD_PIPELINES: pipelines,
    };
    const refused = await run(["up"], env);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("bad.yaml");
    expect(refused.stderr).toContain("comand");
  });
});

describe("Ctrl-C", () => {
  it("stops everything and leaves no process", async () => {
    await using folder = await tempFolder();
    const system = await start({ dataDir: folder.path });
    system.process.kill("SIGINT");
    const [code] = await new Promise<[number | null]>((ended) =>
      system.process.once("exit", (exit) => ended([exit])),
    );
    expect([0, 130]).toContain(code);
    expect(await processesOf(folder.path)).toEqual([]);
  });
});
