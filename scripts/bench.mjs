// npm run bench [-- --json | --short | --only key,key | --profile folder | --write-docs]: what builds cost, and how fast
// they are. Only the result goes to stdout.
import "./lib/node-version.mjs";
import { join } from "node:path";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";
import { run } from "./lib/run.mjs";
import { root } from "./lib/workspaces.mjs";

await command(async () => {
  await prepare({ build: true });
  return run(process.execPath, [join(root, "bench", "dist", "bench.js"), ...process.argv.slice(2)]);
});
