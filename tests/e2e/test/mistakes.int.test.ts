import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { launch, processesOf, run, start, tempFolder } from "./harness.ts";

describe("what can go wrong at the start", () => {
  it("an unknown or malformed setting is named", async () => {
    const unknown = await run(["up"], { STAGEFOLD_PROT: "4000" });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("STAGEFOLD_PROT") });
    expect(unknown.stderr).toContain("STAGEFOLD_PORT");
    expect(unknown.stderr.trim().split("\n")).toHaveLength(1);
    const malformed = await run(["ls"], { STAGEFOLD_LEASE_SECONDS: "soon" });
    expect(malformed).toMatchObject({ code: 2, stderr: expect.stringContaining("STAGEFOLD_LEASE_SECONDS") });
  });

  it("C12: a second start on the same folder finds the first, and gives it the build", async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path });
    const env = { STAGEFOLD_DATA_DIR: folder.path, STAGEFOLD_PORT: "0" };
    const second = await run(["up"], env);
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toBe(`Stagefold runs already at ${system.url} (process ${system.process.pid})\n`);
    const third = await run(["up", "count words", "--json"], env);
    expect(third.code).toBe(0);
    expect((await system.client.projects.list({ text: "count words" })).items).toHaveLength(1);
  });

  it("C12: a port that another Stagefold has is told so, in one sentence", async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: join(folder.path, "a") });
    const { port } = new URL(system.url);
    const env = { STAGEFOLD_DATA_DIR: join(folder.path, "b"), STAGEFOLD_PORT: port };
    const refused = await run(["up"], env);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /^stagefold: another Stagefold, .*:\d+: use that one, or .* STAGEFOLD_PORT\n$/,
    );
  });

  it("C12: after kill -9 of everything the next start takes the folder over at once", async () => {
    await using folder = await tempFolder();
    const first = await start({ dataDir: folder.path });
    for (const pid of await processesOf(folder.path)) process.kill(pid, "SIGKILL");
    await expect.poll(() => processesOf(folder.path), { timeout: 10_000 }).toEqual([]);
    expect(first.process.signalCode).toBe("SIGKILL");
    await using second = await start({ dataDir: folder.path });
    expect(await second.client.system.info()).toBeTruthy();
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

  it("an API that is not there is one sentence", async () => {
    const refused = await run(["ls"], { STAGEFOLD_URL: "http://127.0.0.1:9" });
    expect(refused.code).toBe(1);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(refused.stderr).toContain("127.0.0.1:9");
  });

  it("W10: a pipeline with a mistake is named with its file, and stops nothing else", async () => {
    await using folder = await tempFolder();
    const pipelines = join(folder.path, "pipelines");
    await mkdir(pipelines);
    await chmod(pipelines, 0o755);
    await writeFile(join(pipelines, "bad.yaml"), "name: bad\nstages:\n  - stage: one\n    comand: true\n");
    const env = { STAGEFOLD_PIPELINES: pipelines };
    await using system = await start({ dataDir: join(folder.path, "data"), env });
    await until("the mistake to be named", () => system.printed().includes("comand") || undefined);
    expect(system.printed()).toContain("bad.yaml");
    expect(await system.client.system.info()).toBeTruthy();
  });
});

describe("Ctrl-C", () => {
  it.each([50, 200, 500, 900])(
    "C12: %i ms after the start ends with 130 or 0, and leaves no process",
    async (ms) => {
      await using folder = await tempFolder();
      const child = launch(["up"], { STAGEFOLD_DATA_DIR: folder.path, STAGEFOLD_PORT: "0" });
      const ended = new Promise<[number | null, string | null]>((resolve) =>
        child.once("exit", (code, signal) => resolve([code, signal])),
      );
      await new Promise((next) => setTimeout(next, ms));
      child.kill("SIGINT");
      const [code, signal] = await ended;
      // Before the program itself runs, Node ends by the signal.
      expect(signal === "SIGINT" || code === 0 || code === 130).toBe(true);
      await expect.poll(() => processesOf(folder.path), { timeout: 10_000 }).toEqual([]);
    },
  );

  it("stops everything and leaves no process", async () => {
    await using folder = await tempFolder();
    const system = await start({ dataDir: folder.path });
    system.process.kill("SIGINT");
    const [code] = await new Promise<[number | null]>((ended) =>
      system.process.once("exit", (exit) => ended([exit])),
    );
    // It was ready, and this is how it is ended.
    expect(code).toBe(0);
    expect(await processesOf(folder.path)).toEqual([]);
  });
});
