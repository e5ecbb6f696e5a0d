import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  type ExpectedBytes,
  errorCode,
  fsReason,
  identityOf,
  isGone,
  makeFolder,
  openRegularFile,
  verifiedBytes,
  writeFileAtomic,
} from "./index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stagefold-node-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

it("A9: folders and files are their owner's alone", async () => {
  const deep = join(folder, "a", "b");
  expect(await makeFolder(deep)).toBe(true);
  expect(await makeFolder(deep)).toBe(false);
  await writeFileAtomic(join(deep, "file"), "text");
  expect([join(folder, "a"), deep, join(deep, "file")].map(modeOf)).toEqual([0o700, 0o700, 0o600]);
});

it("a folder below a file, or where the system refuses one, is an error and not a wait", async () => {
  writeFileSync(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file", "a"))).rejects.toMatchObject({ code: "ENOTDIR" });
  await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
  if (process.platform === "linux")
    await expect(makeFolder("/proc/none/a")).rejects.toMatchObject({ code: "ENOENT" });
});

it("a failed write leaves the old file and nothing beside it", async () => {
  const path = join(folder, "file");
  await writeFileAtomic(path, "old");
  const broken = async function* () {
    yield Buffer.from("half");
    throw new Error("cut");
  };
  await expect(writeFileAtomic(path, broken())).rejects.toThrow("cut");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(folder)).toEqual(["file"]);
});

// Skipped where there are no named pipes among files.
it.skipIf(process.platform === "win32")(
  "W8: pipes, links and folders are named and never waited for",
  async () => {
    const at = (name: string) => join(folder, name);
    spawnSync("sh", ["-c", `mkfifo "${at("pipe")}"`]);
    symlinkSync(at("file"), at("link"));
    mkdirSync(at("folder"));
    writeFileSync(at("file"), "12345", { mode: 0o755 });
    expect(
      await Promise.all(["pipe", "link", "folder", "none"].map((name) => openRegularFile(at(name)))),
    ).toEqual(["special", "link", "folder", "missing"]);
    const file = await openRegularFile(at("file"));
    if (typeof file === "string") throw new Error(`expected a file, found ${file}`);
    await file.handle.close();
    expect(file).toMatchObject({ size: 5, mode: 0o755 });
  },
);

it("a process is told from one that had its number before", () => {
  const own = identityOf(process.pid);
  if (!own) throw new Error("expected this process to be known");
  expect(isGone(own)).toBe(false);
  expect(isGone({ ...own, machine: "another" })).toBeUndefined();
  expect(isGone({ ...own, pid: spawnSync(process.execPath, ["-e", ""]).pid })).toBe(true);
  if (process.platform === "linux") expect(isGone({ ...own, birth: "1" })).toBe(true);
  expect(identityOf(0)).toBeUndefined();
});

it("an error of the system has a code and a reason; another has none", () => {
  const full = Object.assign(new Error("write"), { code: "ENOSPC" });
  expect([errorCode(full), fsReason(full)]).toEqual(["ENOSPC", "the disk is full (ENOSPC)"]);
  const odd = Object.assign(new Error("x"), { code: "ERR_INVALID_ARG" });
  expect([errorCode(odd), fsReason(odd), errorCode("ENOENT")]).toEqual([undefined, undefined, undefined]);
});

it("L18: bytes that are not what was recorded never come as a whole", async () => {
  const blocks = [Buffer.from("one"), Buffer.from("two")];
  const sha256 = createHash("sha256").update("onetwo").digest("hex");
  const read = async (expected: ExpectedBytes) => {
    const seen: Uint8Array[] = [];
    const source = (async function* () {
      yield* blocks;
    })();
    const mismatch = (wanted: string, found: string) => new Error(`expected ${wanted}, found ${found}`);
    try {
      for await (const block of verifiedBytes(source, expected, mismatch)) seen.push(block);
    } catch (error) {
      return [Buffer.concat(seen).toString(), String(error)];
    }
    return [Buffer.concat(seen).toString()];
  };
  expect(await read({})).toEqual(["onetwo"]);
  expect(await read({ size: 6, sha256: sha256.toUpperCase() })).toEqual(["onetwo"]);
  expect(await read({ size: 12 })).toEqual(["one", "Error: expected 12 bytes, found 6"]);
  expect(await read({ sha256: "00" })).toEqual(["one", `Error: expected SHA-256 00, found ${sha256}`]);
});

it("many make the same folders at once", async () => {
  for (let round = 0; round < 20; round++) {
    const parent = join(folder, `r${round}`, "waiting");
    await Promise.all(Array.from({ length: 16 }, (_, i) => makeFolder(join(parent, `${i}`))));
    expect(readdirSync(parent)).toHaveLength(16);
  }
});
