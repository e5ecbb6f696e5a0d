import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDynamoClient, ensureTable } from "@stagefold/core/dynamodb";
import { type EngineName, startEngine as startBare } from "@stagefold/store-testing/engine";
import { Cleanup } from "./cleanup.ts";

export const TABLE = "AgentProjects";

/** An engine on a new folder on disk, with the table in it. */
export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
  readonly engine: EngineName;
  /** Of its process: this one, where the engine runs in it. */
  readonly pid: number;
  /** For the data of processes that use the engine. */
  readonly dataDir: string;
}

export interface EngineOptions {
  /** `false` leaves the table to whoever wants one of another form. */
  readonly table?: boolean;
  /** Puts something into the engine's folder before it starts on it. */
  readonly prepare?: (folder: string) => Promise<void>;
}

export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const cleanup = new Cleanup();
  try {
    const dataDir = await mkdtemp(join(tmpdir(), "stagefold-bench-"));
    cleanup.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    const { prepare } = options;
    const local = await startBare(undefined, prepare && { prepare });
    cleanup.add(() => local.close());
    if (options.table !== false) {
      const client = createDynamoClient({ endpoint: local.endpoint });
      cleanup.add(() => client.destroy());
      await ensureTable(client, TABLE);
    }
    const { endpoint, name: engine, pid = process.pid } = local;
    return { endpoint, engine, pid, dataDir, [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose]() };
  } catch (error) {
    await cleanup[Symbol.asyncDispose]();
    throw error;
  }
}
