import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SOAK } from "../../../../tooling/vitest/soak.ts";
import { textsOf } from "../snapshot/log-line.ts";
import { createFileStores } from "./index.ts";

const itInSoak = it.runIf(SOAK);

const attempt = { project_id: "proj_0123456789ab", stage: "build", attempt: 1 };
const ref = { ...attempt, path: "dir/big.bin" };
const SIZE = 2_000_000;

/** The start of every child's program: it runs what was built, like a worker. Arguments: the root, then its own. */
const PRELUDE = `
  import { createFileStores } from ${JSON.stringify(new URL("../../dist/files/index.js", import.meta.url).href)};
  const [root, ...args] = process.argv.slice(1);
  const { artifacts, logs } = createFileStores(root);
  const attempt = ${JSON.stringify(attempt)};
  const ref = ${JSON.stringify(ref)};
`;
/** Every version is one byte repeated, so that any mixture or part of one shows. */
const WRITER = `${PRELUDE}
  for (let n = Number(args[0]); ; n++) {
    const block = new Uint8Array(${SIZE} / 20).fill(n % 256);
    await artifacts.put(ref, (async function* () { for (let i = 0; i < 20; i++) yield block; })());
    await logs.append(attempt, n, Array.from({ length: 500 }, (_, i) => n + "/" + i));
    process.stdout.write(n + "\\n");
  }
`;
/** Puts what is given as [path, bytes], prints how each went and what is in the folder for temporary files. */
const PUTS = `${PRELUDE}
  import { readdir } from "node:fs/promises";
  import { setTimeout } from "node:timers/promises";
  const results = [];
  for (const [path, size] of JSON.parse(args[0])) {
    const block = new Uint8Array(64 * 1024);
    const bytes = (async function* () { for (let left = size; left > 0; left -= block.length) yield block.subarray(0, left); })();
    const { code = "none", message, data, cause } = await artifacts.put({ ...ref, path }, bytes).catch((error) => error);
    results.push({ code, message, data, cause: cause?.code });
  }
  const found = await artifacts.get({ ...ref, path: "small" });
  console.log(JSON.stringify({ results, temporary: await readdir(root + "/.tmp"), small: found?.size }));
`;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "stagefold-processes-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const program = (source: string, ...args: string[]) => ["--input-type=module", "-e", source, root, ...args];

describe("a process killed while it writes", () => {
  itInSoak("leaves whole files only, and all that it was told are kept", async () => {
    const stores = createFileStores(root);
    let last = 0;
    let reads = 0;
    for (let kill = 0; kill < 12; kill++) {
      const child = spawn(process.execPath, program(WRITER, String(last + 1)), {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (some: string) => {
        output += some;
      });
      const gone = once(child, "close");
      await once(child.stdout, "data");
      setTimeout(() => child.kill("SIGKILL"), 1 + kill * 3);
      while (child.exitCode === null && child.signalCode === null) {
        await wholeVersion(stores);
        reads++;
      }
      await gone;
      last = Number(output.trim().split("\n").at(-1));
      const version = await wholeVersion(stores);
      expect([last % 256, (last + 1) % 256]).toContain(version);
      expect(await wholeWrites(stores, last + 1)).toBeGreaterThanOrEqual(last);
    }
    expect(reads).toBeGreaterThanOrEqual(12);
    // Kills that hit no write would have proved nothing.
    expect((await readdir(join(root, ".tmp"))).length).toBeGreaterThan(0);
  });
});

describe("a disk that takes no more", () => {
  it("keeps nothing of a file that is larger than the system allows", async () => {
    const limited = ["-c", 'ulimit -f 512 && exec "$@"', "sh", process.execPath];
    const puts = JSON.stringify([
      ["small", 100],
      ["large", 3_000_000],
      ["small", 200],
    ]);
    const { results, temporary, small } = await run("sh", [...limited, ...program(PUTS, puts)]);
    expect(results).toEqual([done, failed("EFBIG", /larger than the system allows/), done]);
    expect({ temporary, small }).toEqual({ temporary: [], small: 200 });
  });

  it("says that it may not write where another user may", async () => {
    await createFileStores(root).artifacts.put({ ...ref, path: "small" }, new Uint8Array(5));
    await rm(join(root, ".tmp"), { recursive: true });
    spawnSync("chmod", ["-R", "a+rX,a-w", root]);
    const asNobody = `process.getuid() === 0 && process.setuid(65534);`;
    const source = PUTS.replace("const results", `${asNobody} const results`).replace(
      /await readdir\(.*?\)/,
      "[]",
    );
    const { results, small } = await run(process.execPath, program(source, JSON.stringify([["x", 1]])));
    await chmod(root, 0o755);
    expect(results).toEqual([failed("EACCES", /access is denied/)]);
    expect(small).toBe(5);
  });

  // Mounting needs a namespace of its own, which not every system lets users make.
  const mount = ["-rm", "sh", "-c", 'mount -t tmpfs -o size=2m none "$0" && exec "$@"'];
  const unshare = "unshare";
  const canMount = spawnSync(unshare, [...mount, tmpdir(), "true"]).status === 0;

  // Skipped where this process may not mount a file system of its own.
  it.skipIf(!canMount)(
    "keeps nothing of what does not fit a full disk, and continues with what does",
    async () => {
      const puts = JSON.stringify([
        ["small", 100],
        ["large", 4_000_000],
        ["large", 4_000_000],
        ["small", 200],
      ]);
      const args = [...mount, root, process.execPath, ...program(PUTS, puts)];
      const { results, temporary, small } = await run(unshare, args);
      const full = failed("ENOSPC", /disk is full/);
      expect(results).toEqual([done, full, full, done]);
      expect({ temporary, small }).toEqual({ temporary: [], small: 200 });
    },
  );

  // Skipped where this process may not mount a file system of its own.
  it.skipIf(!canMount).each([true, false])(
    "takes away what there is of a log that does not fit, and appends what does (syncLogs: %s)",
    async (syncLogs) => {
      const source = `${PRELUDE.replace("(root)", `(root, { syncLogs: ${syncLogs} })`)}
        const results = [];
        for (const [seq, length] of [[1, 10], [2, 4e6], [2, 4e6], [3, 20]]) {
          const { code = "none" } = (await logs.append(attempt, seq, ["x".repeat(length)]).catch((error) => error)) ?? {};
          results.push(code);
        }
        const { lines } = await createFileStores(root).logs.read(attempt, { limit: 9, upTo: 9 });
        console.log(JSON.stringify({ results, small: lines.map((line) => line.text.length) }));`;
      const { results, small } = await run(unshare, [...mount, root, process.execPath, ...program(source)]);
      expect(results).toEqual(["none", "STORE_UNAVAILABLE", "STORE_UNAVAILABLE", "none"]);
      expect(small).toEqual([10, 20]);
    },
  );

  // Skipped where this process may not mount a file system of its own.
  it.skipIf(!canMount)("says that the file system is read-only, and continues reading", async () => {
    const remount = `(await import("node:child_process")).execFileSync("mount", ["-o", "remount,ro", root]);`;
    const source = PUTS.replace(
      "const results",
      `await artifacts.put({ ...ref, path: "small" }, new Uint8Array(5)); ${remount} const results`,
    );
    const args = [...mount, root, process.execPath, ...program(source, JSON.stringify([["x", 1]]))];
    const { results, small } = await run(unshare, args);
    expect(results).toEqual([failed("EROFS", /read-only/)]);
    expect(small).toBe(5);
  });
});

const done = { code: "none" };
const failed = (cause: string, sentence: RegExp) => ({
  ...{ code: "STORE_UNAVAILABLE", message: expect.stringMatching(sentence), data: { retry_after: 5 }, cause },
});

async function run(command: string, args: string[]) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const { results, temporary, small } = JSON.parse(output);
  return { results, temporary, small };
}

/** The byte that the whole artifact is of. */
async function wholeVersion({ artifacts }: ReturnType<typeof createFileStores>): Promise<number | undefined> {
  const found = await artifacts.get(ref);
  const blocks: Uint8Array[] = [];
  for await (const block of found?.stream ?? []) blocks.push(block);
  const bytes = Buffer.concat(blocks);
  expect(bytes.length).toBe(SIZE);
  expect(bytes.equals(Buffer.alloc(SIZE, bytes[0]))).toBe(true);
  return bytes[0];
}

/** How many writes of the log there are, each checked to be whole. */
async function wholeWrites({ logs }: ReturnType<typeof createFileStores>, upTo: number): Promise<number> {
  const { lines } = await logs.read(attempt, { limit: 1_000_000, upTo });
  const count = lines.length / 500;
  expect(textsOf(lines)).toEqual(
    Array.from({ length: count }, (_, n) => Array.from({ length: 500 }, (_, i) => `${n + 1}/${i}`)).flat(),
  );
  return count;
}
