import { parseArgs } from "node:util";
import { countBuild } from "./count-build.ts";
import { costOfNeeds, countNeeds, type NeedsCount } from "./counts/needs.ts";
import { countWorkload } from "./counts/workload.ts";

const REQUIREMENT =
  "A simple math calculation agent that supports basic arithmetic operations (addition, subtraction, multiplication, division).";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, needs: { type: "boolean" }, workload: { type: "string" } },
});
if (values.workload !== undefined) {
  // So many builds of the benchmark's workload instead of one build of a requirement.
  process.stdout.write(`${JSON.stringify(await countWorkload(Number(values.workload)))}\n`);
  process.exit(0);
}
if (values.needs === true) {
  process.stdout.write(`${JSON.stringify(await countNeeds())}\n`);
  process.exit(0);
}
const count = await countBuild(positionals[0] ?? REQUIREMENT);
if (values.json) process.stdout.write(`${JSON.stringify(count)}\n`);
else {
  for (const [name, value] of Object.entries(count)) process.stdout.write(`${name.padEnd(16)}${value}\n`);
  const each = (count.writes / count.transitions).toFixed(2);
  process.stdout.write(`\n${count.writes} writes for ${count.transitions} transitions: ${each} each\n`);
  const needs = await countNeeds();
  const line = (name: string, figures: readonly (string | number)[]) =>
    process.stdout.write(
      `${name.padEnd(28)}${figures
        .map((one) => String(one).padEnd(8))
        .join("")
        .trimEnd()}\n`,
    );
  process.stdout.write("\n");
  line("", ["writes", "units", "bytes", "of needs"]);
  const says = (name: string, of: NeedsCount) =>
    line(name, [of.writes, of.write_units, of.item_bytes, of.needs_bytes]);
  says("six stages", needs.without);
  says("the same, each with needs", needs.row);
  says("the same, two at a time", needs.pairs);
  const dearer = costOfNeeds(needs);
  for (const line of dearer) process.stderr.write(`${line}\n`);
  if (dearer.length > 0) process.exitCode = 1;
}
