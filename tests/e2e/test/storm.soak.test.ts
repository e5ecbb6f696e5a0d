import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StagefoldClientError } from "@stagefold/client";
import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { until } from "../../../tooling/vitest/until.ts";
import { type System, start, tempFolder } from "./harness.ts";

const BUILDS = SOAK ? 300 : 24;
const AT_ONCE = 20;
/** Printed when it fails, and replayed by STORM_SEED. */
const SEED = Number(process.env.STORM_SEED ?? Date.now() % 2 ** 31);
const ENDED = ["completed", "failed", "cancelled"];
type Project = Awaited<ReturnType<System["client"]["projects"]["get"]>>;
const QUICK = `
name: quick
stages:
  - { stage: one, command: "sleep 0.05" }
  - { stage: two, command: "sleep 0.05" }
  - { stage: three, command: "sleep 0.05" }
`;

it(`C8: builds that people stop, repeat and delete at random never run backwards for who watches, STORM_SEED=${SEED}`, async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, "quick.yaml"), QUICK);
  const env = { STAGEFOLD_PIPELINES: folder.path, STAGEFOLD_WORKER_CONCURRENCY: "8" };
  await using system = await start({ dataDir: join(folder.path, "data"), env });
  const chances = Array.from({ length: BUILDS }, (_, build) => chancesOf(build));
  const builds: { readonly project_id: string; readonly deleted: boolean }[] = [];
  const queue = [...chances];
  const lane = async () => {
    for (let own = queue.pop(); own !== undefined; own = queue.pop())
      builds.push(await oneBuild(system, own));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));

  const { client } = system;
  const kept = builds.filter(({ deleted }) => !deleted);
  // What is paused at the end is resumed, as a person would: then nothing may be left that is not over.
  const ends = await until("the end of every build", async () => {
    const found = await Promise.all(kept.map(({ project_id }) => client.projects.get({ project_id })));
    for (const { project_id, status } of found)
      if (status === "paused") await client.projects.resume({ project_id }).catch(refused);
    return found.every(({ status }) => ENDED.includes(status)) ? found : undefined;
  });
  for (const { status, stages_snapshot, build_summary } of ends) {
    const done = stages_snapshot.stages.filter((stage) => stage.status === "completed").length;
    expect(stages_snapshot.completed).toBe(done);
    if (status === "completed") expect([done, build_summary?.artifacts]).toEqual([3, 0]);
  }
  const { by_status, total } = await client.stats.overview();
  const counts = new Map<string, number>();
  for (const { status } of ends) counts.set(status, (counts.get(status) ?? 0) + 1);
  expect(total).toBe(kept.length);
  expect(Object.fromEntries(Object.entries(by_status).filter(([, n]) => n > 0))).toEqual(
    Object.fromEntries(counts),
  );
  for (const { project_id, deleted } of builds)
    if (deleted)
      await expect(client.projects.get({ project_id })).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
});

/** Numbers from 0 to 1, the same for the same seed. */
function chancesOf(build: number): number[] {
  const bytes = createHash("sha256").update(`${SEED} ${build}`).digest();
  return Array.from({ length: 8 }, (_, n) => bytes.readUInt32BE(4 * n) / 2 ** 32);
}

/** A build, two watchers that come and go, and controls at random times. */
async function oneBuild({ client }: System, chances: readonly number[]) {
  const { project_id } = await client.projects.create({ requirement: "storm", pipeline: "quick" });
  const over = new AbortController();
  const watching = [0, 1].map(async (n) => {
    let last: Project | undefined;
    while (!over.signal.aborted) {
      // It stays for a while once it was answered: a slow machine is not asked again and again before it can answer.
      const leaving = new AbortController();
      const away = AbortSignal.any([over.signal, leaving.signal]);
      let timer: NodeJS.Timeout | undefined;
      try {
        for await (const project of client.projects.watch({ project_id }, { signal: away })) {
          timer ??= setTimeout(() => leaving.abort(), 150 + 200 * n);
          if (last !== undefined) expectForward(last, project);
          last = project;
        }
      } catch (error) {
        if (error instanceof StagefoldClientError && error.code === "PROJECT_NOT_FOUND") return;
        if (!away.aborted) throw error;
      } finally {
        clearTimeout(timer);
      }
    }
  });
  const controlling = control(client, project_id, chances).finally(() => over.abort());
  const [deleted] = await Promise.all([controlling, ...watching]);
  return { project_id, deleted };
}

/** Whether the build is deleted at the end. */
async function control(client: System["client"], project_id: string, chances: readonly number[]) {
  const controls = ["cancel", "pause", "resume", "retry", "delete"] as const;
  for (let n = 0; n + 1 < chances.length; n += 2) {
    await sleep(250 * (chances[n] ?? 0));
    const name = controls[Math.floor((chances[n + 1] ?? 0) * controls.length)] ?? "pause";
    const about = name === "retry" ? { project_id, from_stage: "two" } : { project_id };
    const changed = await client.projects[name](about).catch(refused);
    if (changed && name === "delete") return true;
  }
  await sleep(200);
  return false;
}

function expectForward(last: Project, next: Project): void {
  expect(next.revision).toBeGreaterThanOrEqual(last.revision);
  expect(next.run).toBeGreaterThanOrEqual(last.run);
  // What is over is only repeated by a retry, which counts the run.
  if (ENDED.includes(last.status) && next.run === last.run) expect(next.status).toBe(last.status);
  if (next.run > last.run) return;
  // The stages that a retry repeats are opened by the next lease owner's first write: until then they stand as they ended.
  const repeated = last.stages_snapshot.stages.findIndex(({ stage }) => stage === last.restart_from);
  const kept = last.stages_snapshot.stages.slice(0, repeated < 0 ? undefined : repeated);
  for (const [i, stage] of kept.entries())
    if (stage.status === "completed") expect(next.stages_snapshot.stages[i]?.status).toBe("completed");
}

/** What the state does not allow is refused by name; all else is a fault. */
function refused(error: unknown): undefined {
  if (error instanceof StagefoldClientError && ["PROJECT_CONFLICT", "STAGE_CONFLICT"].includes(error.code))
    return undefined;
  throw error;
}
