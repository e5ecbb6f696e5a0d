import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDynamoClient, ensureTable } from "@stagefold/core/dynamodb";
import { type EngineKind, startLocalDynamoDB } from "@stagefold/local-dynamodb";
import { Cleanup } from "./cleanup.ts";

export const TABLE = "AgentProjects";

/** An embedded engine on a new folder on disk, with the table in it. */
export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
  readonly engine: EngineKind;
  readonly pid: number;
  readonly dataDir: string;
}

export interface EngineOptions {
  /** `false` leaves the table to whoever wants one of another form. */
  readonly table?: boolean;
  /** Puts something into the data folder before the engine starts on it. */
  readonly prepare?: (dataDir: string) => Promise<void>;
}

export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const cleanup = new Cleanup();
  try {
    const dataDir = await mkdtemp(join(tmpdir(), "stagefold-bench-"));
    cleanup.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    await options.prepare?.(dataDir);
    const local = await startLocalDynamoDB({ dataDir, engine: "auto" });
    cleanup.add(() => local.close());
    if (options.table !== false) {
      const client = createDynamoClient({ endpoint: local.endpoint });
      cleanup.add(() => client.destroy());
      await ensureTable(client, TABLE);
    }
    const { endpoint, engine, pid } = local;
    return { endpoint, engine, pid, dataDir, [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose]() };
  } catch (error) {
    await cleanup[Symbol.asyncDispose]();
    throw error;
  }
}
