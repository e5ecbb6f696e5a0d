// npm run count: what one build asks of the engine, counted on the wire.
import "./lib/node-version.mjs";
import { join } from "node:path";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";
import { run } from "./lib/run.mjs";
import { root } from "./lib/workspaces.mjs";

await command(async () => {
  await prepare({ build: true });
  return run(process.execPath, [join(root, "bench", "dist", "count.js"), ...process.argv.slice(2)]);
});
