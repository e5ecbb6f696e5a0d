import { parseArgs } from "node:util";
import { say, type Value } from "./keys/measurement.ts";
import { measurements } from "./measurements.ts";
import { writeCostPage, writeFigures } from "./report/docs.ts";
import { tableOf } from "./report/table.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    only: { type: "string" },
    profile: { type: "string" },
    "write-docs": { type: "boolean", default: false },
  },
});

const known = measurements.flatMap(({ keys }) => keys);
const wanted = options.only?.split(",") ?? known;
const unknown = wanted.find((key) => !known.includes(key));
if (unknown !== undefined) {
  process.stderr.write(`There is no key ${unknown}; there are ${known.join(", ")}.\n`);
  process.exit(2);
}

const results = await measure();
if (options["write-docs"]) {
  say(`wrote ${await writeFigures(results)}`);
  say(`wrote ${await writeCostPage(options.short ? 32 : 300)}`);
}
process.stdout.write(`${options.json ? JSON.stringify(results) : tableOf(results)}\n`);

async function measure(): Promise<Record<string, Value>> {
  const results: Record<string, Value> = {};
  const from = performance.now();
  for (const measurement of measurements) {
    if (!measurement.keys.some((key) => wanted.includes(key))) continue;
    say(`measuring ${measurement.keys.join(", ")}`);
    const began = performance.now();
    const found = await measurement.run({ short: options.short, profile: options.profile });
    say(`that took ${Math.round((performance.now() - began) / 1000)} s`);
    for (const [key, value] of Object.entries(found)) if (wanted.includes(key)) results[key] = value;
  }
  say(`took ${Math.round((performance.now() - from) / 1000)} s`);
  return results;
}
