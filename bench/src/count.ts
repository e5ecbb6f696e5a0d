import { parseArgs } from "node:util";
import { countBuild } from "./count-build.ts";

const REQUIREMENT =
  "A simple math calculation agent that supports basic arithmetic operations (addition, subtraction, multiplication, division).";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
const count = await countBuild(positionals[0] ?? REQUIREMENT);
if (values.json) process.stdout.write(`${JSON.stringify(count)}\n`);
else {
  for (const [name, value] of Object.entries(count)) process.stdout.write(`${name.padEnd(16)}${value}\n`);
  const each = (count.writes / count.transitions).toFixed(2);
  process.stdout.write(`\n${count.writes} writes for ${count.transitions} transitions: ${each} each\n`);
}
