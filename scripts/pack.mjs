// npm run -s pack -- --out DIR: writes the tarball of every public package into the folder and names them, one a line.
import "./lib/node-version.mjs";
import { mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";
import { publicWorkspaces } from "./lib/public-workspaces.mjs";
import { runTool, toolEnv } from "./lib/run.mjs";
import { root } from "./lib/workspaces.mjs";

await command(async () => {
  const { values } = parseArgs({ options: { out: { type: "string" }, "as-built": { type: "boolean" } } });
  if (values.out === undefined) {
    console.error("pack: expected --out and a folder");
    return 2;
  }
  if (values["as-built"] !== true) await prepare({ build: true });
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const filters = publicWorkspaces().map(({ dir }) => `--filter=./${dir}`);
  const hooks = join(root, "scripts/lib/pack-hooks.cjs");
  const args = ["--recursive", ...filters, `--config.pnpmfile=${hooks}`, "pack", `--pack-destination=${out}`];
  const code = await runTool("pnpm/bin/pnpm.cjs", args, { env: toolEnv, quiet: true });
  for (const name of readdirSync(out).filter((one) => one.endsWith(".tgz"))) console.log(join(out, name));
  return code;
});
