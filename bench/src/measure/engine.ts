import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDynamoClient, ensureTable } from "@stagefold/core/dynamodb";
import { type EngineName, startEngine as start } from "@stagefold/store-testing/engine";
import { Cleanup } from "./cleanup.ts";

export const TABLE = "AgentProjects";

/** A DynamoDB engine on this machine, with the table in it, and a folder for artifacts beside it. */
export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
  /** Undefined for an engine that runs in this very process. */
  readonly pid: number | undefined;
  readonly dataDir: string;
}

export interface EngineOptions {
  /** The first that runs on this machine unless given. */
  readonly engine?: EngineName | undefined;
  /** `false` leaves the table to those who want one of another form. */
  readonly table?: boolean;
}

export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const cleanup = new Cleanup();
  try {
    const dataDir = await newDataDir(cleanup);
    const { endpoint, pid, close } = await start(options.engine);
    cleanup.add(close);
    if (options.table !== false) {
      const client = createDynamoClient({ endpoint });
      cleanup.add(() => client.destroy());
      await ensureTable(client, TABLE);
    }
    return { endpoint, pid, dataDir, [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose]() };
  } catch (error) {
    await cleanup[Symbol.asyncDispose]();
    throw error;
  }
}

/** A new data folder on disk, removed at the end. */
export async function newDataDir(cleanup: Cleanup): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "stagefold-bench-"));
  cleanup.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  return dataDir;
}
