// npm start [-- "a requirement"]: installs and builds what has changed, then runs the whole system.
import "./lib/node-version.mjs";
import { becomeCli } from "./lib/cli.mjs";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";

await command(async () => {
  await prepare({ build: true });
  await becomeCli(["up", ...process.argv.slice(2)]);
  return undefined;
});
