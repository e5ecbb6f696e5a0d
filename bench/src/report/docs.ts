import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { countReplaced, countStagefold } from "../counts/workload.ts";
import { builtFolder } from "../measure/program.ts";
import { LARGER_OUTPUTS, OUTPUT_BYTES, pipelineOf } from "../workload/contents.ts";
import { type CostFigures, costPage } from "./cost-page.ts";
import { type Results, rowsOf } from "./table.ts";

const docs = () => join(dirname(dirname(builtFolder())), "docs");
/** Counts what the cost page says, and writes it. Resolves with its path. */
export async function writeCostPage(builds: number): Promise<string> {
  const bySize: CostFigures["bySize"][number][] = [];
  for (const output_bytes of [OUTPUT_BYTES, ...LARGER_OUTPUTS])
    bySize.push({ output_bytes, count: await countStagefold(builds, pipelineOf(output_bytes)) });
  const path = join(docs(), "cost.md");
  await writeFile(
    path,
    costPage({ builds, bySize, replaced: await countReplaced(Math.min(32, builds), builds) }),
  );
  return path;
}

const MARKS = ["<!-- figures -->", "<!-- /figures -->"] as const;

/** Puts the figures in their place in docs/performance.md. Resolves with its path. */
export async function writeFigures(results: Results): Promise<string> {
  const path = join(docs(), "performance.md");
  const text = await readFile(path, "utf8");
  const [begin, end] = MARKS.map((mark) => text.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`expected ${MARKS.join(" and ")} in ${path}`);
  const rows = rowsOf(results).map((row) => {
    const value = [row.value, row.unit].filter((part) => part !== "").join(" ");
    return `| ${[row.name, value, row.range, row.goal, row.met].join(" | ")} |`;
  });
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "a processor"}, Node ${process.versions.node}`;
  const table = ["| key | median | min – max | goal | met |", "| --- | --- | --- | --- | --- |", ...rows];
  const block = [MARKS[0], "", `Measured on ${machine}.`, "", ...table, "", ""].join("\n");
  await writeFile(path, text.slice(0, begin) + block + text.slice(end));
  return path;
}
