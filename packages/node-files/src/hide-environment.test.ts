import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const source = new URL("./hide-environment.mjs", import.meta.url).href;
const program = `
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
const { hideEnvironment } = await import(${JSON.stringify(source)});
const before = readFileSync("/proc/self/environ", "latin1");
const hidden = hideEnvironment(process.env);
const after = readFileSync("/proc/self/environ", "latin1");
const child = execFileSync("/bin/sh", ["-c", "echo $HUSH"]).toString().trim();
console.log(JSON.stringify({
  hidden, before: before.includes("very-secret"), after: after.includes("very-secret") || after.includes("HUSH"),
  own: process.env.HUSH, path: process.env.PATH === ${JSON.stringify(process.env.PATH)}, child, home: process.env.HOME,
}));`;

// Skipped when there is no /proc.
test.runIf(process.platform === "linux")(
  "what is hidden is in no file of /proc, and in the process as before",
  () => {
    const args = ["--input-type=module", "-e", program];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      env: { PATH: process.env.PATH, HOME: "/home/one", HUSH: "very-secret" },
      encoding: "utf8",
    });
    expect(JSON.parse(stdout || "null"), stderr).toEqual({
      hidden: true,
      before: true,
      after: false,
      own: "very-secret",
      path: true,
      child: "very-secret",
      home: "/home/one",
    });
  },
);
