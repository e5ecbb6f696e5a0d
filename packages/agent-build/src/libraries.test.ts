import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { LIBRARIES, libraryFiles } from "./libraries.ts";

test("each built library runs alone, carries the licences of what is in it, and no address of this machine", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "libraries-"));
  const names = Object.keys(LIBRARIES);
  const files = await libraryFiles("a", names.map((name) => `import "./lib/${name}.mjs";`).join("\n"));
  for (const { path, content } of files) {
    expect(content).toMatch(/^\/\*! Bundled from:[\s\S]+(?:MIT|Apache|ISC|BSD)/);
    expect(content).not.toContain(process.cwd());
    await writeFile(join(cwd, basename(path)), content);
  }
  const script = `for (const name of ${JSON.stringify(names)}) console.log(name, ...Object.keys(await import(\`./\${name}.mjs\`)))`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd,
    encoding: "utf8",
  });
  for (const [name, exported] of Object.entries(LIBRARIES)) {
    const promised = Array.from(exported.matchAll(/(?:^|; )(\w+)\(/g), (found) => found[1] ?? "");
    const line = printed.split("\n").find((one) => one.startsWith(`${name} `));
    expect(line?.split(" ").slice(1)).toEqual(expect.arrayContaining(promised));
  }
  await rm(cwd, { recursive: true });
  await expect(libraryFiles("a", 'import "./lib/none.mjs"')).rejects.toThrow("found ./lib/none.mjs");
});
