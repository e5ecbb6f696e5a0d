import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalDynamoDB } from "@stagefold/local-dynamodb";
import {
  createDynamoClient,
  DynamoProjectStore,
  ensureTable,
  type RequestListener,
} from "../src/dynamodb/index.ts";

/** A store on an embedded engine of its own. */
export async function startStore(engine: "dynoxide" | "dynalite", listener?: RequestListener) {
  const dataDir = await mkdtemp(join(tmpdir(), "stagefold-core-"));
  const local = await startLocalDynamoDB({ dataDir, engine });
  const client = createDynamoClient({ endpoint: local.endpoint });
  await ensureTable(client, "AgentProjects");
  return {
    client,
    endpoint: local.endpoint,
    store: new DynamoProjectStore(client, "AgentProjects", listener),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await local.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The engines that run on this machine. */
export const ENGINES =
  process.platform === "linux" && process.arch === "x64"
    ? (["dynoxide", "dynalite"] as const)
    : (["dynalite"] as const);
