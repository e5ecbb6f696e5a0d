import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipelines } from "@stagefold/agent-build";
import { openBackend, parseEnv } from "@stagefold/runtime";
import { expect, test } from "vitest";
import { spawnWorker } from "./worker-process.ts";

const PIPELINES = `
import { setTimeout as delay } from "node:timers/promises";
import { definePipeline } from "@stagefold/pipeline";
export const killer = definePipeline({ name: "killer", stages: [{ stage: "kill", async run() {
  await delay(400);
  process.kill(process.ppid, "SIGKILL");
  await delay(60_000);
  return {};
} }] });
export const innocent = definePipeline({ name: "innocent", stages: [{ stage: "work", async run() {
  await delay(3000);
  return {};
} }] });
`;

test("L20: innocent builds beside stages that kill their worker complete; those stages alone are to blame", async () => {
  const root = await mkdtemp(join(tmpdir(), "stagefold-killer-"));
  const folder = join(root, "pipelines");
  await mkdir(folder);
  await writeFile(join(folder, "both.ts"), PIPELINES);
  const env = {
    STAGEFOLD_DATA_DIR: join(root, "data"),
    STAGEFOLD_PIPELINES: folder,
    STAGEFOLD_WORKER_CONCURRENCY: "4",
  };
  const backend = await openBackend(parseEnv(env));
  try {
    const pipelines = await openPipelines(folder);
    const create = async (name: string) => {
      const pipeline = pipelines.get(name);
      if (!pipeline) throw new Error(`expected a pipeline ${name}`);
      const stages = pipeline.stages.map(({ stage }) => ({ stage }));
      const plan = { pipeline: name, pipeline_version: pipeline.version, stages };
      return (await backend.repository.control.create({ requirement: "r", user_id: "u" }, plan)).project_id;
    };
    const killers = [await create("killer"), await create("killer")];
    const innocents = [await create("innocent"), await create("innocent")];
    const statuses = async (ids: readonly string[]) =>
      await Promise.all(ids.map((id) => backend.repository.get(id, { consistent: true })));
    const isOver = async () =>
      (await statuses([...killers, ...innocents])).every((project) => project.completed_at !== undefined);
    let deaths = 0;
    while (!(await isOver())) {
      expect(deaths).toBeLessThan(12);
      // As a supervisor does: a worker that dies is started again.
      await using worker = spawnWorker(env);
      let alive = true;
      void worker.exit().then(() => {
        alive = false;
      });
      while (alive && !(await isOver())) await new Promise((resolve) => setTimeout(resolve, 50));
      if (!alive) deaths += 1;
    }
    for (const project of await statuses(innocents)) expect(project).toMatchObject({ status: "completed" });
    for (const project of await statuses(killers))
      expect(project).toMatchObject({
        status: "failed",
        error_info: { code: "STAGE_STALLED", stage: "kill" },
      });
  } finally {
    await backend.close();
    await rm(root, { recursive: true, force: true });
  }
});
