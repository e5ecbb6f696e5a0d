// npm run build | typecheck | lint | format | dev: what contributors run; each installs first if needed.
import "./lib/node-version.mjs";
import { command } from "./lib/command.mjs";
import { prepare } from "./lib/prepare.mjs";
import { runTool } from "./lib/run.mjs";

const biome = "@biomejs/biome/bin/biome";
const turbo = "turbo/bin/turbo";

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const tasks = {
  build: (args) => runTool(turbo, ["run", "build", ...args]),
  typecheck: (args) => runTool(turbo, ["run", "typecheck", ...args]),
  // Builds what was edited, and starts everything again.
  dev: (args) => runTool(turbo, ["watch", "dev", "--filter=@stagefold/cli", ...args]),
  format: (args) => runTool(biome, ["check", "--write", ...orEverything(args)]),
  lint: async (args) => {
    // Both are told, so that one run shows everything there is to mend.
    const style = await runTool(biome, ["check", "--error-on-warnings", ...orEverything(args)]);
    const unused = await runTool("knip/bin/knip.js", ["--no-config-hints"]);
    return style || unused;
  },
};

const [name = "", ...args] = process.argv.slice(2);

await command(async () => {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (!task) {
    console.error(`stagefold: expected a task (${Object.keys(tasks).join(", ")}), found "${name}"`);
    return 2;
  }
  await prepare({ build: false });
  return task(args);
});

/** @param {string[]} args */
function orEverything(args) {
  return args.length > 0 ? args : ["."];
}
