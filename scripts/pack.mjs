// npm run -s pack -- --out DIR: writes the tarball of every public package into the folder and names them, one a line.
import "./lib/node-version.mjs";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { command } from "./lib/command.mjs";
import { packAll } from "./lib/pack.mjs";
import { prepare } from "./lib/prepare.mjs";

await command(async () => {
  const { values } = parseArgs({ options: { out: { type: "string" }, "as-built": { type: "boolean" } } });
  if (values.out === undefined) {
    console.error("pack: expected --out and a folder");
    return 2;
  }
  if (values["as-built"] !== true) await prepare({ build: true });
  const out = resolve(values.out);
  const code = await packAll(out);
  for (const name of readdirSync(out).filter((one) => one.endsWith(".tgz"))) console.log(join(out, name));
  return code;
});
