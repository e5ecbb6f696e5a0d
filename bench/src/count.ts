import { parseArgs } from "node:util";
import { countBuild } from "./count-build.ts";
import { countWorkload } from "./counts/workload.ts";

const REQUIREMENT =
  "A simple math calculation agent that supports basic arithmetic operations (addition, subtraction, multiplication, division).";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, workload: { type: "string" } },
});
if (values.workload !== undefined) {
  // So many builds of the benchmark's workload instead of one build of a requirement.
  process.stdout.write(`${JSON.stringify(await countWorkload(Number(values.workload)))}\n`);
  process.exit(0);
}
const count = await countBuild(positionals[0] ?? REQUIREMENT);
if (values.json) process.stdout.write(`${JSON.stringify(count)}\n`);
else {
  for (const [name, value] of Object.entries(count)) process.stdout.write(`${name.padEnd(16)}${value}\n`);
  const each = (count.writes / count.transitions).toFixed(2);
  process.stdout.write(`\n${count.writes} writes for ${count.transitions} transitions: ${each} each\n`);
}
