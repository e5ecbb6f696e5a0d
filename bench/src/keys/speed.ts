import { findRedis } from "../baselines/redis.ts";
import { type Figure, figureOf, rounded } from "../measure/figure.ts";
import { PIPELINE } from "../workload/contents.ts";
import { runBaseline, runBullmq, runReplacedOnSqlite } from "../workload/others.ts";
import type { Run } from "../workload/run.ts";
import { runStagefold } from "../workload/stagefold.ts";
import { type Measurement, type Settings, say, type Value } from "./measurement.ts";

type Runner = (builds: number) => Promise<Run>;

const NO_CPU = { absent: "this system has no /proc to tell the time that processes take" };

/** All of them build the same, one after the other, and again: a slow moment of the machine hits none alone. */
export const speed: Measurement = {
  keys: [
    "builds_per_second",
    "builds_per_second_3000",
    "vs_raw",
    "vs_replaced",
    "vs_replaced_sqlite",
    "vs_bullmq",
    "cpu_vs_raw",
    "worker_cpu_ms_per_build",
    "worker_cpu_others",
  ],
  async run(settings) {
    const runners = runnersOf(settings);
    const [rounds, builds] = settings.short ? [1, 60] : [3, 300];
    const runs: Record<string, Run[]> = {};
    for (let round = 1; round <= rounds; round++)
      for (const [name, runner] of Object.entries(runners)) {
        const run = await runner(builds);
        say(`round ${round} of ${rounds}, ${builds} builds, ${name}: ${shown(run)}`);
        runs[name] = [...(runs[name] ?? []), run];
      }
    return { ...valuesOf(runs), ...(await many(settings)) };
  },
};

function runnersOf({ profile }: Settings): Record<string, Runner> {
  const redis = findRedis("");
  return {
    stagefold: (builds) => runStagefold(builds, PIPELINE, { profile }),
    raw: (builds) => runBaseline("raw", builds),
    replaced: (builds) => runBaseline("replaced", builds),
    replaced_sqlite: runReplacedOnSqlite,
    ...(redis !== undefined && {
      bullmq_everysec: (builds: number) => runBullmq(redis, "everysec", builds),
      bullmq_always: (builds: number) => runBullmq(redis, "always", builds),
      bullmq_sandboxed: (builds: number) => runBullmq(redis, "everysec", builds, { sandboxed: true }),
    }),
  };
}

async function many({ short }: Settings): Promise<Record<string, Value>> {
  const builds = short ? 200 : 3000;
  const run = await runStagefold(builds);
  say(`${builds} builds, stagefold: ${shown(run)}`);
  return { builds_per_second_3000: rounded(run.builds_per_second) };
}

function valuesOf(runs: Record<string, Run[]>): Record<string, Value> {
  const rates = (name: string) => (runs[name] ?? []).map((run) => run.builds_per_second);
  // Each round for itself: what slows one down slows the other.
  const against = (name: string): Figure =>
    figureOf(rates("stagefold").map((rate, i) => rate / (rates(name)[i] ?? Number.NaN)));
  const others = Object.keys(runs).filter((name) => name !== "stagefold");
  const cpu = costRatio(runs.stagefold, runs.raw);
  return {
    builds_per_second: figureOf(rates("stagefold")),
    vs_raw: against("raw"),
    vs_replaced: against("replaced"),
    vs_replaced_sqlite: against("replaced_sqlite"),
    cpu_vs_raw: cpu ?? NO_CPU,
    vs_bullmq: runs.bullmq_always
      ? {
          sandboxed: against("bullmq_sandboxed"),
          everysec: against("bullmq_everysec"),
          always: against("bullmq_always"),
        }
      : { absent: "redis-server is not installed" },
    worker_cpu_ms_per_build: cpuOf(runs.stagefold) ?? NO_CPU,
    worker_cpu_others: Object.fromEntries(
      others.flatMap((name) => {
        const cpu = cpuOf(runs[name]);
        return cpu ? [[name, cpu] as const] : [];
      }),
    ),
  };
}

/** CPU of a build, its store included, over that of the bare calls and their engine, round by round. */
function costRatio(ours: readonly Run[] = [], raw: readonly Run[] = []): Figure | undefined {
  const totals = (runs: readonly Run[]) =>
    runs.map(({ worker_cpu_ms_per_build: worker, engine_cpu_ms_per_build: engine }) =>
      worker === undefined || engine === undefined ? undefined : worker + engine,
    );
  const theirs = totals(raw);
  const ratios = totals(ours).flatMap((total, i) => {
    const other = theirs[i];
    return total === undefined || other === undefined ? [] : [total / other];
  });
  return ratios.length === 0 ? undefined : figureOf(ratios);
}

function cpuOf(runs: readonly Run[] = []): Figure | undefined {
  const known = runs.flatMap((run) => run.worker_cpu_ms_per_build ?? []);
  return known.length === 0 ? undefined : figureOf(known);
}

function shown({ builds_per_second, worker_cpu_ms_per_build: worker, engine_cpu_ms_per_build: engine }: Run) {
  const cpu = worker === undefined ? "" : `, CPU ms ${worker.toFixed(1)} + ${(engine ?? 0).toFixed(1)}`;
  return `${builds_per_second.toFixed(1)} a second${cpu}`;
}
