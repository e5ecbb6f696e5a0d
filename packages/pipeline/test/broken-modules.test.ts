import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { loadPipelines } from "../src/index.ts";

const ENTRY = new URL("../dist/index.js", import.meta.url).href;
const TIMEOUT_MS = 6000;
const FINE = `import { definePipeline } from "@stagefold/pipeline";
export default definePipeline({ name: "NAME", stages: [{ stage: "s", run: () => ({}) }] });`;

let folder: string;
beforeEach(async () => {
  // As people name folders.
  folder = join(await mkdtemp(join(tmpdir(), "stagefold-broken-")), "my pipes ü #1%20");
  await mkdir(folder);
  await writeFile(join(folder, "a.ts"), FINE.replace("NAME", "first"));
  await writeFile(join(folder, "z.ts"), FINE.replace("NAME", "last"));
  await writeFile(join(folder, "z.yaml"), 'name: commands\nstages: [{ stage: s, command: "true" }]\n');
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const NAMED = join("my pipes ü #1%20", "broken.ts");

/** Each takes the whole time that a module gets, as the one that loops does. */
const WAITING: readonly [string, RegExp][] = [
  ["await new Promise(() => undefined);", /broken\.ts: .*(ended the process|still loading)/],
  ["setInterval(() => undefined, 9); await new Promise(() => undefined);", /broken\.ts: .*still loading/],
];

/** Further ones that end or fool the process which reads them. */
const FURTHER: readonly [string, RegExp][] = [
  ["process.exit(0);", /broken\.ts: .*it ended the process \(exit code 0\)/],
  ["process.kill(process.pid, 'SIGKILL');", /broken\.ts: .*SIGKILL/],
  ["setTimeout(() => { throw new Error('later'); }); await new Promise((r) => setTimeout(r, 500));", /later/],
  ["process.send({ kind: 'loaded', file: '/etc/passwd', pipelines: [] });", /message of its own|no exports/],
  ["process.send({ cmd: 'NODE_HANDLE_ACK' });", /message of its own|no exports/],
];

it.each<[string, RegExp]>([
  ["process.exit(7);", /broken\.ts: .*it ended the process \(exit code 7\)/],
  ["while (true);", /broken\.ts: .*still loading/],
  ["\n\nthrow new TypeError('no luck');", /broken\.ts:3: cannot be loaded: TypeError: no luck/],
  ["(await import('node:fs')).writeSync(3, 'no json\\n');", /message of its own|no exports/],
  ["export const x = { name: 'x', stages: [{ stage: '../..', run() {} }] };", /broken\.ts.*stage/],
  ...(SOAK ? [...WAITING, ...FURTHER] : []),
])(
  "W10, F5, F6, C5: a module that does %s is named within seconds, and the others work",
  async (text, said) => {
    await writeFile(join(folder, "broken.ts"), text);
    const registry = await loadPipelines(folder, { timeoutMs: TIMEOUT_MS });
    expect(registry.list().map(({ name }) => name)).toEqual(["first", "last", "commands"]);
    expect(registry.problems().map(({ message }) => message)).toEqual([expect.stringMatching(said)]);
    expect(registry.problems()[0]?.mistake.file).toContain(NAMED);
  },
);

it("W10: a YAML file with a mistake is named with its line and field, and the others work", async () => {
  await writeFile(join(folder, "b.yaml"), "name: b\nstages:\n  - stage: s\n    comand: echo\n");
  const registry = await loadPipelines(folder);
  expect(registry.list().map(({ name }) => name)).toEqual(["first", "last", "commands"]);
  expect(registry.problems()[0]?.message).toContain("b.yaml:4");
  expect(registry.problems()[0]?.message).toContain("no such field; did you mean command?");
});

// Skipped where there is no mkfifo.
it.runIf(process.platform !== "win32")(
  "W10, W8: a YAML file that is a pipe, a device or far too large is named, and the others work",
  async () => {
    execFileSync("sh", ["-c", 'mkfifo "$0"', join(folder, "b.yaml")]);
    await symlink("/dev/zero", join(folder, "c.yaml"));
    await writeFile(join(folder, "d.yaml"), "");
    await truncate(join(folder, "d.yaml"), 3 * 1024 ** 3);
    // The module too, whose process waits for it.
    execFileSync("sh", ["-c", 'mkfifo "$0"', join(folder, "e.ts")]);
    const registry = await loadPipelines(folder, { timeoutMs: TIMEOUT_MS });
    expect(registry.list().map(({ name }) => name)).toEqual(["first", "last", "commands"]);
    expect(registry.problems().map(({ message }) => message)).toEqual([
      expect.stringMatching(/b\.yaml: expected a file .* found a folder, a pipe or a device/),
      expect.stringMatching(/c\.yaml: expected a file .* found a folder, a pipe or a device/),
      expect.stringMatching(/d\.yaml: expected a file .* found 3221225472 bytes/),
      expect.stringContaining("e.ts"),
    ]);
  },
);

it("a console.log at import says nothing in the process that asks, and a time-out is each module's own", async () => {
  for (const name of ["slow1", "slow2", "slow3"])
    await writeFile(
      join(folder, `${name}.ts`),
      `console.log("noise"); await new Promise((r) => setTimeout(r, 1500));\n${FINE.replace("NAME", name)}`,
    );
  const registry = await loadPipelines(folder, { timeoutMs: TIMEOUT_MS });
  expect(registry.problems()).toEqual([]);
  expect(registry.list()).toHaveLength(6);
});

// Skipped where processes cannot be looked up.
it.runIf(process.platform === "linux")(
  "F5: a module that loops leaves no process when its starter is killed",
  async () => {
    await writeFile(join(folder, "loop.ts"), "await new Promise((r) => setTimeout(r, 600_000));");
    const program = `import { loadPipelines } from ${JSON.stringify(ENTRY)}; await loadPipelines(${JSON.stringify(folder)});`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
    const mine = async () => {
      const found: string[] = [];
      for (const pid of await readdir("/proc"))
        if (/^\d+$/.test(pid) && pid !== String(starter.pid)) {
          const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
          if (line.includes(folder) && line.includes("describe-modules")) found.push(pid);
        }
      return found;
    };
    await expect.poll(mine).toHaveLength(1);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    await expect.poll(mine, { timeout: 20_000 }).toEqual([]);
  },
);
