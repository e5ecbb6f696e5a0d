import { randomBytes } from "node:crypto";
import { createDynamoClient } from "@stagefold/core/dynamodb";
import { type Fsync, startRedis } from "../baselines/redis.ts";
import { createReplacedTable } from "../baselines/replaced.ts";
import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir, startEngine } from "../measure/engine.ts";
import { startProgram } from "../measure/program.ts";
import { type Run, timed } from "./run.ts";

const WARM_UP = 32;

function newIds(count: number): string[] {
  return Array.from({ length: count }, () => `proj_${randomBytes(6).toString("hex")}`);
}

/** The same builds by bare calls, or by the way that Stagefold replaces, on a DynamoDB engine. */
export async function runBaseline(kind: "raw" | "replaced", builds: number): Promise<Run> {
  await using cleanup = new Cleanup();
  const engine = await startEngine({ table: kind === "raw" });
  cleanup.add(() => engine[Symbol.asyncDispose]());
  if (kind === "replaced") {
    const client = createDynamoClient({ endpoint: engine.endpoint });
    cleanup.add(() => client.destroy());
    await createReplacedTable(client);
  }
  return await runProgram({ endpoint: engine.endpoint, kind }, builds, engine.pid);
}

/** The replaced way on the same SQLite that Stagefold uses. */
export async function runReplacedOnSqlite(builds: number): Promise<Run> {
  await using cleanup = new Cleanup();
  return await runProgram({ kind: "replaced_sqlite", folder: await newDataDir(cleanup) }, builds);
}

async function runProgram(argument: object, builds: number, engine?: number): Promise<Run> {
  await using program = await startProgram("baseline", argument);
  const warm = newIds(WARM_UP);
  await program.ask({ do: "queue", ids: warm });
  await program.ask({ do: "build", ids: warm });
  const ids = newIds(builds);
  await program.ask({ do: "queue", ids });
  return await timed(builds, { worker: program.pid, engine }, async () => {
    await program.ask({ do: "build", ids });
  });
}

/** The same builds as jobs of BullMQ on a Redis of its own; sandboxed ones run in processes of their own, as stages do. */
export async function runBullmq(
  redis: string,
  fsync: Fsync,
  builds: number,
  { sandboxed = false }: { readonly sandboxed?: boolean } = {},
): Promise<Run> {
  await using cleanup = new Cleanup();
  const server = await startRedis(redis, fsync);
  cleanup.add(() => server[Symbol.asyncDispose]());
  const program = await startProgram("bullmq", { port: server.port, sandboxed });
  cleanup.add(() => program[Symbol.asyncDispose]());
  await program.ask({ do: "queue", count: WARM_UP });
  await program.ask({ do: "build", count: WARM_UP });
  await program.ask({ do: "queue", count: builds });
  return await timed(builds, { worker: program.pid, engine: server.pid }, async () => {
    await program.ask({ do: "build", count: builds });
  });
}
