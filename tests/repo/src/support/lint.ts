import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { root } from "./tree.ts";

const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      category: z.string(),
      message: z.string(),
      location: z.object({ path: z.string() }),
    }),
  ),
});

/** One finding of the linter: the file, the rule (such as `lint/style/noProcessEnv`), what it says. */
export interface Finding {
  readonly path: string;
  readonly rule: string;
  readonly message: string;
}

/** Lints files, given as path and text, with the repository's own rules in a folder of their own. */
export function lintFiles(files: Readonly<Record<string, string>>): Finding[] {
  const folder = mkdtempSync(join(tmpdir(), "stagefold-lint-"));
  try {
    for (const name of ["biome.json", ".gitignore"]) copyFileSync(join(root, name), join(folder, name));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return runBiome(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runBiome(folder: string): Finding[] {
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  const result = spawnSync(
    process.execPath,
    [biome, "lint", "--reporter=json", "--max-diagnostics=none", "."],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  const start = result.stdout.indexOf("{");
  if (start < 0)
    throw new Error(`expected a JSON report from biome, found: ${result.stdout}${result.stderr}`);
  const { diagnostics } = reportSchema.parse(JSON.parse(result.stdout.slice(start)));
  return diagnostics.map(({ category, message, location }) => ({
    path: location.path,
    rule: category,
    message,
  }));
}
