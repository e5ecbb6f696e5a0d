import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Item, normalise } from "@stagefold/core";
import { type Backend, openBackend, parseEnv } from "@stagefold/runtime";
import { type Connection, connect } from "@stagefold/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { until } from "../../../tooling/vitest/until.ts";
import { checkAnswer } from "./audit/answers.ts";
import { report } from "./audit/finding.ts";
import { checkHistory } from "./audit/history.ts";
import { checkLists } from "./audit/lists.ts";
import { readLists } from "./audit/observe.ts";
import { checkStages, gather } from "./audit/stages.ts";
import { Random } from "./random.ts";
import { BUILDS, type Event, scheduleOf } from "./round/schedule.ts";
import { Closers } from "./world/closers.ts";
import { Driver } from "./world/driver.ts";
import { persist } from "./world/patience.ts";
import { runsOf, writePipelines } from "./world/pipeline.ts";
import { untilGone } from "./world/processes.ts";
import { WorkerProcess } from "./world/worker-process.ts";
import { LEASE_SECONDS } from "./world/world.ts";
import { WRITE_LOG, writesOf } from "./world/write-log.ts";

const ROUNDS = Number(process.env.CHAOS_ROUNDS ?? (SOAK ? 10 : 2));
const WORKERS = 3;
const GONE_MS = 8000;
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Workers of one machine on one SQLite file, and a person who has it open too. There is no network and no engine. */
describe(`real processes on SQLite, CHAOS_SEED=${seed}`, () => {
  const random = new Random(seed);
  const closers = new Closers();
  const workers: WorkerProcess[] = [];
  const builds = new Set<string>();
  const deleted = new Set<string>();
  const counts = new Map<Event["kind"], number>();
  let folder = "";
  let backend: Backend | undefined;
  let driver: Driver | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stagefold-chaos-"));
    closers.add(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const pipelines = join(folder, "pipelines");
    const plans = await writePipelines(pipelines, join(folder, "runs"));
    const settings = {
      STAGEFOLD_DATA_DIR: join(folder, "data"),
      STAGEFOLD_PIPELINES: pipelines,
      STAGEFOLD_LEASE_SECONDS: String(LEASE_SECONDS),
      STAGEFOLD_WORKER_CONCURRENCY: "2",
    };
    backend = closers.use(await openBackend(parseEnv(settings)));
    withDatabase((database) => database.exec(WRITE_LOG));
    driver = new Driver(backend.repository, plans, folder);
    closers.add(() => untilGone(pipelines, GONE_MS));
    for (let i = 1; i <= WORKERS; i++) {
      const worker = new WorkerProcess(`worker ${i}`, settings);
      closers.add(() => worker.kill());
      worker.start();
      workers.push(worker);
    }
    await Promise.all(workers.map((worker) => worker.ready()));
  });
  afterAll(() => closers.close());

  function withDatabase<T>(work: (database: Connection) => T): T {
    const database = connect(join(folder, "data", "stagefold.db"));
    try {
      database.exec("PRAGMA busy_timeout = 5000");
      return work(database);
    } finally {
      database.close();
    }
  }

  test.each(Array.from({ length: ROUNDS }, (_, n) => n + 1))(
    "round %i: what was written is there, once",
    async (n) => {
      const { repository, artifacts, logs } = backend ?? expect.fail("no backend");
      const person = driver ?? expect.fail("no driver");
      const made = new Map<number, string>();
      const idOf = (build: number) => until(`build ${build}`, () => Promise.resolve(made.get(build)));

      const happen = async (event: Event): Promise<unknown> => {
        counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1);
        switch (event.kind) {
          case "create": {
            const id = await person.create(n * BUILDS + event.build);
            builds.add(id);
            return made.set(event.build, id);
          }
          case "pause":
          case "resume":
          case "cancel":
          case "answer":
            return await person[event.kind](await idOf(event.build));
          case "delete": {
            const id = await idOf(event.build);
            deleted.add(id);
            return await person.delete(id);
          }
          case "kill engine":
            // There is none: a writer is killed in its place.
            return await kill(random.between(0, WORKERS - 1), 0);
          case "partition":
          case "kill":
            return await kill(event.site, event.forMs);
          case "freeze":
            return await freeze(event.site, event.forMs);
          default:
            return event satisfies never;
        }
      };
      const from = performance.now();
      const happening: Promise<unknown>[] = [];
      for (const event of scheduleOf(random, n, WORKERS, LEASE_SECONDS * 1000)) {
        await sleep(Math.max(0, event.at - (performance.now() - from)));
        happening.push(happen(event));
      }
      await Promise.all(happening);
      // All at once: each has a gate that may still be open.
      const left = [...builds].filter((id) => !deleted.has(id));
      await Promise.all(
        left.map((id) =>
          until(
            `${id} to be completed`,
            async () => {
              const { status } = await persist(() => repository.get(id));
              if (status === "paused") await person.resume(id);
              if (status === "waiting") await person.answer(id);
              if (status === "failed" || status === "cancelled") await person.retry(id);
              return status === "completed" ? true : undefined;
            },
            () => workers.flatMap((worker) => worker.said).join("\n"),
          ),
        ),
      );

      expect(withDatabase((database) => database.prepare("PRAGMA integrity_check").all())).toEqual([
        { integrity_check: "ok" },
      ]);
      const written = withDatabase(writesOf);
      const items: Item[] = [];
      for (const id of builds) {
        const item = await persist(() => repository.store.get(id));
        if (item) items.push(item);
      }
      const observation = { items, rows: new Map(), lists: await readLists(repository) };
      const findings = checkLists(observation);
      for (const project_id of builds) {
        const stored = items.find((item) => item.project_id === project_id);
        const writes = written.get(project_id) ?? [];
        findings.push(...checkHistory({ project_id, settled: undefined, writes, stored }));
        if (stored === undefined) continue;
        const project = normalise(stored);
        const runs = await runsOf(join(folder, "runs"), project_id);
        findings.push(...checkStages(project, await gather(project, runs, { artifacts, logs })));
        if (project.status === "completed")
          findings.push(...checkAnswer(project, person.answers.get(project_id) ?? []));
      }
      expect(report(findings), `CHAOS_SEED=${seed}, round ${n}`).toEqual([]);
      expect(items).toHaveLength(builds.size - deleted.size);
    },
  );

  // Skipped when a few rounds may miss a kind of fault.
  test.skipIf(ROUNDS < 4)("writers were killed and frozen", () => {
    expect(counts.get("kill")).toBeGreaterThan(0);
    expect(counts.get("freeze")).toBeGreaterThan(0);
  });

  async function kill(site: number, forMs: number): Promise<void> {
    const worker = workers[site] ?? expect.fail(`no worker ${site}`);
    await worker.kill();
    await sleep(forMs);
    worker.start();
  }

  async function freeze(site: number, forMs: number): Promise<void> {
    const worker = workers[site] ?? expect.fail(`no worker ${site}`);
    const { pid } = worker;
    if (pid === 0) return;
    worker.freeze();
    await sleep(forMs);
    // Otherwise it was killed meanwhile, and this is another process.
    if (worker.pid === pid) worker.thaw();
  }
});
