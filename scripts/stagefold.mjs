// npm run -s stagefold -- …: the command line from the repository. Only the program itself writes to stdout.
import "./lib/node-version.mjs";
import { becomeCli } from "./lib/cli.mjs";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";

await command(async () => {
  await prepare({ build: true });
  await becomeCli(process.argv.slice(2));
  return undefined;
});
