import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "./support/tree.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stagefold-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// Adds one to a counter in a way that loses counts as soon as two do it at once.
const contender = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  const { withLock } = await import(process.env.LOCK_MODULE);
  await withLock(process.env.LOCK_FILE, () => {}, async () => {
    const count = Number(readFileSync(process.env.COUNTER, "utf8"));
    await sleep(20);
    writeFileSync(process.env.COUNTER, String(count + 1));
  });
`;

async function contend(): Promise<number | null> {
  const env = {
    ...process.env,
    LOCK_MODULE: join(root, "scripts/lib/lock.mjs"),
    LOCK_FILE: join(folder, "lock"),
    COUNTER: join(folder, "counter"),
  };
  const child = spawn(process.execPath, ["--input-type=module", "-e", contender], { env, stdio: "inherit" });
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : null;
}

async function expectEachCounted(contenders: number): Promise<void> {
  writeFileSync(join(folder, "counter"), "0");
  const codes = await Promise.all(Array.from({ length: contenders }, contend));
  expect(codes).toEqual(Array.from({ length: contenders }, () => 0));
  expect(readFileSync(join(folder, "counter"), "utf8")).toBe(String(contenders));
  expect(readdirSync(folder)).toEqual(["counter"]);
}

test("one at a time", async () => {
  await expectEachCounted(6);
});

test("the lock of a process that is gone is taken over, by one at a time", async () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(join(folder, "lock"), JSON.stringify({ pid, started: "1", host: hostname() }));
  await expectEachCounted(6);
});

// Skipped where the system does not tell when a process began: there the id alone decides.
test.skipIf(process.platform !== "linux")("a process that has the owner's id but began later", async () => {
  writeFileSync(join(folder, "lock"), JSON.stringify({ pid: process.pid, started: "1", host: hostname() }));
  await expectEachCounted(2);
});
