// How fast an import is, and how much memory it takes: `node scripts/bench.mjs [projects] [artifacts of each]`.
// Needs the build. Makes an export of that size, imports it with the command line into a fresh embedded engine, and
// prints rows per second, requests per project and the largest memory of the importing process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { legacyExport } from "../dist/testing/index.js";

const [projects = 20_000, artifacts = 10] = process.argv.slice(2).map(Number);
const main = join(import.meta.dirname, "..", "..", "cli", "dist", "main.js");
const folder = await mkdtemp(join(tmpdir(), "stagefold-import-bench-"));
try {
  const source = join(folder, "export");
  await mkdir(source);
  for (const table of /** @type {const} */ (["AgentArtifacts", "AgentProjects", "BuildStages"]))
    await write(join(source, `${table}.json.gz`), legacyExport(table, { projects, artifacts }));
  for (const run of ["first", "second"]) {
    const { summary, peakMb } = await importAll(source, join(folder, "data"));
    const { rows, merged, requests, seconds } = summary;
    const figures = {
      run,
      projects,
      rows,
      merged,
      created: summary.projects.created,
      changed: summary.projects.changed,
      seconds,
      rows_per_second: Math.round(rows / seconds),
      requests_per_project: Number((requests / projects).toFixed(3)),
      peak_mb: peakMb,
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** @param {string} file @param {Iterable<string>} lines */
async function write(file, lines) {
  const withBreaks = (function* () {
    for (const line of lines) yield `${line}\n`;
  })();
  await pipeline(Readable.from(withBreaks), createGzip({ level: 1 }), createWriteStream(file));
}

/** @param {string} source @param {string} dataDir */
async function importAll(source, dataDir) {
  const child = spawn(process.execPath, [main, "import", "--json", source], {
    env: { STAGEFOLD_DATA_DIR: dataDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let peakMb = 0;
  // The system counts the peak by itself: the last look before the end has all but the last moment.
  const timer = setInterval(
    () =>
      void peakOf(child.pid).then((mb) => {
        peakMb = Math.max(peakMb, mb);
      }),
    100,
  );
  const answer = text(child.stdout);
  const [code] = await once(child, "exit");
  clearInterval(timer);
  if (code !== 0) throw new Error(`the import ended with ${code}`);
  return { summary: JSON.parse(await answer), peakMb };
}

/** Megabytes; 0 where the system does not tell. @param {number | undefined} pid */
async function peakOf(pid) {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
  } catch (error) {
    // Not Linux, or the process has just ended.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
