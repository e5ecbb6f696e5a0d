import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { mustRun, pack, tempFolder } from "./harness.ts";

/** What people install by name. The rest is what these need. */
const NAMED = [
  "stagefold",
  "@stagefold/agent-build",
  "@stagefold/client",
  "@stagefold/pipeline",
  "@stagefold/react",
];

interface Packed {
  readonly file: string;
  readonly files: readonly string[];
  readonly manifest: Readonly<Record<string, unknown>> & { readonly name: string };
}

let folder: Awaited<ReturnType<typeof tempFolder>>;
let packages: Packed[];

beforeAll(async () => {
  folder = await tempFolder();
  packages = await Promise.all((await pack(folder.path)).map(read));
});
afterAll(() => folder[Symbol.asyncDispose]());

async function read(file: string): Promise<Packed> {
  const listed = await mustRun(folder.path, "tar", ["--list", "--file", file]);
  const text = await mustRun(folder.path, "tar", [
    "--extract",
    "--to-stdout",
    "--file",
    file,
    "package/package.json",
  ]);
  const files = listed
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
  return { file, files, manifest: JSON.parse(text) };
}

const hasTypes = ({ manifest }: Packed) => JSON.stringify(manifest.exports ?? {}).includes('"types"');

describe("the packages", () => {
  it("are those that people install, and all that they need", () => {
    const names = packages.map(({ manifest }) => manifest.name);
    expect(names).toEqual(expect.arrayContaining(NAMED));
    for (const { manifest } of packages)
      for (const needed of Object.keys(manifest.dependencies ?? {}))
        if (needed.startsWith("@stagefold/")) expect(names, `${manifest.name} needs`).toContain(needed);
  });

  it("lead to nothing that only the repository has", () => {
    for (const { manifest, files } of packages) {
      expect(JSON.stringify(manifest), manifest.name).not.toMatch(
        /@stagefold\/source|workspace:|catalog:|\.\/src/,
      );
      expect(manifest, manifest.name).not.toHaveProperty("devDependencies");
      expect(manifest, manifest.name).not.toHaveProperty("private");
      expect(
        files.filter((path) => /\.map$|^dist\/.*\.test\.|^src\//.test(path)),
        manifest.name,
      ).toEqual([]);
    }
  });

  it("say what they are, and under which licence", () => {
    const version = packages[0]?.manifest.version;
    for (const { manifest, files } of packages) {
      expect(manifest, manifest.name).toMatchObject({ license: "Apache-2.0", version });
      expect(String(manifest.description), manifest.name).toMatch(/\w{4}/);
      expect(files, manifest.name).toContain("LICENSE");
    }
    for (const { manifest, files } of packages.filter(({ manifest: { name } }) => NAMED.includes(name)))
      expect(files, manifest.name).toContain("README.md");
  });

  it("have the notices of those whose code is in their bundles", async () => {
    for (const [name, notices, mentioned] of [
      ["stagefold", "dist/main.notices.txt", "commander"],
      ["@stagefold/api", "dist/main.notices.txt", "express"],
      ["@stagefold/worker", "dist/main.notices.txt", "pino"],
      ["@stagefold/web", "dist/notices.md", "react"],
    ] as const) {
      const { file = "", files = [] } = packages.find(({ manifest }) => manifest.name === name) ?? {};
      expect(files, name).toContain(notices);
      const text = await mustRun(folder.path, "tar", ["-xOf", file, `package/${notices}`]);
      expect(text, name).toContain(mentioned);
      expect(text, name).toMatch(/MIT/);
    }
  });

  it("resolve as their manifests say: publint", async () => {
    for (const { file, manifest } of packages) {
      const { buffer } = await readFile(join(file));
      const { messages } = await publint({ pack: { tarball: buffer }, level: "suggestion" });
      expect(messages, manifest.name).toEqual([]);
    }
  });

  it("have types that fit what is imported: arethetypeswrong, for ES modules", async () => {
    const typed = packages.filter((one) => hasTypes(one) && (SOAK || NAMED.includes(one.manifest.name)));
    expect(typed.length).toBeGreaterThan(2);
    for (const { file, manifest } of typed) {
      const result = await checkPackage(createPackageFromTarballData(await readFile(file)));
      expect(result.types, manifest.name).not.toBe(false);
      if (result.types === false) continue;
      const problems = result.problems.filter(
        (problem) =>
          problem.kind !== "CJSResolvesToESM" &&
          !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)),
      );
      expect(problems, manifest.name).toEqual([]);
    }
  });
});
