import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AgentRecords,
  createMemoryFileStores,
  type Item,
  MemoryProjectStore,
  MemoryRecordStore,
  Repository,
} from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore } from "@stagefold/core/dynamodb";
import { findFiles, runImport } from "@stagefold/migrate";
import { startEngine } from "@stagefold/store-testing/engine";
import { expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { LEGACY_TABLES, writeExport } from "./export-files.ts";
import { run, start } from "./run.ts";

const SIZE = { projects: SOAK ? 150 : 40, artifacts: 5 };
const IDS = Array.from({ length: SIZE.projects }, (_, n) => `proj_${n.toString(16).padStart(12, "0")}`);
/** Kills before each run to the end. */
const KILLS = SOAK ? [4, 3, 3] : [1, 2];
/** A run that ends before its kill is none; there is always another try. */
const TRIES = 40;

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function comparable(items: readonly Item[]): Map<unknown, Item> {
  return new Map(
    items.map((item) => {
      const { revision: _r, updated_at: _u, ...rest } = item;
      return [item.project_id, rest];
    }),
  );
}

/** What an import that nothing disturbs gives. */
async function undisturbed(folders: readonly string[], work: string): Promise<Map<unknown, Item>> {
  const store = new MemoryProjectStore();
  const files = createMemoryFileStores();
  const repository = new Repository({ store, ...files });
  const records = new AgentRecords({ records: new MemoryRecordStore(), artifacts: files.artifacts });
  await runImport({
    sources: (await findFiles(folders)).sources,
    repository,
    records,
    folder: join(work, "memory"),
  });
  return comparable(await store.getMany(IDS));
}

test("killed at random moments and run again, an import gives the same items", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = randomFrom(seed);
  const folder = await mkdtemp(join(tmpdir(), "stagefold-kills-"));
  const engine = await startEngine();
  const client = createDynamoClient({ endpoint: engine.endpoint });
  try {
    const paths = await writeExport(join(folder, "export"), SIZE);
    const all = Object.values(paths);
    const expected = await undisturbed(all, folder);
    let lasted = 2000;
    for (const [n, kills] of KILLS.entries()) {
      const env = {
        STAGEFOLD_DATA_DIR: join(folder, `data-${n}`),
        STAGEFOLD_TABLE: `Table${n}`,
        STAGEFOLD_STORE: "dynamodb",
        STAGEFOLD_DYNAMODB_ENDPOINT: engine.endpoint,
      };
      let killed = 0;
      for (let tried = 0; killed < kills && tried < TRIES; tried++) {
        // Any of the tables, in any order: rows wait for their projects, or find them.
        const tables = LEGACY_TABLES.filter(() => random() < 0.7).sort(() => random() - 0.5);
        const child = start(
          ["import", ...tables.map((table) => paths[table]), ...(tables.length === 0 ? all : [])],
          env,
        );
        const from = performance.now();
        const ended = once(child, "exit");
        await Promise.race([ended, sleep(lasted * (0.2 + random()))]);
        if (child.exitCode === null) {
          child.kill("SIGKILL");
          killed += 1;
        } else lasted = performance.now() - from;
        await ended;
      }
      expect(killed, `seed ${seed}`).toBe(kills);
      const last = await run(["import", "--json", ...all], env);
      expect(last, `seed ${seed}`).toMatchObject({ code: 0, stderr: "" });
      const store = new DynamoProjectStore(client, env.STAGEFOLD_TABLE);
      expect(comparable(await store.getMany(IDS)), `seed ${seed}`).toEqual(expected);
      const again = JSON.parse((await run(["import", "--json", ...all], env)).stdout);
      expect(again, `seed ${seed}`).toMatchObject({
        merged: 0,
        deferred: { merged: 0 },
        projects: { unchanged: SIZE.projects },
      });
    }
  } finally {
    client.destroy();
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
});
