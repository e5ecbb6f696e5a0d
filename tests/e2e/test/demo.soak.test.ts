import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { processesOf, root, tempFolder } from "./harness.ts";

it("shows a killed worker's build finished by another one, and cleans up", async () => {
  await using folder = await tempFolder();
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [join(root, "scripts", "demo-takeover.mjs"), "--as-built"], {
    env: { PATH, HOME, TMPDIR: folder.path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes) => {
      printed += String(bytes);
    });
  const [code] = await once(child, "close");
  expect(code, printed).toBe(0);
  const steps = [
    "is queued",
    "kill -9",
    "has taken over",
    "LEASE_LOST",
    "completed,",
    "attempt 1: failed (WORKER_LOST)",
    "is there already",
  ];
  const found = steps.map((step) => printed.indexOf(step));
  expect(found, printed).toEqual([...found].sort((a, b) => a - b));
  expect(found[0]).toBeGreaterThan(-1);
  expect(await readdir(folder.path)).toEqual([]);
  expect(await processesOf(folder.path)).toEqual([]);
});
