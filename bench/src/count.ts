import { countBuild } from "./count-build.ts";

const REQUIREMENT =
  "A simple math calculation agent that supports basic arithmetic operations (addition, subtraction, multiplication, division).";

const count = await countBuild(process.argv[2] ?? REQUIREMENT);
for (const [name, value] of Object.entries(count)) process.stdout.write(`${name.padEnd(16)}${value}\n`);
const perTransition = (count.writes / count.transitions).toFixed(2);
process.stdout.write(
  `\n${count.writes} writes for ${count.transitions} transitions: ${perTransition} each\n`,
);
